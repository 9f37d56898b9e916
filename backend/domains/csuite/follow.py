"""Reads the event stream of an answer, from wherever it stands: this process, Redis, or the stored message."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Final
from uuid import UUID

import structlog

from backend.domains.csuite import mapping
from backend.domains.csuite.answer import ENDINGS, ending
from backend.domains.csuite.generation import Generator
from backend.domains.csuite.models import MessageRow
from backend.domains.csuite.permissions import READ
from backend.domains.csuite.repository import ConversationRepository
from backend.kernel.auth.permissions import StillPermitted
from backend.kernel.db.database import DATABASE_AWAY, Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.db.tenant_keys import TenantKeyGoneError, TenantKeys
from backend.kernel.errors import GenerationInterrupted, NotFound
from backend.kernel.observe.metrics import STREAMS_OPEN
from backend.kernel.runs.streams import PING, Event, StreamLog, StreamRef, StreamUnreadError

log = structlog.get_logger(__name__)

#: How often an open stream shows that it lives, and at least how often it asks whether its reader still may read it.
#: Between two questions lie at most two of these, so that a lost permission ends a stream within 5 seconds.
CHECK_SECONDS: Final = 2.0


class Follower:
    """Gives frames of answers to readers. Holds no transaction and no pooled connection while it waits."""

    def __init__(
        self, db: Database, keys: TenantKeys, stream_log: StreamLog, generator: Generator, permitted: StillPermitted
    ) -> None:
        self._db = db
        self._keys = keys
        self._log = stream_log
        self._generator = generator
        self._permitted = permitted

    async def resume(
        self, context: TenantContext, message_id: UUID, after: int, permission: str = READ
    ) -> AsyncGenerator[bytes]:
        """The frames of an answer that was begun before; raises ``NotFound`` unless it is one of the person's."""
        row = await self._message(context, message_id)
        if row is None or row.role != "assistant":
            raise NotFound
        return self.frames(context, permission, message_id, after, row)

    async def frames(
        self, context: TenantContext, permission: str, message_id: UUID, after: int, known: MessageRow | None = None
    ) -> AsyncGenerator[bytes]:
        """Every event numbered above ``after`` as server-sent events, until the last; pings in between.

        Ends early, without a last event, when the reader loses ``permission``. ``known`` is the row as it was just
        read.
        """
        checked = time.monotonic()
        with STREAMS_OPEN.track_inprogress():
            async for batch in self._batches(context, message_id, after, known):
                if time.monotonic() - checked > CHECK_SECONDS:
                    if not await self._still_permitted(context, permission):
                        return
                    checked = time.monotonic()
                yield b"".join([event.frame() for event in batch]) or PING

    async def _batches(
        self, context: TenantContext, message_id: UUID, after: int, row: MessageRow | None
    ) -> AsyncGenerator[list[Event]]:
        ref = StreamRef(context.tenant_id, message_id)
        while True:
            live = self._generator.live(ref)
            if live is not None:
                async for batch in live.follow(after, CHECK_SECONDS):
                    after = batch[-1].number if batch else after
                    yield batch
                    if batch and batch[-1].name in ENDINGS:
                        return
                row = None
            try:
                row = row or await self._message(context, message_id)
            except DATABASE_AWAY as error:
                log.warning("answer_unread", message_id=str(message_id), reason=type(error).__name__)
                yield []
                await asyncio.sleep(1)
                continue
            if row is None:
                return
            if row.status != "streaming":
                rest = await self._rest(ref, row, after)
                if rest:
                    yield rest
                return
            row = None
            batch = await self._elsewhere(ref, after)
            after = batch[-1].number if batch else after
            yield batch
            if batch and batch[-1].name in ENDINGS:
                return

    async def _rest(self, ref: StreamRef, row: MessageRow, after: int) -> list[Event]:
        """What a reader of an ended answer misses: each event while Redis has them, else the last alone."""
        if after >= row.last_event_id:
            # A process that was lost may have shown more events than it left behind: its readers are further than the
            # end that was written for it, and would otherwise never be told of it.
            lost = row.error_code == GenerationInterrupted.default_code
            return [Event(after + 1, *ending(mapping.message(row)))] if lost else []
        events = await self._read(ref, after)
        if events and events[-1].number == row.last_event_id and len(events) == row.last_event_id - after:
            return events
        return [Event(row.last_event_id, *ending(mapping.message(row)))]

    async def _elsewhere(self, ref: StreamRef, after: int) -> list[Event]:
        """The next events that another process writes, or none after a while."""
        return await self._read(ref, after, wait_ms=int(CHECK_SECONDS * 1000))

    async def _read(self, ref: StreamRef, after: int, wait_ms: int | None = None) -> list[Event]:
        try:
            key = await self._keys.get(ref.tenant_id)
            return await self._log.read(ref, key, after, wait_ms=wait_ms)
        except (StreamUnreadError, TenantKeyGoneError, *DATABASE_AWAY):
            if wait_ms:
                await asyncio.sleep(1)  # Redis cannot wake us; the database tells when the answer ended
            return []

    async def _message(self, context: TenantContext, message_id: UUID) -> MessageRow | None:
        """The row as it is; an answer whose generator was lost is ended first."""
        row = await self._stored(context, message_id)
        if row is not None and row.lease_over:
            await self._generator.settle(StreamRef(context.tenant_id, message_id))
            row = await self._stored(context, message_id)
        return row

    async def _stored(self, context: TenantContext, message_id: UUID) -> MessageRow | None:
        async with self._db.transaction(context) as session:
            return await ConversationRepository(session, context).message(message_id)

    async def _still_permitted(self, context: TenantContext, permission: str) -> bool:
        """Whether the reader may go on. While the database is away nothing can have been taken from them: they may."""
        try:
            return await self._permitted(context, permission)
        except DATABASE_AWAY as error:
            log.warning("permission_unchecked", reason=type(error).__name__)
        return True
