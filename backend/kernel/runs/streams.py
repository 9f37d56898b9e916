"""Event logs of runs, which outlive every connection: numbered, live in memory where they are made, sealed in Redis.

The process that carries a run out publishes into a :class:`LiveStream`; readers in the same process follow that without
a trip. A writer of its own copies every event, sealed with the tenant's key, to a Redis stream whose entry ids are the
sequence numbers, where readers in other processes and those who come back find them. When Redis is away the live
readers notice nothing; a reader elsewhere waits for the end, which Postgres keeps.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from crypto import Binding, DecryptionError, TenantKey

log = structlog.get_logger(__name__)

#: How long an ended stream can be resumed event by event; afterwards its last event alone is given.
KEEP_SECONDS: Final = 900
PING: Final = b": ping\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its number (1 upwards, without gaps), its name, and one line of JSON."""

    number: int
    name: str
    data: bytes

    def frame(self) -> bytes:
        """The event as WHATWG's event-stream format has it."""
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (self.number, self.name.encode(), self.data)


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run's name: the tenant that owns it and its row."""

    tenant_id: UUID
    id: UUID

    @property
    def key(self) -> str:
        """The key of its events in Redis."""
        return f"ocsuite:stream:{self.tenant_id}:{self.id}"

    def binding(self, number: int) -> Binding:
        """What an event is sealed to, so that no event can stand for another."""
        return Binding(self.tenant_id, "runs", "events", f"{self.id}/{number}")


class LiveStream:
    """The events made so far in this process, and a way to wait for more."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events = list(events)
        self.closed = False
        self._changed = asyncio.Event()

    def publish(self, name: str, data: bytes) -> Event:
        """Append the next event and wake every reader."""
        event = Event(len(self.events) + 1, name, data)
        self.events.append(event)
        self._wake()
        return event

    def close(self) -> None:
        """No event will follow."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self, after: int, ping_seconds: float) -> AsyncIterator[list[Event]]:
        """Events numbered above ``after`` as they come, in lists; an empty list each ``ping_seconds`` of silence."""
        while True:
            changed = self._changed
            if len(self.events) > after:
                batch, after = self.events[after:], len(self.events)
                yield batch
            elif self.closed:
                return
            else:
                try:
                    await asyncio.wait_for(changed.wait(), ping_seconds)
                except TimeoutError:
                    yield []


class EventsUnreadError(Exception):
    """Nothing can be read of a run's events: Redis is away, or what it holds is not what was written there."""


class EventLog:
    """Sealed events in Redis, which is not trusted: what is not as it was written counts as missing."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._unread: deque[RunRef] = deque(maxlen=1_000)

    async def append(self, ref: RunRef, key: TenantKey, events: list[Event]) -> None:
        """Write events in one trip; writing one twice is refused by Redis, raised as ``RedisError``."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for event in events:
                sealed = key.seal(event.name.encode() + b"\n" + event.data, ref.binding(event.number))
                pipe.xadd(ref.key, {b"e": sealed}, id=f"{event.number}-0")
            pipe.expire(ref.key, KEEP_SECONDS)
            await pipe.execute()

    async def read(self, ref: RunRef, key: TenantKey, after: int, *, wait_ms: int | None = None) -> list[Event]:
        """Events numbered above ``after``, up to the first that is missing.

        With ``wait_ms`` waits that long for the first of them. Raises :class:`EventsUnreadError`, at once, if that one
        cannot be read; the log tells it once for each run.
        """
        try:
            found = await self._redis.xread({ref.key: f"{after}-0"}, block=wait_ms)
        except (RedisError, OSError) as error:
            raise self._unreadable(ref, error) from error
        events: list[Event] = []
        for entry, fields in (pair for _, entries in found or () for pair in entries):
            try:
                events.append(self._opened(ref, key, after + len(events) + 1, entry, fields))
            except (DecryptionError, KeyError, ValueError) as error:
                unreadable = self._unreadable(ref, error)
                if not events:
                    raise unreadable from error
                break
        return events

    def _unreadable(self, ref: RunRef, error: Exception) -> EventsUnreadError:
        if ref not in self._unread:
            self._unread.append(ref)
            log.warning("events_unread", run_id=str(ref.id), reason=type(error).__name__)
        return EventsUnreadError()

    @staticmethod
    def _opened(ref: RunRef, key: TenantKey, number: int, entry: bytes, fields: dict[bytes, bytes]) -> Event:
        if entry != b"%d-0" % number:
            raise ValueError("an entry is missing")
        name, _, data = key.open(fields[b"e"], ref.binding(number)).partition(b"\n")
        return Event(number, name.decode(), data)

    async def copy(self, ref: RunRef, key: TenantKey, live: LiveStream, after: int = 0) -> None:
        """Copy a live stream's events above ``after`` as it grows, until it is closed.

        Gives up, with a warning, when Redis is away. A gap would be worse than an end: after a failure nothing more is
        written, and readers elsewhere get the last event from Postgres.
        """
        async for batch in live.follow(after, ping_seconds=60):
            if not batch:
                continue
            try:
                await self.append(ref, key, batch)
            except (RedisError, OSError) as error:
                log.warning("events_not_copied", run_id=str(ref.id), reason=type(error).__name__)
                return
