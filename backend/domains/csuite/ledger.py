"""Answers as runs: their rows, read and ended."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from backend.domains.csuite import mapping
from backend.domains.csuite.answer import Answer, ending, said
from backend.domains.csuite.errors import GenerationInterrupted
from backend.domains.csuite.repository import LEASES, ConversationRepository, abandoned_messages, keep_one
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS, TenantContext
from backend.kernel.errors import ProblemError
from backend.kernel.observe.metrics import GENERATIONS
from backend.kernel.runs.run import LastEvent, Outcome, Standing
from backend.kernel.runs.runner import Runner
from backend.kernel.runs.streams import Event, RunRef


class Answers(Runner[Answer]):
    """The answers being written in this process."""


class AnswerLedger:
    """Implements :class:`~backend.kernel.runs.run.Ledger`. ``provider`` is the model's, for the metrics."""

    def __init__(self, db: Database, provider: str) -> None:
        self._db = db
        self._provider = provider

    async def extend(self, ref: RunRef, token: UUID) -> bool | None:
        """See there."""
        async with self._db.transaction(TenantContext(ref.tenant_id, None)) as session:
            return await LEASES.extend(session, ref, token)

    async def finish(self, run: Answer, outcome: Outcome) -> LastEvent | None:
        """Store what was written; of two answers to one question the better one counts."""
        values = {
            "content": run.content,
            "thought": run.thought,
            "thought_seconds": run.thought_seconds,
            "cut_off": run.cut_off,
            "last_event_id": len(run.live.events) + 1,
            **_ended(outcome),
        }
        async with self._db.transaction(TenantContext(run.ref.tenant_id, None)) as session:
            row = await LEASES.finish(session, run.ref, run.lease_token, values)
            if row is None:
                return None
            await keep_one(session, row)
        GENERATIONS.labels(self._provider, row.status).inc()
        return ending(mapping.message(row))

    async def settle(self, ref: RunRef, events: list[Event]) -> LastEvent | None:
        """Store the text that ``events`` tell of."""
        content, thought = said(events)
        number = (events[-1].number if events else 1) + 1
        values = {"content": content, "thought": thought or None, "last_event_id": number, **_ended("interrupted")}
        async with self._db.transaction(TenantContext(ref.tenant_id, None)) as session:
            row = await LEASES.finish_lost(session, ref, values)
            if row is None:
                return None
            await keep_one(session, row)
        GENERATIONS.labels(self._provider, "abandoned").inc()
        return ending(mapping.message(row))

    async def lost(self, most: int) -> list[RunRef]:
        """See there."""
        async with self._db.transaction(ANONYMOUS) as session:
            return [RunRef(*ids) for ids in await abandoned_messages(session, most)]

    async def standing(self, context: TenantContext, run_id: UUID) -> Standing | None:
        """Of an answer in one of the person's conversations."""
        async with self._db.transaction(context) as session:
            row = await ConversationRepository(session, context).message(run_id)
        if row is None or row.role != "assistant":
            return None
        if row.status == "streaming":
            return Standing(lease_over=bool(row.lease_over))
        last = Event(row.last_event_id, *ending(mapping.message(row)))
        return Standing(lease_over=False, last=last, lost=row.error_code == GenerationInterrupted.default_code)


def _ended(outcome: Outcome) -> Mapping[str, Any]:
    """The columns that say how an answer ended."""
    if outcome == "interrupted":
        outcome = GenerationInterrupted()
    if isinstance(outcome, ProblemError):
        return {
            "status": "failed",
            "error_code": outcome.code,
            "error_title": outcome.title,
            "error_detail": outcome.detail,
        }
    return {"status": outcome}
