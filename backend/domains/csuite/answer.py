"""One answer being written: pieces of text and thoughts in, numbered events out."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec

from backend.domains.csuite.draft import Draft
from backend.domains.csuite.providers.base import CutShort, Piece, Thinking
from backend.kernel.errors import ProviderUnavailable
from backend.kernel.runs.streams import Event, LiveStream, RunRef
from module_sdk.api.csuite import CutOff, Delta, Failed, Message, Started, Thought

STARTED: Final = "message.started"
THOUGHT: Final = "message.thought"
DELTA: Final = "message.delta"
COMPLETED: Final = "message.completed"
FAILED: Final = "message.failed"
ENDINGS: Final = frozenset({COMPLETED, FAILED})

#: Pieces that arrive within this time share an event: 40 a second look fluent, more only cost.
FLUSH_SECONDS: Final = 0.025

#: Far above any answer worth reading. It bounds what a model that never ends can take, and a text of this length can
#: always be indexed: the index of one row holds 1 MiB of words.
MOST_CHARS: Final = 100_000

#: What a model thinks beyond this is neither shown nor stored.
MOST_THOUGHT_CHARS: Final = 20_000

_NOTHING_SAID: Final[Mapping[CutOff | None, str]] = {
    None: "The model gave an empty answer; try again.",
    "length": "The model came to its longest before it answered; ask for less at once.",
    "content_filter": "The model provider's filter withheld the answer; put the question in other words.",
}

_encode = msgspec.json.Encoder().encode
_delta = msgspec.json.Decoder(Delta).decode
_thought = msgspec.json.Decoder(Thought).decode

#: Postgres stores no NUL, a page shows no other control character.
_UNWANTED: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160))) | dict.fromkeys(
    range(55296, 57344), "�"
)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What there is to do: the stored answer, its lease, and the draft to write it from."""

    ref: RunRef
    lease_token: UUID
    draft: Draft


@dataclass(slots=True)
class Answer:
    """A run that writes an answer. The first piece leaves at once, later ones are gathered for a moment."""

    assignment: Assignment
    clock: Callable[[], float]
    live: LiveStream = field(default_factory=LiveStream)
    cut_off: CutOff | None = None
    length: int = 0
    _pieces: list[str] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)
    _thought_room: int = MOST_THOUGHT_CHARS
    _began: float | None = None
    _thought_until: float | None = None
    _waiting: list[str] = field(default_factory=list)
    _waiting_for: str = DELTA
    _timer: asyncio.TimerHandle | None = None
    _flushed_at: float = 0.0

    @property
    def ref(self) -> RunRef:
        """See :class:`~backend.kernel.runs.run.Run`."""
        return self.assignment.ref

    @property
    def lease_token(self) -> UUID:
        """See :class:`~backend.kernel.runs.run.Run`."""
        return self.assignment.lease_token

    async def work(self) -> None:
        """Take the model's text until it ends; raises what the provider raises, ``ProviderUnavailable`` for no text."""
        try:
            async for piece in self.assignment.draft:
                self.take(piece)
                if self.length > MOST_CHARS:
                    raise ProviderUnavailable("The model did not come to an end; try again.")
        finally:
            await self.release()
        if not self.content.strip():
            raise ProviderUnavailable(_NOTHING_SAID[self.cut_off])

    async def release(self) -> None:
        """Stop asking the model."""
        await self.assignment.draft.discard()

    @property
    def content(self) -> str:
        """The whole text so far."""
        return "".join(self._pieces)

    @property
    def thought(self) -> str | None:
        """What the model thought so far, if it thought."""
        return "".join(self._thoughts).strip() or None

    @property
    def thought_seconds(self) -> float | None:
        """How long it thought, from the first piece to the first text after it or, if none came, until now."""
        if self._began is None or self.thought is None:
            return None
        until = self.clock() if self._thought_until is None else self._thought_until
        return round(until - self._began, 2)

    def take(self, piece: Piece) -> None:
        """Take what the model sent."""
        match piece:
            case str():
                self._add(piece)
            case Thinking(text=text, instead=instead):
                if instead:
                    self._rethink()
                self._think(text)
            case CutShort(reason=reason):
                self.cut_off = reason

    def _add(self, piece: str) -> None:
        piece = piece.translate(_UNWANTED)
        if not piece:
            return
        if self._thoughts and self._thought_until is None:
            self._thought_until = self.clock()
        self.length += len(piece)
        self._pieces.append(piece)
        self._publish_soon(DELTA, piece)

    def _think(self, piece: str) -> None:
        piece = piece.translate(_UNWANTED)[: self._thought_room]
        if not piece:
            return
        self._thought_room -= len(piece)
        self._thoughts.append(piece)
        self._publish_soon(THOUGHT, piece)

    def _rethink(self) -> None:
        """All text so far was thinking after all: the answer begins anew."""
        self.flush()
        text = self.content[: self._thought_room]
        self._thought_room -= len(text)
        self._thoughts.append(text)
        self._pieces.clear()
        self.length, self._thought_until = 0, None
        self.live.publish(THOUGHT, _encode(Thought(message_id=self.assignment.ref.id, text="", instead=True)))

    def _publish_soon(self, kind: str, piece: str) -> None:
        if self._began is None:
            self._began = self.clock()
        if kind != self._waiting_for:
            self.flush()
            self._waiting_for = kind
        self._waiting.append(piece)
        if self._timer is not None:
            return
        due = self._flushed_at + FLUSH_SECONDS - self.clock()
        if due <= 0:
            self.flush()
            self._flushed_at = self.clock()
        else:
            self._timer = asyncio.get_running_loop().call_later(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.flush()
        self._flushed_at = self.clock()

    def flush(self) -> None:
        """Publish what is waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            text = "".join(self._waiting)
            self._waiting.clear()
            kind = Delta if self._waiting_for == DELTA else Thought
            self.live.publish(self._waiting_for, _encode(kind(message_id=self.assignment.ref.id, text=text)))

    def start(self, started: Started) -> None:
        """Publish the first event."""
        self.live.publish(STARTED, _encode(started))


def said(events: Iterable[Event]) -> tuple[str, str]:
    """The text and the thought that an answer's events tell of."""
    texts: list[str] = []
    thoughts: list[str] = []
    for event in events:
        if event.name == DELTA:
            texts.append(_delta(event.data).text)
        elif event.name == THOUGHT:
            thought = _thought(event.data)
            if thought.instead:
                thoughts += texts
                texts.clear()
            thoughts.append(thought.text)
    return "".join(texts), "".join(thoughts)[:MOST_THOUGHT_CHARS].strip()


def ending(message: Message) -> tuple[str, bytes]:
    """Name and data of the last event of a message that has ended."""
    if message.status == "failed":
        return FAILED, _encode(Failed(message=message))
    return COMPLETED, _encode(message)
