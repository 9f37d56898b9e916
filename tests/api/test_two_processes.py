"""Rate limits and idempotency across two API processes that share one Postgres and one Redis."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.kernel.db.database import Database
from backend.kernel.limits.policies import default_policies
from tests.support.people import Person, sign_in
from tests.support.process import api_process

CONNECTIONS = 10
QUOTA = default_policies(local=True).user.quota


@pytest.fixture(scope="module")
def urls(environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The addresses of two processes with the product's own limits, which nobody else has used anything of."""
    with api_process(environment) as (first, _), api_process(environment) as (second, _):
        yield first, second


@pytest.fixture
async def everywhere(urls: tuple[str, str], db: Database) -> AsyncIterator["Everywhere"]:
    person = await sign_in(db, urls[0])
    async with AsyncExitStack() as opened:
        opened.push_async_callback(person.http.aclose)
        limits = httpx.Limits(max_connections=CONNECTIONS)
        clients = [
            await opened.enter_async_context(
                httpx.AsyncClient(base_url=url, headers=person.http.headers, timeout=60, limits=limits)
            )
            for url in urls
        ]
        yield Everywhere(person, clients)


class Everywhere:
    """One person who talks to both processes in turn."""

    def __init__(self, person: Person, clients: list[httpx.AsyncClient]) -> None:
        self.person = person
        self.clients = clients

    async def all(self, count: int, method: str, path: str, **options: object) -> list[httpx.Response]:
        """``count`` requests at once, half of them to each process."""
        # What waits for a connection is looked through for each answer: a thousand of them would be all that is done.
        room = asyncio.Semaphore(2 * CONNECTIONS)

        async def one(number: int) -> httpx.Response:
            async with room:
                return await self.clients[number % 2].request(method, path, **options)  # type: ignore[arg-type]  # whatever httpx takes

        return await asyncio.gather(*(one(number) for number in range(count)))


async def test_exactly_the_quota_is_admitted(everywhere: Everywhere) -> None:
    answers = await everywhere.all(2 * QUOTA, "GET", "/me")
    assert Counter(answer.status_code for answer in answers) == {200: QUOTA, 429: QUOTA}
    admitted = [answer for answer in answers if answer.status_code == 200]
    remaining = [int(re.search(r'"user";r=(\d+)', answer.headers["ratelimit"])[1]) for answer in admitted]  # type: ignore[index]  # the match is the assertion
    assert sorted(remaining) == list(range(QUOTA)), "each request saw a remainder of its own"
    assert all(f'"user";q={QUOTA};w=60' in answer.headers["ratelimit-policy"] for answer in answers)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "rate_limited"
    # Capacity comes back in tenths of the window, so that a slot counts for up to one tenth more.
    assert 1 <= int(refused.headers["retry-after"]) <= 66
    assert re.search(r'"user";r=0;t=\d+', refused.headers["ratelimit"])


async def test_one_of_many_at_once_acts(everywhere: Everywhere, owner: AsyncConnection) -> None:
    key = {"Idempotency-Key": f"at-once-{uuid4()}"}
    answers = await everywhere.all(20, "POST", "/tenants", json={"name": "Once"}, headers=key)
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in made}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "request_in_flight"
            assert int(answer.headers["retry-after"]) >= 1
    again = await everywhere.all(2, "POST", "/tenants", json={"name": "Once"}, headers=key)
    assert [(answer.status_code, answer.headers["idempotency-replayed"]) for answer in again] == [(201, "true")] * 2
    assert {answer.content for answer in again} == {made[0].content}
    rows = await owner.execute(
        text("SELECT count(*) FROM tenant_members WHERE user_id = :user"), {"user": everywhere.person.user_id}
    )
    assert rows.scalar() == 1


async def test_the_other_process_knows_what_is_being_worked_on(everywhere: Everywhere, owner: AsyncConnection) -> None:
    first, second = everywhere.clients
    key = {"Idempotency-Key": f"in-flight-{uuid4()}"}
    body = {"name": "Slow", "slug": f"slow-{uuid4().hex[:12]}"}
    # A row of the same slug, not yet committed, holds the first request inside of its handler.
    await owner.execute(
        text(
            "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
            "VALUES (:id, 'Held', :slug, 1, 1, 1)"
        ),
        {"id": uuid4(), "slug": body["slug"]},
    )
    working = asyncio.create_task(first.post("/tenants", json=body, headers=key))
    await claimed(owner, everywhere)
    meanwhile = await second.post("/tenants", json=body, headers=key)
    other = await second.post("/tenants", json=body | {"name": "Else"}, headers=key)
    await owner.rollback()
    assert (await working).status_code == 201
    assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "request_in_flight")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    replayed = await second.post("/tenants", json=body, headers=key)
    assert replayed.status_code == 201
    assert replayed.json() == working.result().json()
    different = await first.post("/tenants", json=body | {"name": "Else"}, headers=key)
    assert (different.status_code, different.json()["code"]) == (422, "idempotency_key_reused")


async def claimed(owner: AsyncConnection, everywhere: Everywhere) -> None:
    """Wait until a process has taken a key; the database has no event for that."""
    query = text("SELECT count(*) FROM idempotency_keys WHERE user_id = :user")
    for _ in range(500):
        if (await owner.execute(query, {"user": everywhere.person.user_id})).scalar():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no process has taken the key")


async def test_signing_out_at_one_ends_the_session_at_the_other(everywhere: Everywhere) -> None:
    first, second = everywhere.clients
    assert (await second.get("/me")).status_code == 200
    gone = await first.post("/auth/sign-out", headers={"Cookie": f"ocsuite_session={everywhere.person.cookie}"})
    assert gone.status_code == 204
    for client in (first, second):
        answer = await client.get("/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")
