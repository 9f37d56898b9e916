"""An answer as it is written: events in order and without repetition, across lost connections."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Literal
from uuid import UUID

import httpx
import msgspec

from module_sdk.api.client.errors import ApiError, ApiUnavailable, UnexpectedReplyError
from module_sdk.api.client.transport import STREAM_TIMEOUT, Call, Transport, route, unavailable
from module_sdk.api.csuite import Delta, Failed, Message, Started, Thought
from module_sdk.api.sse import ServerEvent, SseOverflowError, SseParser

EventName = Literal["message.started", "message.thought", "message.delta", "message.completed", "message.failed"]
EventData = Started | Thought | Delta | Message | Failed
_DECODERS: Final[dict[str, tuple[EventName, msgspec.json.Decoder[EventData]]]] = {
    "message.started": ("message.started", msgspec.json.Decoder(Started)),
    "message.thought": ("message.thought", msgspec.json.Decoder(Thought)),
    "message.delta": ("message.delta", msgspec.json.Decoder(Delta)),
    "message.completed": ("message.completed", msgspec.json.Decoder(Message)),
    "message.failed": ("message.failed", msgspec.json.Decoder(Failed)),
}
_LONGEST_WAIT = 10.0


class ChatEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of an answer; ``id`` counts from 1. Match on the type of ``data``."""

    id: int
    event: EventName
    data: EventData

    @property
    def last(self) -> bool:
        """Whether the answer ends with this event."""
        return isinstance(self.data, Message | Failed)


class Reconnecting(msgspec.Struct, frozen=True, kw_only=True):
    """The connection is lost and will be tried again in ``delay`` seconds; ``attempt`` counts from 1 since an event."""

    attempt: int
    delay: float


StreamItem = ChatEvent | Reconnecting


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How often and how quickly a lost stream is taken up again: ``delay`` seconds, doubled every time up to 10."""

    attempts: int = 8
    delay: float = 0.25

    def wait(self, attempt: int, retry_ms: int | None, retry_after: float | None) -> float:
        """Seconds before ``attempt`` (from 1); the server's own wishes can lengthen it."""
        base = self.delay if retry_ms is None else max(self.delay, retry_ms / 1000)
        return min(max(base * 2.0 ** (attempt - 1), retry_after or 0.0), _LONGEST_WAIT)


class AnswerStream:
    """Follows one answer from its first request, or from ``message_id`` and the last event already seen."""

    def __init__(
        self,
        transport: Transport,
        patience: Patience,
        *,
        first: Call | None = None,
        message_id: UUID | None = None,
        last_event_id: int = 0,
    ) -> None:
        self._transport = transport
        self._patience = patience
        self._first = first
        self._message_id = message_id
        self._seen = last_event_id
        self._retry_ms: int | None = None
        self._asked_again = False

    async def items(self) -> AsyncGenerator[StreamItem, None]:
        """Every event once, with a :class:`Reconnecting` before each further attempt."""
        failures = 0
        while True:
            try:
                async with aclosing(self._connection()) as events:
                    async for event in events:
                        failures = 0
                        yield event
                        if event.last:
                            return
                lost: ApiError | ApiUnavailable = ApiUnavailable("the stream ended early")
            except (ApiError, ApiUnavailable) as error:
                if not self._can_go_on(error):
                    raise
                lost = error
            failures += 1
            if failures > self._patience.attempts:
                raise lost
            retry_after = lost.retry_after if isinstance(lost, ApiError) else None
            delay = self._patience.wait(failures, self._retry_ms, retry_after)
            yield Reconnecting(attempt=failures, delay=delay)
            await asyncio.sleep(delay)
            self._asked_again = True

    def _can_go_on(self, error: ApiError | ApiUnavailable) -> bool:
        if self._message_id is not None:
            return isinstance(error, ApiUnavailable) or error.problem.status in (429, 503)
        # The same Idempotency-Key makes a second request safe, and the first may still be on its way then.
        if isinstance(error, ApiUnavailable):
            return error.may_have_arrived or self._asked_again
        return self._asked_again and error.problem.code == "request_in_flight"

    def _call(self) -> Call:
        # Compression would let something on the way hold events back.
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-store"}
        if self._message_id is None:
            assert self._first is not None  # the two constructors of an answer: by request or by message
            return replace(self._first, headers={**self._first.headers, **headers})
        if self._seen:
            headers["Last-Event-ID"] = str(self._seen)
        return Call(method="GET", path=route("c-suite", "messages", self._message_id, "stream"), headers=headers)

    async def _connection(self) -> AsyncGenerator[ChatEvent, None]:
        """The new events of one connection; ends where it ends, or at a gap, after which a resumption is due."""
        parser = SseParser()
        async with self._transport.open(self._call(), STREAM_TIMEOUT) as response:
            if response.headers.get("Content-Type", "").partition(";")[0].strip() != "text/event-stream":
                raise UnexpectedReplyError("the answer is not an event stream")
            try:
                async for chunk in response.aiter_bytes():
                    for raw in parser.feed(chunk):
                        event = read_event(raw)
                        if event is None or event.id <= self._seen:
                            continue
                        if event.id > self._seen + 1 and not event.last:
                            return
                        self._seen = event.id
                        if isinstance(event.data, Started):
                            self._message_id = event.data.message.id
                        yield event
            except httpx.TransportError as error:
                raise unavailable(error) from error
            except (SseOverflowError, httpx.DecodingError) as error:
                raise UnexpectedReplyError("the event stream is too large or broken") from error
            finally:
                self._retry_ms = parser.retry_ms if parser.retry_ms is not None else self._retry_ms


def read_event(raw: ServerEvent) -> ChatEvent | None:
    """``raw`` by the contract, ``None`` for an event name of a later version; raises :class:`UnexpectedReplyError`."""
    known = _DECODERS.get(raw.event)
    if known is None:
        return None
    name, decoder = known
    if not (raw.id.isascii() and raw.id.isdigit() and len(raw.id) <= 18):
        raise UnexpectedReplyError("an event has no sequence number")
    try:
        return ChatEvent(id=int(raw.id), event=name, data=decoder.decode(raw.data))
    except msgspec.DecodeError as error:
        raise UnexpectedReplyError(f"the data of {name} is not the contract's: {error}") from error
