"""One answer being written: pieces of text in, numbered events out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec

from backend.domains.csuite.draft import Draft
from backend.kernel.streams import LiveStream, StreamRef
from module_sdk.wire.csuite import Delta, Failed, Message, Started

STARTED: Final = "message.started"
DELTA: Final = "message.delta"
COMPLETED: Final = "message.completed"
FAILED: Final = "message.failed"
ENDINGS: Final = frozenset({COMPLETED, FAILED})

#: Pieces that arrive within this time share an event: 40 a second look fluent, more only cost.
FLUSH_SECONDS: Final = 0.025

#: Far above any answer worth reading. It bounds what a model that never ends can take, and a text of this length can
#: always be indexed: the index of one row holds 1 MiB of words.
MOST_CHARS: Final = 100_000

_encode = msgspec.json.Encoder().encode

#: Postgres stores no NUL, a page shows no other control character.
_UNWANTED: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160))) | dict.fromkeys(
    range(55296, 57344), "�"
)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a generator is given: the stored answer, its lease, and the draft to write it from."""

    ref: StreamRef
    lease_token: UUID
    draft: Draft


@dataclass(slots=True)
class Answer:
    """The text so far and its live stream. The first piece leaves at once, later ones are gathered for a moment."""

    assignment: Assignment
    live: LiveStream = field(default_factory=LiveStream)
    stopped: bool = False
    length: int = 0
    _pieces: list[str] = field(default_factory=list)
    _waiting: list[str] = field(default_factory=list)
    _timer: asyncio.TimerHandle | None = None
    _flushed_at: float = 0.0

    @property
    def content(self) -> str:
        """The whole text so far."""
        return "".join(self._pieces)

    def add(self, piece: str, clock: Callable[[], float]) -> None:
        """Take a piece of text."""
        piece = piece.translate(_UNWANTED)
        if not piece:
            return
        self.length += len(piece)
        self._pieces.append(piece)
        self._waiting.append(piece)
        if self._timer is not None:
            return
        due = self._flushed_at + FLUSH_SECONDS - clock()
        if due <= 0:
            self.flush()
            self._flushed_at = clock()
        else:
            self._timer = asyncio.get_running_loop().call_later(due, self._on_timer, clock)

    def _on_timer(self, clock: Callable[[], float]) -> None:
        self._timer = None
        self.flush()
        self._flushed_at = clock()

    def flush(self) -> None:
        """Publish what is waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            text = "".join(self._waiting)
            self._waiting.clear()
            self.live.publish(DELTA, _encode(Delta(message_id=self.assignment.ref.id, text=text)))

    def start(self, started: Started) -> None:
        """Publish the first event."""
        self.live.publish(STARTED, _encode(started))

    def end(self, message: Message | None) -> None:
        """Publish the last event, if there is a stored message to tell of, and close the stream."""
        if message is not None:
            self.live.publish(*ending(message))
        self.live.close()


def ending(message: Message) -> tuple[str, bytes]:
    """Name and data of the last event of a message that has ended."""
    if message.status == "failed":
        return FAILED, _encode(Failed(message=message))
    return COMPLETED, _encode(message)
