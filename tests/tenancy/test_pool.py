"""A pooled connection's next user never inherits a context, however the transaction before it ended."""

import asyncio
import random
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS, UserContext
from tests.tenancy.kit import Tenant, of

ENDINGS = ("commit", "rollback", "error", "cancel", "timeout", "nothing", "disconnect", "session-setting")
SEEN = text("SELECT tenant_id FROM messages UNION SELECT id FROM tenants UNION SELECT tenant_id FROM conversations")


class WantedError(Exception):
    """Raised by a test to end a transaction."""


async def _seen(session: AsyncSession) -> set[UUID]:
    return set(await session.scalars(SEEN))


async def _end(db: Database, tenant: Tenant, how: str) -> None:
    """Use a connection in a tenant's context and end the transaction in one of many ways."""
    async with db.transaction(of(tenant)) as session:
        if how == "nothing":
            return
        assert await _seen(session) == {tenant.id}
        match how:
            case "rollback":
                await session.rollback()
            case "error":
                await session.execute(text("SELECT 1 / 0"))
            case "cancel":
                await session.execute(text("SELECT pg_sleep(5)"))
            case "timeout":
                await session.execute(text("SET LOCAL statement_timeout = 1"))
                await session.execute(text("SELECT pg_sleep(5)"))
            case "disconnect":
                await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            case "session-setting":  # what an injection could leave behind
                await session.execute(
                    text("SELECT set_config('ocsuite.context', current_setting('ocsuite.context'), false)")
                )
            case _:
                return


async def _use(db: Database, tenant: Tenant, how: str) -> None:
    try:
        async with asyncio.timeout(0.02 if how == "cancel" else None):
            await _end(db, tenant, how)
    except (DBAPIError, TimeoutError):
        assert how in {"error", "cancel", "timeout", "disconnect"}


@pytest.mark.parametrize("how", ENDINGS)
async def test_the_next_user_starts_anew(db: Database, tenants: tuple[Tenant, Tenant], how: str) -> None:
    for tenant, other in (tenants, tenants[::-1]) * 2:
        await _use(db, tenant, how)
        if how != "session-setting":
            async with db.engine.connect() as connection:  # past what sends a context
                assert not await connection.scalar(text("SELECT current_setting('ocsuite.context', true)"))
                assert set(await connection.scalars(SEEN)) == set()
        await _use(db, tenant, how)
        async with db.transaction(ANONYMOUS) as session:
            assert await _seen(session) == set()
        await _use(db, tenant, how)
        async with db.transaction(of(other)) as session:
            assert await _seen(session) == {other.id}
        await _use(db, tenant, how)
        async with db.transaction(UserContext(other.user)) as session:
            assert await _seen(session) == set()
            assert await session.scalar(text("SELECT id FROM users")) == other.user


async def test_a_context_is_used_once(db: Database, ours: Tenant) -> None:
    async with db.transaction(of(ours)) as session:
        connection = await session.connection()
        assert await _seen(session) == {ours.id}
        await session.rollback()
        assert set(await connection.scalars(SEEN)) == set()


async def test_an_exception_rolls_back(db: Database, ours: Tenant) -> None:
    async def change() -> None:
        async with db.transaction(of(ours)) as session:
            await session.execute(text("UPDATE tenants SET name = 'changed'"))
            raise WantedError

    with pytest.raises(WantedError):
        await change()
    async with db.transaction(of(ours)) as session:
        assert await session.scalar(text("SELECT name FROM tenants")) == ours.mark


async def test_a_hammered_pool_never_mixes_tenants(db: Database, tenants: tuple[Tenant, Tenant]) -> None:
    chance = random.Random(7)
    wrong: list[str] = []

    async def somebody(number: int) -> None:
        how, tenant = chance.choice(ENDINGS), tenants[number % 2]
        for _ in range(3):
            try:
                if chance.random() < 0.3:
                    async with db.transaction(ANONYMOUS) as session:
                        if found := await _seen(session):
                            wrong.append(f"nobody saw {found}")
                else:
                    await _use(db, tenant, how)
            except AssertionError as error:
                wrong.append(f"{how}: {error}")
            except PoolTimeout:
                continue

    tasks = [asyncio.create_task(somebody(number)) for number in range(120)]
    for task in chance.sample(tasks, 30):
        await asyncio.sleep(0)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert wrong == []
    assert [result for result in results if not isinstance(result, asyncio.CancelledError | None)] == []
    assert sum(result is None for result in results) >= 80
    for tenant in tenants:
        async with db.transaction(of(tenant)) as session:
            assert await _seen(session) == {tenant.id}
