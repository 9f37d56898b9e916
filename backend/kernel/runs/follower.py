"""Reads the events of a run, from wherever they stand: this process, Redis, or the stored end."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Final
from uuid import UUID

import structlog

from backend.kernel.auth.permissions import StillPermitted
from backend.kernel.db.database import DATABASE_AWAY
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.db.tenant_keys import TenantKeyGoneError, TenantKeys
from backend.kernel.errors import NotFound
from backend.kernel.observe.metrics import STREAMS_OPEN
from backend.kernel.runs.run import Ledger, Standing
from backend.kernel.runs.runner import Runner
from backend.kernel.runs.streams import PING, Event, EventLog, EventsUnreadError, RunRef

log = structlog.get_logger(__name__)

#: How often an open stream shows that it lives, and at least how often it asks whether its reader still may read it.
#: Between two questions lie at most two of these, so that a lost permission ends a stream within 5 seconds.
CHECK_SECONDS: Final = 2.0


class Follower:
    """Gives frames of runs to readers. Holds no transaction and no pooled connection while it waits.

    ``endings`` are the names of the events that end a stream.
    """

    def __init__(
        self,
        keys: TenantKeys,
        event_log: EventLog,
        runner: Runner[Any],
        ledger: Ledger[Any],
        *,
        endings: frozenset[str],
        permitted: StillPermitted,
    ) -> None:
        self._keys = keys
        self._log = event_log
        self._runner = runner
        self._ledger = ledger
        self._endings = endings
        self._permitted = permitted

    async def resume(self, context: TenantContext, permission: str, run_id: UUID, after: int) -> AsyncGenerator[bytes]:
        """The frames of a run that was begun before; raises ``NotFound`` unless the person may see it."""
        standing = await self._standing(context, run_id)
        if standing is None:
            raise NotFound
        return self.frames(context, permission, run_id, after, standing)

    async def frames(
        self, context: TenantContext, permission: str, run_id: UUID, after: int, known: Standing | None = None
    ) -> AsyncGenerator[bytes]:
        """Every event numbered above ``after`` as server-sent events, until the last; pings in between.

        Ends early, without a last event, when the reader loses ``permission``. ``known`` is how the run stands, as it
        was just read.
        """
        checked = time.monotonic()
        with STREAMS_OPEN.track_inprogress():
            async for batch in self._batches(context, run_id, after, known):
                if time.monotonic() - checked > CHECK_SECONDS:
                    if not await self._still_permitted(context, permission):
                        return
                    checked = time.monotonic()
                yield b"".join([event.frame() for event in batch]) or PING

    async def _batches(
        self, context: TenantContext, run_id: UUID, after: int, standing: Standing | None
    ) -> AsyncGenerator[list[Event]]:
        ref = RunRef(context.tenant_id, run_id)
        while True:
            live = self._runner.live(ref)
            if live is not None:
                async for batch in live.follow(after, CHECK_SECONDS):
                    after = batch[-1].number if batch else after
                    yield batch
                    if self._ends(batch):
                        return
                standing = None
            try:
                standing = standing or await self._standing(context, run_id)
            except DATABASE_AWAY as error:
                log.warning("run_unread", run_id=str(run_id), reason=type(error).__name__)
                yield []
                await asyncio.sleep(1)
                continue
            if standing is None:
                return
            if standing.last is not None:
                rest = await self._rest(ref, standing.last, after, lost=standing.lost)
                if rest:
                    yield rest
                return
            standing = None
            batch = await self._read(ref, after, wait_ms=int(CHECK_SECONDS * 1000))
            after = batch[-1].number if batch else after
            yield batch
            if self._ends(batch):
                return

    def _ends(self, batch: list[Event]) -> bool:
        return bool(batch) and batch[-1].name in self._endings

    async def _rest(self, ref: RunRef, last: Event, after: int, *, lost: bool) -> list[Event]:
        """What a reader of an ended run misses: each event while Redis has them, else the last alone."""
        if after >= last.number:
            # A process that was lost may have shown more events than it left behind: its readers are further than the
            # end that was written for it, and would otherwise never be told of it.
            return [Event(after + 1, last.name, last.data)] if lost else []
        events = await self._read(ref, after)
        if events and events[-1].number == last.number and len(events) == last.number - after:
            return events
        return [last]

    async def _read(self, ref: RunRef, after: int, wait_ms: int | None = None) -> list[Event]:
        """The next events that another process writes; with ``wait_ms``, or none after that while."""
        try:
            key = await self._keys.get(ref.tenant_id)
            return await self._log.read(ref, key, after, wait_ms=wait_ms)
        except (EventsUnreadError, TenantKeyGoneError, *DATABASE_AWAY):
            if wait_ms:
                await asyncio.sleep(1)  # Redis cannot wake us; the database tells when the run ended
            return []

    async def _standing(self, context: TenantContext, run_id: UUID) -> Standing | None:
        """How it stands; a run whose process was lost is ended first."""
        standing = await self._ledger.standing(context, run_id)
        if standing is not None and standing.lease_over:
            await self._runner.settle(RunRef(context.tenant_id, run_id))
            standing = await self._ledger.standing(context, run_id)
        return standing

    async def _still_permitted(self, context: TenantContext, permission: str) -> bool:
        """Whether the reader may go on. While the database is away nothing can have been taken from them: they may."""
        try:
            return await self._permitted(context, permission)
        except DATABASE_AWAY as error:
            log.warning("permission_unchecked", reason=type(error).__name__)
        return True
