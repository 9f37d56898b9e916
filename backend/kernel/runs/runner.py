"""Carries runs out. A run belongs to the server: who asked for it may go away, and a lost process is noticed.

A run's row carries a lease with a fencing token, which is extended every second. One that ran out is settled by whoever
sees it first, a reader or any worker, so that an end is always reached.
"""

import asyncio
import time
from typing import Final, Generic, TypeVar

import structlog

from backend.kernel.db.database import DATABASE_AWAY
from backend.kernel.db.tenant_keys import TenantKeyGoneError, TenantKeys
from backend.kernel.errors import Internal, ProblemError
from backend.kernel.runs.leases import LEASE
from backend.kernel.runs.run import LastEvent, Ledger, Outcome, Run
from backend.kernel.runs.streams import Event, EventLog, EventsUnreadError, LiveStream, RunRef

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
COPY_SECONDS: Final = 5.0
SETTLE_AT_ONCE: Final = 100

R = TypeVar("R", bound=Run)


class LeaseLostError(Exception):
    """Somebody else ended the run, or it was deleted: nothing more may be written."""


class Runner(Generic[R]):
    """The runs of one domain in this process."""

    def __init__(self, keys: TenantKeys, event_log: EventLog, ledger: Ledger[R]) -> None:
        self._keys = keys
        self._log = event_log
        self._ledger = ledger
        self._runs: dict[RunRef, R] = {}
        self._workers: dict[RunRef, asyncio.Task[None]] = {}
        self._stopped: set[RunRef] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, run: R) -> None:
        """Start a run whose row is committed."""
        self._runs[run.ref] = run
        task = asyncio.create_task(self._carry_out(run), name=f"run-{run.ref.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def live(self, ref: RunRef) -> LiveStream | None:
        """The live stream of a run of this process."""
        run = self._runs.get(ref)
        return run.live if run else None

    def stop(self, ref: RunRef) -> None:
        """Stop at once what runs here; another process notices the request at its next heartbeat."""
        worker = self._workers.get(ref)
        if worker is not None:
            self._stopped.add(ref)
            worker.cancel()

    async def drain(self, grace_seconds: float) -> None:
        """Let runs end; those that do not in time are marked as interrupted."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        while self._tasks:  # one that had not begun is there to be cancelled the next time
            for worker in self._workers.values():
                worker.cancel()
            await asyncio.wait(self._tasks, timeout=HEARTBEAT_SECONDS)

    async def settle_lost(self) -> int:
        """End every run whose process was lost; how many there were. One that cannot be ended delays no other."""
        found = await self._ledger.lost(SETTLE_AT_ONCE)
        for ref in found:
            try:
                await self.settle(ref)
            except Exception:
                # Whatever is wrong with one tenant's key or row, the runs of all others must still end.
                log.exception("run_not_settled", tenant_id=str(ref.tenant_id), run_id=str(ref.id))
        return len(found)

    async def settle(self, ref: RunRef) -> None:
        """End one run if its lease has run out, keeping what had reached the event log."""
        events = await self._copied(ref)
        last = await self._ledger.settle(ref, events)
        if last is None:
            return
        log.warning("run_lost", tenant_id=str(ref.tenant_id), run_id=str(ref.id))
        if events:
            live = LiveStream(events)
            live.publish(*last)
            live.close()
            await self._log.copy(ref, await self._keys.get(ref.tenant_id), live, after=len(events))

    async def _copied(self, ref: RunRef) -> list[Event]:
        """The events of a run that reached Redis."""
        try:
            return await self._log.read(ref, await self._keys.get(ref.tenant_id), 0)
        except (EventsUnreadError, TenantKeyGoneError):
            log.warning("lost_run_unread", run_id=str(ref.id))
            return []

    async def _carry_out(self, run: R) -> None:
        """One run from its beginning to its stored end."""
        copier = asyncio.create_task(self._copy(run))
        try:
            outcome = await self._outcome(run)
            run.flush()
            run.live.publish(*await self._finish(run, outcome))
        except LeaseLostError:
            log.warning("lease_lost", run_id=str(run.ref.id))
        except Exception:
            # Nobody holds the lease from here on: whoever sees that it has run out ends the run.
            log.exception("run_not_ended", run_id=str(run.ref.id))
        finally:
            run.live.close()
            await asyncio.wait({copier}, timeout=COPY_SECONDS)
            copier.cancel()
            del self._runs[run.ref]
            self._stopped.discard(run.ref)

    async def _outcome(self, run: R) -> Outcome:
        """Let it work while the lease is held."""
        worker = self._workers[run.ref] = asyncio.create_task(run.work())
        try:
            await self._hold_lease(run, worker)
            worker.result()
        except asyncio.CancelledError:
            return "stopped" if run.ref in self._stopped else "interrupted"
        except ProblemError as problem:
            return problem
        except LeaseLostError:
            raise
        except Exception:
            # Whatever the work raises, the run must end as failed and never hang.
            log.exception("run_failed", run_id=str(run.ref.id))
            return Internal()
        finally:
            del self._workers[run.ref]
            worker.cancel()
            # By the worker itself as a rule, but one that was cancelled before its first step did nothing.
            await run.release()
        return "completed"

    async def _hold_lease(self, run: R, worker: asyncio.Task[None]) -> None:
        """Extend the lease until the worker is done; stops it when asked to, or when the lease is lost."""
        deadline = time.monotonic() + LEASE.total_seconds()
        while not (await asyncio.wait({worker}, timeout=HEARTBEAT_SECONDS))[0]:
            try:
                stop = await self._ledger.extend(run.ref, run.lease_token)
            except DATABASE_AWAY as error:
                if time.monotonic() > deadline:
                    raise LeaseLostError from error
                continue
            if stop is None:
                raise LeaseLostError
            deadline = time.monotonic() + LEASE.total_seconds()
            if stop:
                self.stop(run.ref)

    async def _finish(self, run: R, outcome: Outcome) -> LastEvent:
        """Store the end; tries again while the database is away and the lease lasts."""
        deadline = time.monotonic() + LEASE.total_seconds()
        while True:
            try:
                last = await self._ledger.finish(run, outcome)
            except DATABASE_AWAY as error:
                if time.monotonic() > deadline:
                    raise LeaseLostError from error
                await asyncio.sleep(0.2)
                continue
            if last is None:
                raise LeaseLostError
            return last

    async def _copy(self, run: R) -> None:
        try:
            key = await self._keys.get(run.ref.tenant_id)
        except (TenantKeyGoneError, *DATABASE_AWAY) as error:
            log.warning("events_not_copied", run_id=str(run.ref.id), reason=type(error).__name__)
            return
        await self._log.copy(run.ref, key, run.live)
