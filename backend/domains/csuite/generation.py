"""Writes answers. An answer belongs to the server: closing the page changes nothing, and a lost process is noticed.

The row of an answer in progress carries a lease with a fencing token. The generator extends the lease every second; one
that ran out is settled by whoever sees it first, a reader or any worker. That marks the answer as failed, with the text
that had reached the stream.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from backend.domains.csuite import mapping
from backend.domains.csuite.answer import MOST_CHARS, Answer, Assignment, ending, said
from backend.domains.csuite.providers.base import Provider
from backend.domains.csuite.repository import AnswerRepository, abandoned_messages
from backend.kernel.db.database import DATABASE_AWAY, Database
from backend.kernel.db.tenancy import ANONYMOUS, TenantContext
from backend.kernel.db.tenant_keys import TenantKeyGoneError, TenantKeys
from backend.kernel.errors import GenerationInterrupted, Internal, ProblemError, ProviderUnavailable
from backend.kernel.observe.metrics import GENERATIONS
from backend.kernel.runs.streams import Event, LiveStream, StreamLog, StreamRef, StreamUnreadError
from module_sdk.api.csuite import CutOff, Message, Started

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=10)
HEARTBEAT_SECONDS: Final = 1.0
COPY_SECONDS: Final = 5.0
SETTLE_AT_ONCE: Final = 100


class LeaseLostError(Exception):
    """Somebody else ended the answer, or it was deleted: nothing more may be written."""


class Generator:
    """The answers being written in this process."""

    def __init__(self, db: Database, keys: TenantKeys, stream_log: StreamLog, provider: Provider) -> None:
        self._db = db
        self._keys = keys
        self._log = stream_log
        self._provider = provider
        self._answers: dict[StreamRef, Answer] = {}
        self._consumers: dict[StreamRef, asyncio.Task[None]] = {}
        self._writers: set[asyncio.Task[None]] = set()

    @property
    def provider(self) -> Provider:
        """The model that answers."""
        return self._provider

    def begin(self, assignment: Assignment, started: Started) -> None:
        """Start writing an answer whose rows are committed."""
        answer = Answer(assignment, time.monotonic)
        answer.start(started)
        self._answers[assignment.ref] = answer
        writer = asyncio.create_task(self._write(answer), name=f"answer-{assignment.ref.id}")
        self._writers.add(writer)
        writer.add_done_callback(self._writers.discard)

    def live(self, ref: StreamRef) -> LiveStream | None:
        """The live stream of an answer that this process writes."""
        answer = self._answers.get(ref)
        return answer.live if answer else None

    def stop(self, ref: StreamRef) -> None:
        """Stop at once if this process writes the answer; another notices the request at its next heartbeat."""
        consumer = self._consumers.get(ref)
        if consumer is not None:
            self._answers[ref].stopped = True
            consumer.cancel()

    async def drain(self, grace_seconds: float) -> None:
        """Let answers end; those that do not in time are marked as interrupted."""
        if self._writers:
            await asyncio.wait(self._writers, timeout=grace_seconds)
        while self._writers:  # one that had not begun is there to be cancelled the next time
            for consumer in self._consumers.values():
                consumer.cancel()
            await asyncio.wait(self._writers, timeout=HEARTBEAT_SECONDS)
        await self._provider.close()

    async def settle_abandoned(self) -> int:
        """End every answer whose generator was lost; how many there were. One that cannot be ended delays no other."""
        async with self._db.transaction(ANONYMOUS) as session:
            found = await abandoned_messages(session, SETTLE_AT_ONCE)
        for tenant_id, message_id in found:
            try:
                await self.settle(StreamRef(tenant_id, message_id))
            except Exception:
                # Whatever is wrong with one tenant's key or text, the answers of all others must still end.
                log.exception("answer_not_settled", tenant_id=str(tenant_id), message_id=str(message_id))
        return len(found)

    async def settle(self, ref: StreamRef) -> None:
        """End one answer if its lease has run out, keeping the text that had reached the stream."""
        events = await self._copied(ref)
        content, thought = said(events)
        number = (events[-1].number if events else 1) + 1
        kept = {"content": content, "thought": thought or None, "last_event_id": number}
        values = {**kept, **_failure(GenerationInterrupted())}
        async with self._db.transaction(TenantContext(ref.tenant_id, None)) as session:
            row = await AnswerRepository(session, ref.tenant_id).finish_abandoned(ref.id, values)
        if row is None:
            return
        GENERATIONS.labels(self._provider.name, "abandoned").inc()
        log.warning("answer_abandoned", tenant_id=str(ref.tenant_id), message_id=str(ref.id))
        if events:
            live = LiveStream(events)
            live.publish(*ending(mapping.message(row)))
            live.close()
            await self._log.copy(ref, await self._keys.get(ref.tenant_id), live, after=len(events))

    async def _copied(self, ref: StreamRef) -> list[Event]:
        """The events of an answer that reached Redis."""
        try:
            return await self._log.read(ref, await self._keys.get(ref.tenant_id), 0)
        except (StreamUnreadError, TenantKeyGoneError):
            log.warning("abandoned_text_unread", message_id=str(ref.id))
            return []

    async def _write(self, answer: Answer) -> None:
        """One answer from its first piece to its stored end."""
        ref = answer.assignment.ref
        copier = asyncio.create_task(self._copy(answer))
        try:
            outcome = await self._outcome(answer)
            answer.flush()
            answer.end(await self._store(answer, outcome))
            GENERATIONS.labels(self._provider.name, outcome["status"]).inc()
        except LeaseLostError:
            log.warning("lease_lost", message_id=str(ref.id))
            answer.end(None)
        await asyncio.wait({copier}, timeout=COPY_SECONDS)
        copier.cancel()
        del self._answers[ref]

    async def _outcome(self, answer: Answer) -> dict[str, Any]:
        """Take the model's text while holding the lease; the columns that say how it ended."""
        ref = answer.assignment.ref
        consumer = self._consumers[ref] = asyncio.create_task(self._consume(answer))
        try:
            await self._hold_lease(answer, consumer)
            consumer.result()
        except asyncio.CancelledError:
            if answer.stopped:
                return {"status": "stopped"}
            return _failure(GenerationInterrupted())
        except ProblemError as problem:
            return _failure(problem)
        except LeaseLostError:
            raise
        except Exception:
            # Whatever a provider or module raises, the answer must end as failed and never hang.
            log.exception("generation_failed", message_id=str(ref.id))
            return _failure(Internal())
        finally:
            del self._consumers[ref]
            consumer.cancel()
            # By the consumer itself as a rule, but one that was cancelled before its first step did nothing.
            await answer.assignment.draft.discard()
        return {"status": "completed"}

    async def _consume(self, answer: Answer) -> None:
        draft = answer.assignment.draft
        try:
            async for piece in draft:
                answer.take(piece)
                if answer.length > MOST_CHARS:
                    raise ProviderUnavailable("The model did not come to an end; try again.")
        finally:
            await draft.discard()
        if not answer.content.strip():
            raise ProviderUnavailable(_NOTHING_SAID[answer.cut_off])

    async def _hold_lease(self, answer: Answer, consumer: asyncio.Task[None]) -> None:
        """Extend the lease until the consumer is done; stops it when asked to, or when the lease is lost."""
        ref, token = answer.assignment.ref, answer.assignment.lease_token
        deadline = time.monotonic() + LEASE.total_seconds()
        while not (await asyncio.wait({consumer}, timeout=HEARTBEAT_SECONDS))[0]:
            try:
                async with self._db.transaction(TenantContext(ref.tenant_id, None)) as session:
                    stop = await AnswerRepository(session, ref.tenant_id).extend_lease(ref.id, token, LEASE)
            except DATABASE_AWAY as error:
                if time.monotonic() > deadline:
                    raise LeaseLostError from error
                continue
            if stop is None:
                raise LeaseLostError
            deadline = time.monotonic() + LEASE.total_seconds()
            if stop:
                answer.stopped = True
                consumer.cancel()

    async def _store(self, answer: Answer, outcome: Mapping[str, Any]) -> Message:
        """Store the end of the answer; tries again while the database is away and the lease lasts."""
        ref, token = answer.assignment.ref, answer.assignment.lease_token
        values = {
            "content": answer.content,
            "thought": answer.thought,
            "thought_seconds": answer.thought_seconds,
            "cut_off": answer.cut_off,
            "last_event_id": len(answer.live.events) + 1,
            **outcome,
        }
        deadline = time.monotonic() + LEASE.total_seconds()
        while True:
            try:
                async with self._db.transaction(TenantContext(ref.tenant_id, None)) as session:
                    row = await AnswerRepository(session, ref.tenant_id).finish(ref.id, token, values)
            except DATABASE_AWAY as error:
                if time.monotonic() > deadline:
                    raise LeaseLostError from error
                await asyncio.sleep(0.2)
                continue
            if row is None:
                raise LeaseLostError
            return mapping.message(row)

    async def _copy(self, answer: Answer) -> None:
        ref = answer.assignment.ref
        try:
            key = await self._keys.get(ref.tenant_id)
        except (TenantKeyGoneError, *DATABASE_AWAY) as error:
            log.warning("stream_not_copied", stream_id=str(ref.id), reason=type(error).__name__)
            return
        await self._log.copy(ref, key, answer.live)


_NOTHING_SAID: Final[Mapping[CutOff | None, str]] = {
    None: "The model gave an empty answer; try again.",
    "length": "The model came to its longest before it answered; ask for less at once.",
    "content_filter": "The model provider's filter withheld the answer; put the question in other words.",
}


def _failure(problem: ProblemError) -> dict[str, Any]:
    return {
        "status": "failed",
        "error_code": problem.code,
        "error_title": problem.title,
        "error_detail": problem.detail,
    }
