"""What the web process writes down: one JSON object a line, bounded, and nothing that somebody typed.

Libraries quote whole packets, headers and forms when one is odd, and no filter knows the shape of a password. So a line
of somebody else's code says where it comes from and not its words, and an exception says its kind and where it was
raised. What visitors send that no page of ours sends is counted (:class:`Oddities`) and told once a minute.
"""

import asyncio
import logging
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, TextIO

import msgspec

#: Lines from one place in the code, and from all of it, in a minute.
PLACE_LINES: Final = 5
ALL_LINES: Final = 200
WINDOW_SECONDS: Final = 60.0
_WORDS: Final = 500
_FRAMES: Final = 12
#: Loggers whose words are written by us, or by a library that puts nothing of a request into them.
_SPOKEN: Final = ("frontend", "module_sdk", "uvicorn.error")
_SECRETS: Final = re.compile(
    r"(?P<name>(?:password|secret|token|ticket|cookie|session|authorization)[\w\"']*\s*[=:]\s*)[^\s,;&]+"
    r"|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\beyJ[\w-]+\.[\w-]+\.[\w-]*|\bocs_\w+",
    re.IGNORECASE,
)

logger = logging.getLogger(__name__)


def configure(stream: TextIO | None = None) -> None:
    """Send every line of this process through one bounded handler; to be called once, before Reflex is imported."""
    root = logging.getLogger()
    root.handlers[:] = [Lines(stream or sys.stderr)]
    root.setLevel(logging.WARNING)
    for name in ("engineio.server", "socketio.server"):
        # Without a level of its own, each brings a handler that goes around the root's.
        logging.getLogger(name).setLevel(logging.ERROR)


class Lines(logging.Handler):
    """Writes records as lines, a few from each place in a minute."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._stream, self._clock = stream, clock
        self._window = clock()
        self._written: Counter[str] = Counter()
        self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or count it if its place has written enough."""
        place = f"{record.name}:{record.lineno}"
        if self._clock() - self._window >= WINDOW_SECONDS:
            left_out, self._left_out = self._left_out, 0
            self._window = self._clock()
            self._written.clear()
            if left_out:
                self._write({"level": "warning", "logger": __name__, "event": f"{left_out} lines were left out"})
        if self._written[place] >= PLACE_LINES or self._written.total() >= ALL_LINES:
            self._left_out += 1
            return
        self._written[place] += 1
        self._write(_line(record))

    def _write(self, line: dict[str, Any]) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._stream.write(msgspec.json.encode({**line, "timestamp": stamp}).decode() + "\n")
        self._stream.flush()


def _line(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = {"level": record.levelname.lower(), "logger": record.name, "event": _words(record)}
    if record.exc_info and (error := record.exc_info[1]) is not None:
        line["exception"] = type(error).__name__
        line["raised_at"] = _frames(record.exc_info[2])
    return line


def _words(record: logging.LogRecord) -> str:
    if not any(record.name == name or record.name.startswith(f"{name}.") for name in _SPOKEN):
        return f"{record.module}:{record.lineno}"
    text = record.getMessage()[:_WORDS]
    return _SECRETS.sub(lambda found: f"{found['name'] or ''}[redacted]", text)


def _frames(trace: TracebackType | None) -> list[str]:
    """Where an exception was raised, innermost last; not its words, which quote what was sent."""
    return [
        f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-_FRAMES:]
    ]


class Oddities:
    """Counts what no page of ours sends, and tells the counts in one line a minute."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, kind: str) -> None:
        """Note one more of ``kind``, which is a word of ours and never a visitor's."""
        if not self._counts:
            asyncio.get_running_loop().call_later(WINDOW_SECONDS, self.tell)
        self._counts[kind] += 1

    def tell(self) -> None:
        """Write the counts, if there are any, and begin anew."""
        if self._counts:
            logger.warning("odd traffic: %s", ", ".join(f"{kind} {count}" for kind, count in self._counts.items()))
            self._counts.clear()
