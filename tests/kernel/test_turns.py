"""Whoever finds every database connection taken waits their turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import time
from uuid import uuid4

import pytest

from backend.kernel.db import database as kernel_db
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.tenancy import Context, ContextSigner, TenantContext, UserContext
from backend.kernel.http.problems import problem_of
from backend.settings import Settings
from crypto import Keyring

SIZE = 5
PERSON = UserContext(uuid4())
PRODUCT = TenantContext(uuid4(), None)


@pytest.fixture
async def small(settings: Settings, keyring: Keyring) -> AsyncIterator[Database]:
    """A pool of five connections, one of them for the product itself."""
    made = Database(create_engine(settings.database_url, pool_size=SIZE), ContextSigner(keyring, time))
    yield made
    await made.close()


async def test_people_come_in_the_order_in_which_they_asked(small: Database) -> None:
    came: list[int] = []

    async def visit(number: int) -> None:
        async with small.transaction(PERSON):
            came.append(number)
            await asyncio.sleep(0)

    async with AsyncExitStack() as held:
        for _ in range(SIZE - 1):
            await held.enter_async_context(small.transaction(PERSON))
        waiting = [asyncio.create_task(visit(number)) for number in range(30)]
        await asyncio.sleep(0)
        late = asyncio.create_task(visit(30))
        assert came == []
    await asyncio.gather(*waiting, late)
    assert came == list(range(31))


async def test_a_crowd_does_not_keep_the_product_from_its_work(small: Database) -> None:
    async with AsyncExitStack() as held:
        for _ in range(SIZE - 1):
            await held.enter_async_context(small.transaction(PERSON))
        outside = asyncio.create_task(_enter(small, PERSON))
        await asyncio.sleep(0)
        await _enter(small, PRODUCT)
        assert not outside.done()
    await outside


async def test_waiting_has_an_end_that_says_when_to_come_again(
    small: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kernel_db.WAIT_SECONDS > 10
    monkeypatch.setattr(kernel_db, "WAIT_SECONDS", 0.01)
    async with AsyncExitStack() as held:
        for _ in range(SIZE - 1):
            await held.enter_async_context(small.transaction(PRODUCT))
        await held.enter_async_context(small.transaction(PERSON))
        with pytest.raises(TimeoutError) as caught:
            await _enter(small, PERSON)
    problem = problem_of(caught.value)
    assert (problem.status, problem.code, "Retry-After" in problem.headers) == (503, "unavailable", True)
    await _enter(small, PERSON)


async def test_whoever_gives_up_leaves_no_place_taken(small: Database) -> None:
    async with AsyncExitStack() as held:
        for _ in range(SIZE - 1):
            await held.enter_async_context(small.transaction(PERSON))
        waiting = [asyncio.create_task(_enter(small, PERSON)) for _ in range(10)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with AsyncExitStack() as held:
        for _ in range(SIZE - 1):
            await held.enter_async_context(small.transaction(PERSON))


async def _enter(database: Database, context: Context) -> None:
    async with database.transaction(context):
        pass
