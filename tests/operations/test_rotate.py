"""Rotation of the master key: everything opens with the new key alone, after kills and races too; erasure lasts."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backend.kernel.db.orm import new_id
from backend.kernel.db.tenant_keys import KEEP_SECONDS, TenantKeyGoneError, TenantKeys
from backend.migrate import migrate
from backend.operations.errors import OperationFailed
from backend.operations.rotate import BATCH, rotate
from backend.registry import Product
from backend.settings import Settings
from crypto import Binding, DecryptionError, Keyring, MasterKey, generate_master_key
from tests.support.people import sign_in
from tests.support.process import command
from tests.support.server import running_api

TENANTS = BATCH * 3
NEW = generate_master_key("new-2")


def quiet(line: str) -> None:
    """Shows nothing."""


def ring(own: dict[str, str], *keys: str) -> dict[str, str]:
    return {**own, "OCSUITE_MASTER_KEYS": ",".join(keys)}


def old_key(own: dict[str, str]) -> str:
    return own["OCSUITE_MASTER_KEYS"]


@pytest.fixture
async def owner_engine(own: dict[str, str]) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"postgresql+asyncpg://{own['DATABASE_OWNER_URL'].partition('://')[2]}")
    yield engine
    await engine.dispose()


def binding(tenant_id: UUID) -> Binding:
    return Binding(tenant_id, "connectors", "token", "1")


@pytest.fixture
async def sealed(own: dict[str, str], owner_engine: AsyncEngine) -> dict[UUID, bytes]:
    """A value of each of many tenants, sealed while the old master key was the only one."""
    keyring = Keyring(Settings.load(own).master_keys)
    rows, values = [], {}
    for index in range(TENANTS):
        tenant_id = new_id()
        wrapped = keyring.new_tenant_key(tenant_id)
        rows.append({"id": tenant_id, "slug": f"tenant-{index}", "wrapped": wrapped})
        values[tenant_id] = keyring.unwrap(tenant_id, wrapped).seal(b"a token", binding(tenant_id))
    async with owner_engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
                "VALUES (:id, 'T', :slug, 1, 1, 1)"
            ),
            rows,
        )
        await connection.execute(text("INSERT INTO tenant_keys (tenant_id, wrapped) VALUES (:id, :wrapped)"), rows)
    return values


async def wrapped_keys(engine: AsyncEngine) -> dict[UUID, bytes]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT tenant_id, wrapped FROM tenant_keys"))
        return {row.tenant_id: row.wrapped for row in rows}


async def assert_new_key_suffices(engine: AsyncEngine, sealed: dict[UUID, bytes], own: dict[str, str]) -> None:
    keyring = Keyring(Settings.load(ring(own, NEW)).master_keys)
    wrapped = await wrapped_keys(engine)
    assert wrapped.keys() >= sealed.keys()
    for tenant_id, value in sealed.items():
        assert keyring.unwrap(tenant_id, wrapped[tenant_id]).open(value, binding(tenant_id)) == b"a token"


async def test_everything_opens_with_the_new_key_alone(
    own: dict[str, str], owner_engine: AsyncEngine, sealed: dict[UUID, bytes]
) -> None:
    both, lines = Settings.load(ring(own, NEW, old_key(own))), list[str]()
    first = await rotate(both, lines.append)
    assert (first.checked, first.rewrapped, first.resealed, first.idle) == (
        TENANTS,
        TENANTS,
        2,
        False,
    )  # resealed: one key of tokens, one of audit logs
    progress = [line for line in lines if line.startswith("tenant keys: ")]
    assert progress == [f"tenant keys: {n} of {TENANTS}, {n} re-wrapped" for n in (BATCH, 2 * BATCH, 3 * BATCH)]
    assert lines[-1].startswith("Restart every process with this OCSUITE_MASTER_KEYS and run this again; then local-1 ")
    await assert_new_key_suffices(owner_engine, sealed, own)

    before, lines = await wrapped_keys(owner_engine), []
    assert (await rotate(both, lines.append)).idle
    assert lines[-1].startswith("Nothing was left to do. Remove local-1 from OCSUITE_MASTER_KEYS")
    assert await wrapped_keys(owner_engine) == before


async def test_people_notice_nothing_before_during_and_after(own: dict[str, str], owner_engine: AsyncEngine) -> None:
    """The order of docs/security.md: add the key behind, put it first, remove the old one."""
    old = old_key(own)
    await migrate(own["DATABASE_OWNER_URL"], Keyring(Settings.load(ring(own, old, NEW)).master_keys))
    cookies = []
    for step in (ring(own, old), ring(own, old, NEW), ring(own, NEW, old), ring(own, NEW)):
        settings = Settings.load(step)
        with running_api(settings) as url:
            product = Product(settings)
            person = await sign_in(product.base.db, url)
            await product.close()
            cookies.append(person.cookie)
            member = await person.found("Acme")
            answer = await member.request("POST", "/c-suite/ceo/chat", json={"message": "Hello"})
            assert "event: message.completed" in answer.text
            if len(settings.master_keys) == 2:
                await rotate(settings, quiet)  # with the API running
                assert (await person.http.get("/me")).status_code == 200
            await person.http.aclose()
            async with httpx.AsyncClient(base_url=url) as http:
                for cookie in cookies:
                    again = await http.post("/auth/token", headers={"Cookie": f"ocsuite_session={cookie}"})
                    assert again.status_code == 200
        if len(settings.master_keys) == 2:
            await rotate(settings, quiet)
    await rotate(Settings.load(ring(own, NEW)), quiet)
    async with owner_engine.connect() as connection:
        assert (await connection.execute(text("SELECT id FROM util.context_keys"))).scalars().all() == ["new-2"]


async def test_a_killed_run_is_completed_by_the_next(
    own: dict[str, str], owner_engine: AsyncEngine, sealed: dict[UUID, bytes]
) -> None:
    variables = ring(own, NEW, old_key(own))
    middle = sorted(sealed)[BATCH + BATCH // 2]
    async with owner_engine.connect() as blocker:
        # A locked row in the second batch holds the run at a known place.
        await blocker.execute(text("SELECT FROM tenant_keys WHERE tenant_id = :id FOR UPDATE"), {"id": middle})
        arguments = [sys.executable, "-m", "backend.cli", "rotate-master-key"]
        run = await asyncio.create_subprocess_exec(*arguments, env=variables, stdout=asyncio.subprocess.PIPE)
        assert run.stdout is not None
        line = await run.stdout.readline()
        assert line.decode() == f"tenant keys: {BATCH} of {TENANTS}, {BATCH} re-wrapped\n"
        run.send_signal(signal.SIGKILL)
        assert await run.wait() == -signal.SIGKILL
        both = Keyring(Settings.load(variables).master_keys)
        wrapped = await wrapped_keys(owner_engine)
        assert sum(both.needs_rewrap(value) for value in wrapped.values()) == TENANTS - BATCH
        for tenant_id, value in sealed.items():
            assert both.unwrap(tenant_id, wrapped[tenant_id]).open(value, binding(tenant_id)) == b"a token"
        await blocker.rollback()
    rest = await rotate(Settings.load(variables), quiet)
    assert (rest.checked, rest.rewrapped) == (TENANTS, TENANTS - BATCH)
    await assert_new_key_suffices(owner_engine, sealed, own)


async def test_two_at_once_share_the_work(
    own: dict[str, str], owner_engine: AsyncEngine, sealed: dict[UUID, bytes]
) -> None:
    settings = Settings.load(ring(own, NEW, old_key(own)))
    both = await asyncio.gather(*(rotate(settings, quiet, batch=25) for _ in range(2)))
    assert sum(run.rewrapped for run in both) == TENANTS
    assert sum(run.resealed for run in both) == 2
    await assert_new_key_suffices(owner_engine, sealed, own)


async def test_a_tenant_erased_meanwhile_stays_erased(
    own: dict[str, str], owner_engine: AsyncEngine, sealed: dict[UUID, bytes]
) -> None:
    erased = sorted(sealed)[BATCH // 2]
    settings = Settings.load(ring(own, NEW, old_key(own)))
    async with owner_engine.begin() as eraser:
        await eraser.execute(text("DELETE FROM tenant_keys WHERE tenant_id = :id"), {"id": erased})
        running = asyncio.create_task(rotate(settings, quiet))
        await waiting_for_a_lock(owner_engine)
    done = await running
    assert done.rewrapped == TENANTS - 1
    assert erased not in await wrapped_keys(owner_engine)
    del sealed[erased]
    await assert_new_key_suffices(owner_engine, sealed, own)


async def waiting_for_a_lock(engine: AsyncEngine) -> None:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(60), engine.connect() as connection:
        while not (await connection.execute(query)).scalar_one():
            await connection.rollback()
            await asyncio.sleep(0.01)  # Postgres announces no lock waits


async def test_a_missing_master_key_removes_nothing(
    own: dict[str, str], owner_engine: AsyncEngine, sealed: dict[UUID, bytes]
) -> None:
    before = await wrapped_keys(owner_engine)
    with pytest.raises(OperationFailed, match=rf"^{TENANTS} tenant keys open with none of new-2; put the master key"):
        await rotate(Settings.load(ring(own, NEW)), quiet)
    assert await wrapped_keys(owner_engine) == before
    async with owner_engine.begin() as connection:
        assert (await connection.execute(text("SELECT id FROM util.context_keys"))).scalars().all() == ["local-1"]
        await connection.execute(text("DELETE FROM tenant_keys"))
    with pytest.raises(OperationFailed, match=r"^a signing or audit key opens with none of the master keys"):
        await rotate(Settings.load(ring(own, NEW)), quiet)


async def test_the_command_needs_the_owner(own: dict[str, str]) -> None:
    variables = {name: value for name, value in own.items() if name != "DATABASE_OWNER_URL"}
    done = await asyncio.to_thread(command, variables, "rotate-master-key")
    assert done.returncode == 2
    assert "DATABASE_OWNER_URL is not set" in done.stderr


async def test_erasing_a_tenants_key_is_for_good(own: dict[str, str], owner_engine: AsyncEngine) -> None:
    settings = Settings.load(own)
    product = Product(settings)
    tenant_id = new_id()
    async with owner_engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
                "VALUES (:id, 'T', 'erased', 1, 1, 1)"
            ),
            {"id": tenant_id},
        )
        await connection.execute(
            text("INSERT INTO tenant_keys (tenant_id, wrapped) VALUES (:id, :wrapped)"),
            {"id": tenant_id, "wrapped": product.base.keyring.new_tenant_key(tenant_id)},
        )
    value = (await product.base.tenant_keys.get(tenant_id)).seal(b"a token", binding(tenant_id))
    assert (await product.base.tenant_keys.get(tenant_id)).open(value, binding(tenant_id)) == b"a token"

    async with owner_engine.begin() as connection:  # the statement of docs/security.md
        await connection.execute(text("DELETE FROM tenant_keys WHERE tenant_id = :id"), {"id": tenant_id})
    product.base.tenant_keys.forget(tenant_id)
    with pytest.raises(TenantKeyGoneError):
        await product.base.tenant_keys.get(tenant_id)
    # A key made afterwards is another one, although master key and tenant are the same.
    fresh = product.base.keyring.unwrap(tenant_id, product.base.keyring.new_tenant_key(tenant_id))
    with pytest.raises(DecryptionError):
        fresh.open(value, binding(tenant_id))
    await product.close()


async def test_a_cached_key_is_forgotten_without_being_told() -> None:
    keyring, clock = Keyring([MasterKey("only", b"k" * 32)]), [0.0]
    tenant_id, asked = new_id(), list[UUID]()
    wrapped: bytes | None = keyring.new_tenant_key(tenant_id)

    async def stored(tenant: UUID) -> bytes | None:
        asked.append(tenant)
        return wrapped

    keys = TenantKeys(keyring, stored, lambda: clock[0])
    await keys.get(tenant_id)
    wrapped = None
    clock[0] = KEEP_SECONDS - 1
    await keys.get(tenant_id)
    assert asked == [tenant_id]
    clock[0] = KEEP_SECONDS + 1
    with pytest.raises(TenantKeyGoneError):
        await keys.get(tenant_id)
