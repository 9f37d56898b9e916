"""Deleting one's account, and what becomes of one's companies."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import UserContext
from backend.registry import Product
from backend.settings import Settings
from tests.account.conftest import PASSWORD, Account, Open, refusal
from tests.support.people import Member, Person, join
from tests.support.post import text_of
from tests.support.sse import ask

FAREWELL = "Your account was deleted"


@pytest.fixture
async def root(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_owner_url)
    yield connection
    await connection.close()


def member(account: Account, tenant_id: UUID) -> Member:
    return Member(Person(account.user_id, account.cookie, account.http), tenant_id)


async def plan(account: Account) -> list[tuple[str, str]]:
    companies: list[dict[str, Any]] = (await account.http.get("/me/deletion")).json()["companies"]
    return [(company["tenant"]["name"], company["fate"]) for company in companies]


async def delete(account: Account, **changes: str) -> httpx.Response:
    body = {"confirmation": account.email, "password": PASSWORD, **changes}
    return await account.http.post("/me/deletion", json=body)


async def entries(root: asyncpg.Connection, tenant_id: UUID, request_id: str) -> list[str]:
    query = "SELECT action FROM audit_logs WHERE tenant_id = $1 AND request_id = $2"
    return [row["action"] for row in await root.fetch(query, tenant_id, request_id)]


async def test_an_account_without_companies_is_gone_at_once(opened: Open, root: asyncpg.Connection) -> None:
    ada = await opened()
    assert await plan(ada) == []
    answer = await delete(ada)
    assert (answer.status_code, answer.json()["companies"]) == (200, [])
    assert 'ocsuite_session=""' in answer.headers["set-cookie"] or "Max-Age=0" in answer.headers["set-cookie"]
    assert not await ada.renews()
    assert refusal(await ada.http.get("/me")) == (401, "session_expired")
    assert await root.fetchval("SELECT count(*) FROM users WHERE id = $1", ada.user_id) == 0
    assert "deleted as you asked" in text_of(await asyncio.to_thread(ada.post.next_with, ada.email, FAREWELL))
    # The address is free again.
    await opened(ada.email)


async def test_it_takes_the_address_and_the_password(opened: Open) -> None:
    ada = await opened()
    assert refusal(await delete(ada, password="not my password")) == (403, "wrong_password")
    wrong = await delete(ada, confirmation="somebody@example.com")
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "$.confirmation")
    assert await ada.renews()
    assert (await delete(ada, confirmation=f" {ada.email.upper()} ")).status_code == 200


async def test_a_company_is_left_and_its_conversations_with_it(
    opened: Open, db: Database, root: asyncpg.Connection
) -> None:
    ada, grace = await opened(), await opened(full_name="Grace Hopper")
    tenant_id = await ada.found()
    theirs = await join(db, tenant_id, Person(grace.user_id, grace.cookie, grace.http))
    await ask(theirs, "private words")
    await grace.found("Grace's Own")  # which keeps her as its nameless owner until it is erased
    assert await plan(grace) == [("Acme Robotics", "left"), ("Grace's Own", "erased")]
    answer = await delete(grace)
    assert answer.status_code == 200, answer.text
    assert await entries(root, tenant_id, answer.headers["X-Request-Id"]) == ["member.left"]
    for table, count in (("conversations", 0), ("tenant_members", 1), ("sessions", 0)):
        assert await root.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", grace.user_id) == count, table
    assert await root.fetchval("SELECT count(*) FROM messages WHERE tenant_id = $1", tenant_id) == 0
    assert (await member(ada, tenant_id).request("GET", "/team/members")).json()["items"][0]["full_name"] == (
        "Ada Lovelace"
    )


async def test_companies_with_others_keep_their_only_owner(opened: Open, db: Database) -> None:
    ada, grace = await opened(), await opened(full_name="Grace Hopper")
    first, alone = await ada.found("Has Others"), await ada.found("Has Nobody Else")
    await join(db, first, Person(grace.user_id, grace.cookie, grace.http), "admin")
    assert await plan(ada) == [("Has Others", "blocked"), ("Has Nobody Else", "erased")]
    refused = await delete(ada)
    assert refusal(refused) == (409, "owns_companies")
    assert refused.json()["extra"]["companies"] == [{"id": str(first), "name": "Has Others"}]
    # Nothing was done in the other company either.
    assert refusal(await member(ada, alone).request("GET", f"/tenants/{alone}/deletion")) == (404, "not_found")
    await grace.confirm()
    handed = await member(ada, first).request("POST", "/team/ownership", json={"user_id": str(grace.user_id)})
    assert handed.status_code == 200, handed.text
    assert await plan(ada) == [("Has Others", "left"), ("Has Nobody Else", "erased")]


async def upkeep(settings: Settings) -> None:
    """What the worker does every hour."""
    product = Product(settings)
    (purge,) = [job for job in product.jobs if job.name == "purge"]
    await purge.run()
    await product.close()


async def test_a_company_of_one_is_erased_after_its_grace_and_its_owner_then(
    opened: Open, settings: Settings, root: asyncpg.Connection
) -> None:
    ada = await opened()
    tenant_id = await ada.found("Solo")
    made = await member(ada, tenant_id).request(
        "POST", "/api-keys", json={"name": "CRM", "permissions": ["company.read"]}
    )
    answer = await delete(ada)
    assert answer.status_code == 200, answer.text
    (fate,) = answer.json()["companies"]
    assert (fate["tenant"]["name"], fate["fate"]) == ("Solo", "erased")
    assert fate["erase_after"] is not None
    assert await entries(root, tenant_id, answer.headers["X-Request-Id"]) == ["company.deletion_requested"]
    mail = text_of(await asyncio.to_thread(ada.post.next_with, ada.email, FAREWELL))
    assert "Solo will be erased after" in mail
    # Nothing of the person is left but a row without a name, and no key of theirs opens anything.
    stored = await root.fetchrow("SELECT * FROM users WHERE id = $1", ada.user_id)
    assert stored is not None
    assert (stored["email"], stored["full_name"]) == (None, "Deleted account")
    for table in ("user_credentials", "sessions", "account_links"):
        assert await root.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", ada.user_id) == 0, table
    async with httpx.AsyncClient(base_url=ada.http.base_url, timeout=20) as keyed:
        keyed.headers["Authorization"] = f"Bearer {made.json()['secret']}"
        assert (await keyed.get(f"/tenants/{tenant_id}")).status_code == 401
    # The row stays until the company is gone.
    await upkeep(settings)
    assert await root.fetchval("SELECT count(*) FROM users WHERE id = $1", ada.user_id) == 1
    await root.execute("DELETE FROM tenants WHERE id = $1", tenant_id)
    await upkeep(settings)
    assert await root.fetchval("SELECT count(*) FROM users WHERE id = $1", ada.user_id) == 0


async def test_a_company_that_waits_to_be_erased_holds_nobody_back(opened: Open, db: Database) -> None:
    ada, grace = await opened(), await opened(full_name="Grace Hopper")
    tenant_id = await ada.found()
    await join(db, tenant_id, Person(grace.user_id, grace.cookie, grace.http))
    slug = (await member(ada, tenant_id).request("GET", f"/tenants/{tenant_id}")).json()["slug"]
    asked = await member(ada, tenant_id).request("POST", f"/tenants/{tenant_id}/deletion", json={"confirmation": slug})
    assert asked.status_code == 202, asked.text
    assert await plan(ada) == [("Acme Robotics", "erased")]
    assert (await delete(ada)).status_code == 200


async def test_the_database_closes_no_account_that_belongs_to_a_living_company(opened: Open, db: Database) -> None:
    ada = await opened()
    await ada.found()
    async with db.transaction(UserContext(ada.user_id)) as session:
        assert await session.scalar(text("SELECT util.close_account()")) is False
    assert await ada.renews()
