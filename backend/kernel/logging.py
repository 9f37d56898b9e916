"""JSON logs by structlog, one object a line on standard output, the libraries' own logging included.

Context travels in ``structlog.contextvars``: ``request_id``, ``tenant_id``, ``user_id``, ``job_id``. Secrets are taken
out twice, see :mod:`backend.kernel.redaction`.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any, BinaryIO, Final

import msgspec
import structlog

from backend.kernel.redaction import redact_event, redact_line

# Their requests, statements and connections would repeat what our own lines say.
_QUIET: Final = {"uvicorn.access": logging.CRITICAL, "httpx": logging.WARNING, "httpcore": logging.WARNING,
                 "openai": logging.WARNING, "asyncio": logging.WARNING}  # fmt: skip

_FLUSH_SECONDS: Final = 0.02

#: Name of the logger whose event ``mail`` shows a whole mail, the secret of its link included: in local mode alone.
MAIL_LOGGER: Final = "ocsuite.mail"


def configure_logging(env: str, stream: BinaryIO | None = None) -> None:
    """Sets up structlog and the standard library's root logger; to be called once by an entry point.

    Args:
        env: ``local`` also shows debug lines of our own code, and mails as they would leave.
        stream: Where lines go; standard output if absent.
    """
    level = logging.DEBUG if env == "local" else logging.INFO
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_logger_name,
            structlog.processors.add_log_level,
            _add_timestamp,
            structlog.processors.format_exc_info,
            redact_event,
            _render_locally if env == "local" else _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Loggers(stream or sys.stdout.buffer),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)


class _NamedLogger(structlog.BytesLogger):
    """Writes finished lines; ``name`` is what was passed to ``structlog.get_logger``."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.name = name


class _Loggers:
    """structlog's logger factory."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def __call__(self, name: str = "ocsuite", *_: Any) -> _NamedLogger:
        return _NamedLogger(name, self.stream)


def _add_logger_name(logger: _NamedLogger, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.setdefault("logger", logger.name)
    return event


def _add_timestamp(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """RFC 3339 in UTC; the part down to the second is made once a second."""
    second, fraction = divmod(time.time_ns() // 1000, 1_000_000)
    event["timestamp"] = f"{_second(second)}.{fraction:06d}Z"
    return event


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


class AccessLog:
    """Writes access lines: structlog's context and stream, without its processors, and flushed 50 times a second.

    The fields are made by us (route templates, numbers, checked ids), so that there is nothing to take out. Lines keep
    their order among all others, because all share one buffer.
    """

    def __init__(self) -> None:
        factory = structlog.get_config()["logger_factory"]
        self._stream: BinaryIO = factory.stream if isinstance(factory, _Loggers) else sys.stdout.buffer
        self._flushing = False

    def write(self, event: str, fields: dict[str, Any]) -> None:
        """One line at level info."""
        line = {**structlog.contextvars.get_contextvars(), "event": event, "logger": "ocsuite.access", "level": "info"}
        self._stream.write(_encode(_add_timestamp(None, "", {**line, **fields})) + b"\n")
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._stream.flush()


_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder(enc_hook=str).encode


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return redact_line(_encode(event))


def _render_locally(logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    """Without a mail server a developer follows the link in the log, so a mail is shown as it is."""
    if event["logger"] == MAIL_LOGGER and event["event"] == "mail":
        return _encode(event)
    return _render(logger, method, event)


class _ToStructlog(logging.Handler):
    """Hands records of the standard library to structlog, so that they are redacted and rendered alike."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a library's format string does not fit its arguments
            message = str(record.msg)
        exc_info = record.exc_info if record.exc_info and record.exc_info[0] is not None else None
        extra: dict[str, Any] = {"exc_info": exc_info} if exc_info else {}
        structlog.get_logger().log(record.levelno, message, logger=record.name, **extra)
