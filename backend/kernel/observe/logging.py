"""JSON logs by structlog, one object a line on standard output, the libraries' own logging included.

Context travels in ``structlog.contextvars``: ``request_id``, ``tenant_id``, ``user_id``, ``job_id``. Secrets are taken
out twice, see :mod:`backend.kernel.observe.redaction`. A line that cannot be made or written never fails the work it is
about.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any, BinaryIO, Final, cast

import msgspec
import structlog

from backend.kernel.observe.redaction import redact_event, redact_line

# Their requests, statements and connections would repeat what our own lines say.
_QUIET: Final = {"uvicorn.access": logging.CRITICAL, "httpx": logging.WARNING, "httpcore": logging.WARNING,
                 "asyncio": logging.WARNING}  # fmt: skip

_FLUSH_SECONDS: Final = 0.02
_MOST_COMPLAINTS: Final = 10_000

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
        logger_factory=_Loggers(_Output(stream or sys.stdout.buffer)),
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


class _Output:
    """Where lines go: those that do not fit on a full disk or into a broken pipe are counted, and nothing is raised.

    What was taken but not written yet stays in the stream's buffer and is written once there is room. The count of the
    others is a line of its own then.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lost = 0

    def write(self, line: bytes) -> None:
        """One or more whole lines."""
        try:
            self._stream.write(line)
        except (OSError, ValueError):  # the latter for a stream that was closed
            self._lost += 1

    def flush(self) -> None:
        """Let what was written so far leave the process."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            line = {"event": "log_lines_lost", "logger": "ocsuite", "level": "warning", "lines": lost}
            self.write(_encode(_add_timestamp(None, "", line)) + b"\n")


class _NamedLogger(structlog.BytesLogger):
    """Writes finished lines; ``name`` is what was passed to ``structlog.get_logger``."""

    def __init__(self, name: str, output: _Output) -> None:
        super().__init__(cast("BinaryIO", output))  # all it does is to write and to flush
        self.name = name


class _Loggers:
    """structlog's logger factory."""

    def __init__(self, output: _Output) -> None:
        self.output = output

    def __call__(self, name: str = "ocsuite", *_: Any) -> _NamedLogger:
        return _NamedLogger(name, self.output)


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
        self._output = factory.output if isinstance(factory, _Loggers) else _Output(sys.stdout.buffer)
        self._flushing = False

    def write(self, event: str, fields: dict[str, Any]) -> None:
        """One line at level info."""
        line = {**structlog.contextvars.get_contextvars(), "event": event, "logger": "ocsuite.access", "level": "info"}
        self._output.write(_encode(_add_timestamp(None, "", {**line, **fields})) + b"\n")
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._output.flush()


class Complaints:
    """Says what is wrong with something when that begins or changes, and not each time it is seen again."""

    def __init__(self, logger: str) -> None:
        self._logger = logger
        self._told: dict[str, tuple[str, dict[str, Any]]] = {}

    def tell(self, about: str, event: str, *, level: int = logging.ERROR, **fields: Any) -> None:
        """One line, unless the last about the same said the same."""
        if self._told.get(about) != (event, fields):
            if len(self._told) >= _MOST_COMPLAINTS:
                self._told.clear()
            self._told[about] = event, fields
            structlog.get_logger(self._logger).log(level, event, **fields)

    def settled(self, about: str) -> None:
        """All is well with it: the next complaint about it is said again."""
        self._told.pop(about, None)


_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder(enc_hook=str).encode


def _encode_any(event: Any) -> bytes:
    """As :data:`_encode`; also half a surrogate pair or a number of 70 bits, which msgspec refuses."""
    try:
        return _encode(event)
    except (ValueError, OverflowError, TypeError):
        return json.dumps(event, default=str).encode()


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return redact_line(_encode_any(event))


def _render_locally(logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    """Without a mail server a developer follows the link in the log, so a mail is shown as it is."""
    if event["logger"] == MAIL_LOGGER and event["event"] == "mail":
        return _encode_any(event)
    return _render(logger, method, event)


class _ToStructlog(logging.Handler):
    """Hands records of the standard library to structlog, so that they are redacted and rendered alike."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # a library's format string does not fit its arguments, or one of these has no text
            message = str(record.msg)
        exc_info = record.exc_info if record.exc_info and record.exc_info[0] is not None else None
        extra: dict[str, Any] = {"exc_info": exc_info} if exc_info else {}
        structlog.get_logger().log(record.levelno, message, logger=record.name, **extra)
