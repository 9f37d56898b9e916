"""Redis is never trusted, the database may be away, and clocks are off: an answer ends, and its readers are told."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError
from structlog.testing import capture_logs

from backend.domains.csuite import ledger, questions, repository
from backend.domains.csuite.answer import Answer, Assignment
from backend.domains.csuite.domain import CSuite
from backend.domains.csuite.draft import Draft
from backend.domains.csuite.permissions import READ
from backend.domains.csuite.providers.mock import MockProvider
from backend.kernel.db.database import DATABASE_AWAY, Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.runs import follower, leases, runner
from backend.kernel.runs.streams import Event, RunRef
from module_sdk.contract.module import ChatPrompt, ChatTurn
from tests.conftest import SignIn
from tests.csuite.conftest import Lost
from tests.support.sse import Frame, ask, frames

PROMPT = ChatPrompt(system="Company: Acme", turns=[ChatTurn(role="user", content="Hi")])


async def lease_is_over(lost: Lost) -> None:
    async with lost.product.base.db.transaction(lost.context) as session:
        await session.execute(
            text("UPDATE messages SET lease_expires_at = now() - interval '1 s' WHERE id = :id"), {"id": lost.ref.id}
        )


async def unsealed(lost: Lost) -> None:
    await lost.redis.xadd(lost.ref.key, {b"e": b"not ours"}, id="4-0")


async def of_another_event(lost: Lost) -> None:
    key = await lost.product.base.tenant_keys.get(lost.ref.tenant_id)
    sealed = key.seal(b"message.delta\n{}", lost.ref.binding(9))
    await lost.redis.xadd(lost.ref.key, {b"e": sealed}, id="4-0")


async def without_content(lost: Lost) -> None:
    await lost.redis.xadd(lost.ref.key, {b"x": b"y"}, id="4-0")


async def after_a_gap(lost: Lost) -> None:
    key = await lost.product.base.tenant_keys.get(lost.ref.tenant_id)
    await lost.product.base.event_log.append(lost.ref, key, [Event(6, "message.delta", b'{"text":"gap"}')])


async def of_another_time(lost: Lost) -> None:
    await lost.redis.xadd(lost.ref.key, {b"e": b"y"})


STRANGE = (unsealed, of_another_event, without_content, after_a_gap, of_another_time)


@pytest.mark.parametrize("plant", STRANGE)
async def test_what_cannot_be_read_is_missing_and_the_answer_ends(lost: Lost, plant: Callable[..., Any]) -> None:
    await lost.copied("Half ", "an answer")
    await plant(lost)
    await lease_is_over(lost)
    await lost.product.of(CSuite).answers.settle(lost.ref)
    assert await lost.status() == ("failed", "Half an answer")
    whole = frames(
        b"".join([frame async for frame in await lost.follower().resume(lost.context, READ, lost.ref.id, 0)])
    )
    assert whole[-1].name == "message.failed"


async def test_a_key_of_another_type_is_missing(lost: Lost) -> None:
    await lost.redis.set(lost.ref.key, b"a string")
    await lease_is_over(lost)
    await lost.product.of(CSuite).answers.settle(lost.ref)
    assert (await lost.status())[0] == "failed"


@pytest.mark.parametrize("plant", STRANGE)
async def test_a_reader_of_a_strange_stream_waits_for_the_stored_end(
    lost: Lost, plant: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await lost.copied("Half ", "an answer")
    await plant(lost)
    pauses = _counted_pauses(monkeypatch)
    with capture_logs() as logs:
        seen: list[Frame] = []
        stream = await lost.follower().resume(lost.context, READ, lost.ref.id, 0)
        async for batch in stream:
            seen += frames(batch)
            if len(pauses) >= 3:
                await lost.end()
    assert [frame.number for frame in seen] == [1, 2, 3, 9]
    assert (seen[-1].name, seen[-1].data["content"]) == ("message.completed", "Whole.")
    assert len(pauses) >= 3, "it asked again without a pause"
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["events_unread"]


def _counted_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A reader's pauses of a second, which take no time; others (a server runs in this process) are as they were."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        if seconds == 1:
            pauses.append(seconds)
        await sleep(0 if seconds == 1 else seconds)

    monkeypatch.setattr(asyncio, "sleep", counted)
    return pauses


RAW = (
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.AdminShutdownError("terminating connection"),
    asyncpg.InternalClientError("got result for unknown protocol state"),
    InterfaceError("SELECT", None, Exception()),
    ConnectionRefusedError(),
    TimeoutError(),
)


@pytest.mark.parametrize("away", RAW, ids=lambda error: type(error).__name__)
async def test_a_reader_goes_on_while_the_database_is_away(
    lost: Lost, away: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(away, DATABASE_AWAY)
    failures = {"asked": 0}

    async def permitted(context: TenantContext, permission: str) -> bool:
        failures["asked"] += 1
        raise away

    monkeypatch.setattr(follower, "CHECK_SECONDS", 0.001)
    pauses = _counted_pauses(monkeypatch)
    await lost.copied("Half ", "an answer")
    reader = lost.follower(permitted)
    stream = await reader.resume(lost.context, READ, lost.ref.id, 0)
    standing, calls = reader._standing, {"read": 0}

    async def often_away(*arguments: Any) -> Any:
        calls["read"] += 1
        if calls["read"] <= 3:
            raise away
        await lost.end()
        return await standing(*arguments)

    monkeypatch.setattr(reader, "_standing", often_away)
    seen = frames(b"".join([batch async for batch in stream]))
    assert [frame.name for frame in seen] == [
        "message.started",
        "message.delta",
        "message.delta",
        "message.completed",
    ]
    assert (calls["read"], len(pauses), failures["asked"] > 0) == (4, 3, True)


async def test_another_company_does_not_find_a_living_answer_by_its_id(lost: Lost) -> None:
    answer = Answer(Assignment(lost.ref, new_id(), Draft(MockProvider(0), PROMPT)), lambda: 100.0)
    answer.take("Secret")
    lost.product.of(CSuite).answers._runs[lost.ref] = answer
    async with aclosing(lost.follower().frames(lost.context, READ, lost.ref.id, 0)) as own:
        assert b"Secret" in await anext(own)
    answer.live.close()
    stranger = TenantContext(new_id(), lost.context.user_id)
    assert [batch async for batch in lost.follower().frames(stranger, READ, lost.ref.id, 0)] == []
    await answer.assignment.draft.discard()


class _Ahead(datetime):
    """A clock that is two hours ahead."""

    shift = timedelta(hours=2)

    @classmethod
    def now(cls, tz: Any = None) -> "_Ahead":
        return super().now(tz) + cls.shift


class _Behind(_Ahead):
    """One that is two hours behind."""

    shift = -timedelta(minutes=10)


def _wrong_clock(monkeypatch: pytest.MonkeyPatch, clock: type[datetime]) -> None:
    for module in (follower, leases, ledger, questions, repository, runner):
        if hasattr(module, "datetime"):
            monkeypatch.setattr(module, "datetime", clock)


async def test_a_reader_whose_clock_is_ahead_settles_nothing_and_does_not_spin(
    lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    _wrong_clock(monkeypatch, _Ahead)
    settled: list[RunRef] = []

    async def settle(ref: RunRef) -> None:
        settled.append(ref)
        await lost.end()

    monkeypatch.setattr(lost.product.of(CSuite).answers, "settle", settle)
    await lost.copied("Half")
    stream = await lost.follower().resume(lost.context, READ, lost.ref.id, 0)
    assert frames(await anext(stream))[-1].name == "message.delta"
    await lost.end()
    await lost.redis.delete(lost.ref.key)
    async for _ in stream:
        pass
    assert settled == []


@pytest.mark.parametrize("clock", [_Ahead, _Behind])
async def test_a_lease_begins_by_the_clock_that_ends_it(
    someone: SignIn, db: Database, monkeypatch: pytest.MonkeyPatch, clock: type[datetime]
) -> None:
    _wrong_clock(monkeypatch, clock)
    member = await (await someone()).found()
    held: list[tuple[bool, bool]] = []
    insert = repository.ConversationRepository.insert_messages

    async def inserted(self: Any, rows: Any) -> Any:
        made = await insert(self, rows)
        query = text(
            "SELECT lease_expires_at > now(), lease_expires_at <= now() + interval '10 s' FROM messages WHERE id = :id"
        )
        held.append(tuple((await self._session.execute(query, {"id": made[-1].id})).one()))
        return made

    monkeypatch.setattr(repository.ConversationRepository, "insert_messages", inserted)
    assert (await ask(member))[-1].name == "message.completed"
    assert held == [(True, True)]
