"""An incremental parser of server-sent events, as the WHATWG event stream format defines them.

Bytes may arrive in chunks cut anywhere, also within a character or between CR and LF; the events that come out are the
same. An event is complete at its empty line: one that the stream ends within is dropped, as the format demands.
"""

import codecs
import re

import msgspec

_LINE_END = re.compile(r"\r\n|\r|\n")
#: More digits than this are no time to wait, and Python refuses to convert thousands of them.
_RETRY = re.compile(r"[0-9]{1,15}")
_BYTE_ORDER_MARK = "\ufeff"
#: Far above any event of the product; it bounds the memory that a runaway server can take.
MAX_EVENT_CHARS = 4 * 1024 * 1024


class SseOverflowError(ValueError):
    """A line or the data of an event grew past the parser's bound."""


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``id`` is the last id seen, possibly that of an earlier event, ``""`` if there was none."""

    event: str
    data: str
    id: str


class SseParser:
    """Turns the bytes of one response into events.

    ``last_event_id`` is what to send as ``Last-Event-ID`` after a lost connection; ``retry_ms`` is the reconnection
    time the server asked for, ``None`` if it did not. After :class:`SseOverflowError` the parser must be thrown away.
    """

    def __init__(self, *, max_event_chars: int = MAX_EVENT_CHARS) -> None:
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._max_chars = max_event_chars
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._at_start = True
        self._after_cr = False
        self._partial: list[str] = []
        self._partial_chars = 0
        self._event = ""
        self._data: list[str] = []
        self._data_chars = 0
        self._id = ""

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that ``chunk`` completes, in order. Raises :class:`SseOverflowError`."""
        text = self._decoder.decode(chunk)
        if text and self._at_start:
            self._at_start = False
            text = text.removeprefix(_BYTE_ORDER_MARK)
        if text and self._after_cr:
            # The CR already ended its line, so that an event is never held back for a LF that may not come.
            self._after_cr = False
            text = text.removeprefix("\n")
        if not text:
            return []
        self._after_cr = text.endswith("\r")
        return self._take_lines(_LINE_END.split(text))

    def _take_lines(self, pieces: list[str]) -> list[ServerEvent]:
        """``pieces`` is text cut at line ends: all but the last are the rest of a complete line."""
        events: list[ServerEvent] = []
        for piece in pieces[:-1]:
            self._hold(piece)
            line = "".join(self._partial)
            self._partial.clear()
            self._partial_chars = 0
            if line:
                self._field(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        self._hold(pieces[-1])
        return events

    def _hold(self, piece: str) -> None:
        self._partial_chars += len(piece)
        if self._partial_chars > self._max_chars:
            raise SseOverflowError(f"a line is longer than {self._max_chars} characters")
        if piece:
            self._partial.append(piece)

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            # The 1 is the line feed that joins the lines: empty ones count too.
            self._data_chars += len(value) + 1
            if self._data_chars > self._max_chars:
                raise SseOverflowError(f"the data of an event is longer than {self._max_chars} characters")
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and _RETRY.fullmatch(value):
            self.retry_ms = int(value)

    def _dispatch(self) -> ServerEvent | None:
        self.last_event_id = self._id
        event, data = self._event or "message", self._data
        self._event, self._data, self._data_chars = "", [], 0
        if not data:
            return None
        return ServerEvent(event=event, data="\n".join(data), id=self._id)
