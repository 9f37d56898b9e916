"""Deleting a company: asked for, called off, erased once, and what is left: a receipt and nothing else."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from nacl.exceptions import BadSignatureError
from sqlalchemy import text

from backend.domains.access.key_tokens import KeyMaker
from backend.domains.audit.domain import Audit
from backend.domains.audit.witness import Witness
from backend.domains.tenants.deletion import receipts, signed
from backend.domains.tenants.deletion_repository import DeletionRepository
from backend.domains.tenants.domain import Tenants
from backend.domains.tenants.erasure import Eraser
from backend.domains.tenants.repository import TenantRepository
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext, UserContext
from backend.kernel.db.tenant_keys import TenantKeyGoneError, TenantKeys
from backend.registry import Product
from backend.settings import Settings
from crypto import Binding, DecryptionError, Keyring, SealingKey, VerifyKey
from tests.conftest import SignIn
from tests.support.people import Member, join
from tests.support.server import running_api
from tests.support.sse import ask, frames
from tests.tenancy.kit import ROWS, Tenant

DUE = "UPDATE tenant_deletions SET requested_at = now() - interval '8 days', erase_after = now() WHERE tenant_id = $1"
TABLES = """SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""


class NoLog:
    """Nothing waits."""

    def __init__(self) -> None:
        self.asked = 0
        self.forgotten: set[UUID] = set()

    async def seal_waiting(self) -> int:
        self.asked += 1
        return 0

    async def forget(self, tenant_id: UUID) -> None:
        self.forgotten.add(tenant_id)


class OneKey:
    """Signs with a key of its own."""

    def __init__(self) -> None:
        self.key = SealingKey.generate()

    async def sign(self, messages: Sequence[bytes]) -> tuple[str, list[bytes]]:
        return "k1", [self.key.sign(message) for message in messages]


@pytest.fixture
async def root(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The owner role, which no policy holds; nothing that other tests left is due."""
    connection = await asyncpg.connect(settings.database_owner_url)
    await connection.execute("DELETE FROM tenant_deletions WHERE erase_after <= now()")
    yield connection
    await connection.close()


def keys_of(db: Database, keyring: Keyring) -> TenantKeys:
    async def wrapped(tenant_id: UUID) -> bytes | None:
        async with db.transaction(TenantContext(tenant_id, None)) as session:
            return await TenantRepository(session).wrapped_key(tenant_id)

    return TenantKeys(keyring, wrapped)


async def ask_for_deletion(member: Member, **options: Any) -> dict[str, Any]:
    path = f"/tenants/{member.tenant_id}"
    slug = (await member.request("GET", path)).json()["slug"]
    answer = await member.request("POST", f"{path}/deletion", json={"confirmation": slug}, **options)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def mentions(root: asyncpg.Connection, tenant_id: UUID) -> dict[str, int]:
    """Rows by table in which the tenant's id stands, as text or as bytes."""
    forms = [str(tenant_id), tenant_id.hex, str(tenant_id).encode().hex()]
    found = {}
    for (table,) in await root.fetch(TABLES):
        asked = "EXISTS (SELECT FROM unnest($1::text[]) f WHERE strpos(t::text, f) > 0)"
        found[table] = await root.fetchval(f"SELECT count(*) FROM {table} t WHERE {asked}", forms)
    return {table: count for table, count in found.items() if count}


async def stored(root: asyncpg.Connection, *, due: bool = True) -> Tenant:
    """A company with a row in every table."""
    tenant = Tenant()
    await tenant.store(root)
    await root.execute("UPDATE users SET full_name = 'Somebody' WHERE id = $1", tenant.user)
    if due:
        await root.execute(DUE, tenant.id)
    return tenant


async def test_asked_for_by_its_name_and_called_off(someone: SignIn, db: Database, root: asyncpg.Connection) -> None:
    owner = await (await someone()).found("Going Away")
    viewer = await join(db, owner.tenant_id, await someone("Viewer"), "viewer")
    admin = await join(db, owner.tenant_id, await someone("Admin"), "admin")
    path = f"/tenants/{owner.tenant_id}/deletion"
    for wrong in ("Going Away", "going-away ", "GOING-AWAY", "x"):
        refused = await owner.request("POST", path, json={"confirmation": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "$.confirmation")
    denied = await admin.request("POST", path, json={"confirmation": "going-away"})
    assert (denied.status_code, denied.json()["code"]) == (403, "permission_denied")
    assert "company.delete" in denied.text
    assert (await owner.request("GET", path)).status_code == 404

    once = {"headers": {"Idempotency-Key": "delete-once"}}
    asked = await ask_for_deletion(owner, **once)
    assert await ask_for_deletion(owner, **once) == asked
    assert asked["requested_by"] == str(owner.person.user_id)
    again = await owner.request("POST", path, json={"confirmation": "going-away"})
    assert (again.status_code, again.json()["code"]) == (409, "deletion_requested")
    assert (await viewer.request("GET", path)).json() == asked
    for shown in (
        (await viewer.person.http.get("/me")).json()["memberships"][0],
        (await viewer.person.http.get("/tenants")).json()["items"][0],
        (await viewer.request("GET", f"/tenants/{owner.tenant_id}")).json(),
    ):
        assert shown["erase_after"] == asked["erase_after"]
    await ask(owner)  # the company goes on working
    assert (await admin.request("DELETE", path)).status_code == 403
    assert (await owner.request("DELETE", path)).status_code == 204
    assert (await owner.request("DELETE", path)).status_code == 404
    assert (await owner.request("GET", path)).status_code == 404
    actions = await root.fetch(
        "SELECT action FROM audit_logs WHERE tenant_id = $1 AND action LIKE 'company.deletion%' ORDER BY id",
        owner.tenant_id,
    )
    assert [row[0] for row in actions] == ["company.deletion_requested", "company.deletion_cancelled"]


async def test_the_grace_is_the_one_that_was_set(someone: SignIn, settings: Settings) -> None:
    owner = await (await someone()).found()
    asked = await ask_for_deletion(owner)
    requested, due = (datetime.fromisoformat(asked[name]) for name in ("requested_at", "erase_after"))
    assert due - requested == settings.company_grace


async def test_what_is_not_due_stays(someone: SignIn, db: Database, keyring: Keyring, root: asyncpg.Connection) -> None:
    never, waiting, saved = [await (await someone()).found() for _ in range(3)]
    await ask_for_deletion(waiting)
    await ask_for_deletion(saved)
    await root.execute(DUE, saved.tenant_id)
    assert (await saved.request("DELETE", f"/tenants/{saved.tenant_id}/deletion")).status_code == 204
    await Eraser(db, keys_of(db, keyring), NoLog()).erase_due()
    for member in (never, waiting, saved):
        async with db.transaction(TenantContext(member.tenant_id, None)) as session:
            assert not await DeletionRepository(session).erase(member.tenant_id, new_id())
        assert (await member.request("GET", f"/tenants/{member.tenant_id}")).status_code == 200


async def test_no_table_keeps_a_row_and_the_receipt_counts_them(
    db: Database, keyring: Keyring, root: asyncpg.Connection
) -> None:
    tenant, other = await stored(root), await stored(root, due=False)
    await root.execute(
        "INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body, expires_at) "
        "VALUES ($1, 'kept-answer', '', 200, $2, now() + interval '1 day')",
        tenant.user,
        f'{{"id": "{tenant.id}"}}'.encode(),
    )
    before = {
        table: await root.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", tenant.id)
        for table in ROWS
        if table != "tenants"
    }
    untouched = await mentions(root, other.id)
    assert all(before.values())
    assert set(await mentions(root, tenant.id)) == {f"public.{table}" for table in (*ROWS, "idempotency_keys")}
    log = NoLog()
    assert await Eraser(db, keys_of(db, keyring), log).erase_due() == 1
    assert (log.asked, log.forgotten) == (1, {tenant.id})
    assert await mentions(root, tenant.id) == {"public.erasure_receipts": 1}
    assert await mentions(root, other.id) == untouched
    async with db.transaction(UserContext(tenant.user)) as session:
        (receipt,) = await receipts(session, tenant.user, 10, None)
    assert receipt.rows == before
    assert (receipt.tenant_id, receipt.tenant_name, receipt.keys) == (tenant.id, tenant.mark, 1)
    assert (receipt.audit_seq, receipt.audit_hash) == (1, hashlib.sha256(tenant.mark.encode()).hexdigest())
    async with db.transaction(UserContext(other.user)) as session:
        assert await receipts(session, tenant.user, 10, None) == []


async def test_a_table_that_would_keep_rows_stops_the_erasure(
    db: Database, keyring: Keyring, root: asyncpg.Connection
) -> None:
    stuck, fine = await stored(root), await stored(root)
    await root.execute("CREATE TABLE forgotten (tenant_id uuid)")
    try:
        await root.execute("INSERT INTO forgotten VALUES ($1)", stuck.id)
        assert await Eraser(db, keys_of(db, keyring), NoLog()).erase_due() == 1
        assert await root.fetchval("SELECT count(*) FROM messages WHERE tenant_id = $1", stuck.id) == 1
        assert await root.fetchval("SELECT count(*) FROM erasure_receipts WHERE user_id = $1", stuck.user) == 0
        assert set(await mentions(root, fine.id)) == {"public.erasure_receipts"}
    finally:
        await root.execute("DROP TABLE forgotten")
    assert await Eraser(db, keys_of(db, keyring), NoLog()).erase_due() == 1


class KilledError(Exception):
    """The worker's end, before it could commit."""


async def _erase_and_die(db: Database, tenant: Tenant) -> None:
    async with db.transaction(TenantContext(tenant.id, None)) as session:
        assert await DeletionRepository(session).erase(tenant.id, new_id())
        assert await session.scalar(text("SELECT count(*) FROM messages")) == 0
        raise KilledError


async def test_workers_at_once_and_a_killed_one(db: Database, keyring: Keyring, root: asyncpg.Connection) -> None:
    tenant = await stored(root)
    with pytest.raises(KilledError):
        await _erase_and_die(db, tenant)
    assert await root.fetchval("SELECT count(*) FROM messages WHERE tenant_id = $1", tenant.id) == 1
    erasers = [Eraser(db, keys_of(db, keyring), NoLog()) for _ in range(4)]
    assert sum(await asyncio.gather(*(eraser.erase_due() for eraser in erasers))) == 1
    assert await root.fetchval("SELECT count(*) FROM erasure_receipts WHERE erased_tenant_id = $1", tenant.id) == 1


async def test_sealed_values_members_keys_and_streams_end_with_it(
    someone: SignIn, environment: dict[str, str], db: Database, keyring: Keyring, root: asyncpg.Connection
) -> None:
    owner = await (await someone()).found()
    keys, place = keys_of(db, keyring), Binding(owner.tenant_id, "connectors", "token", "1")
    copied = (await keys.get(owner.tenant_id)).seal(b"a token", place)
    drawn = KeyMaker(keyring).draw()
    await root.execute(
        "INSERT INTO api_keys (tenant_id, id, user_id, name, prefix, token_hash, permissions, expires_at) "
        "VALUES ($1, $2, $3, 'k', $4, $5, '{company.read}', now() + interval '1 day')",
        owner.tenant_id, new_id(), owner.person.user_id, drawn.prefix, drawn.token_hash,
    )  # fmt: skip
    await ask_for_deletion(owner)
    await root.execute(DUE, owner.tenant_id)
    slow = Settings.load({**environment, "LLM_MOCK_TOKENS_PER_SECOND": "2"})
    http, path = owner.person.http, f"/tenants/{owner.tenant_id}"
    with_key = {"Authorization": f"Bearer {drawn.secret}"}
    assert (await http.get(path, headers=with_key)).status_code == 200
    with running_api(slow) as url:
        body, headers = {"message": "Tell me everything"}, {"X-Tenant-Id": str(owner.tenant_id)}
        async with http.stream("POST", f"{url}/c-suite/ceo/chat", json=body, headers=headers) as answer:
            chunks = answer.aiter_raw()
            first = await anext(chunks)
            assert await Eraser(db, keys, NoLog()).erase_due() == 1
            async with asyncio.timeout(60):
                rest = b"".join([chunk async for chunk in chunks])
    assert not any(frame.name == "message.completed" for frame in frames(first + rest))
    with pytest.raises(TenantKeyGoneError):
        await keys.get(owner.tenant_id)
    with pytest.raises(DecryptionError):
        keyring.unwrap(owner.tenant_id, keyring.new_tenant_key(owner.tenant_id)).open(copied, place)
    with pytest.raises(DecryptionError):
        keyring.open_system(copied, place)
    assert (await owner.request("GET", path)).status_code == 404
    assert (await owner.request("GET", "/c-suite/conversations")).status_code == 404
    assert (await http.get(path, headers=with_key)).status_code == 401
    assert (await http.get("/me")).json()["memberships"] == []


async def test_receipts_are_signed_as_documented(db: Database, keyring: Keyring, root: asyncpg.Connection) -> None:
    tenant, signer = await stored(root), OneKey()
    await root.execute("UPDATE tenants SET name = 'Ünïque \"Wörks\" 株' WHERE id = $1", tenant.id)
    await Eraser(db, keys_of(db, keyring), NoLog()).erase_due()
    async with db.transaction(UserContext(tenant.user)) as session:
        unsigned = await receipts(session, tenant.user, 10, None)
    (receipt,) = await signed(unsigned, signer)
    served = json.loads(msgspec.json.encode(receipt))
    assert verified(served, signer.key.public)
    for name, value in {"keys": 2, "tenant_name": "Other", "audit_seq": 0, "erased_at": "2020-01-01T00:00:00Z"}.items():
        assert not verified(served | {name: value}, signer.key.public)


async def test_the_product_erases_and_hands_out_receipts(
    someone: SignIn, settings: Settings, root: asyncpg.Connection
) -> None:
    """The worker's own parts, with the log sealed before and its head forgotten afterwards."""
    person, product = await someone(), Product(settings)
    companies = [await person.found(f"Company {number}") for number in range(3)]
    try:
        for company in companies:
            await ask_for_deletion(company)
            await root.execute(DUE, company.tenant_id)
            assert await product.of(Tenants).eraser.erase_due() == 1
        sealed_with = (await product.of(Audit).verifications.keys()).public
        heads = [await Witness(product.base.redis).seen(company.tenant_id, sealed_with) for company in companies]
    finally:
        await product.close()
    assert heads == [None] * 3
    pages: list[dict[str, Any]] = []
    query: str | None = "limit=1"
    while query:
        page = (await person.http.get(f"/erasure-receipts?{query}")).json()
        pages += page["items"]
        query = f"limit=1&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert [receipt["tenant_name"] for receipt in pages] == ["Company 2", "Company 1", "Company 0"]
    keys = {row["id"]: VerifyKey(row["public_key"]) for row in await root.fetch("SELECT * FROM audit_keys")}
    for receipt in pages:
        assert receipt["rows"]["audit_logs"] == receipt["rows"]["audit_seals"] == receipt["audit_seq"] == 2
        assert verified(receipt, keys[receipt["key_id"]])
    assert (await (await someone()).http.get("/erasure-receipts")).json() == {"items": [], "next_cursor": None}


def verified(served: dict[str, Any], key: VerifyKey) -> bool:
    """As docs/audit.md tells readers to, by the lines that stand there."""
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    (lines,) = [block for block in page.split("```python\n")[1:] if "def verify(receipt" in block]
    told: dict[str, Any] = {}
    exec(lines.partition("```")[0], told)  # our own page
    try:
        told["verify"](served, key.base64)
    except BadSignatureError:
        return False
    return True
