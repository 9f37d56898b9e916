"""Every migration, up and down, on empty databases and on ones that hold rows."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import migrations
from backend.kernel.db.rls_walk import find_faults
from backend.migrate import head, migrate
from backend.registry import declarations
from crypto import Keyring
from tests.migrations.kit import connected, shape
from tests.tenancy.kit import ROWS, App, Tenant, key_of, of

SCRIPTS = ScriptDirectory(str(Path(migrations.__file__).parent))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]
Urls = tuple[str, str]
MEMBER = "INSERT INTO tenant_members (tenant_id, user_id, role) VALUES ('{0.id}', '{0.user}', 'owner')"
"""As it was until 0005, which moves the role into a table of its own."""


async def _version(owner_url: str) -> list[str]:
    async with connected(owner_url) as connection:
        return list(await connection.scalars(text("SELECT version_num FROM alembic_version")))


async def _faults(owner_url: str) -> list[str]:
    async with connected(owner_url) as connection:
        return [str(fault) for fault in await find_faults(connection, declarations().guarded_tables)]


def test_revisions_form_one_line() -> None:
    assert len(SCRIPTS.get_heads()) == 1
    assert REVISIONS[-1] == head()
    assert [SCRIPTS.get_revision(name).down_revision for name in REVISIONS] == [None, *REVISIONS[:-1]]


async def test_each_step_goes_up_and_back(database_url_pair: Urls, keyring: Keyring) -> None:
    _, url = database_url_pair
    empty = await shape(url)
    before, lower = empty, "base"
    for revision in REVISIONS:
        await migrate(url, keyring, revision)
        after = await shape(url)
        assert await _version(url) == [revision]
        assert await _faults(url) == []
        assert after != before
        await migrate(url, keyring, lower, down=True)
        back = await shape(url)
        if lower == "base":
            back = {kind: {line for line in lines if "alembic_version" not in line} for kind, lines in back.items()}
        assert {kind: lines ^ before[kind] for kind, lines in back.items() if lines != before[kind]} == {}
        await migrate(url, keyring, revision)
        assert await shape(url) == after
        before, lower = after, revision


async def test_from_empty_to_head_and_back_twice(database_url_pair: Urls, keyring: Keyring) -> None:
    _, url = database_url_pair
    shapes = []
    for _ in range(2):
        await migrate(url, keyring)
        assert await _version(url) == [head()]
        shapes.append(await shape(url))
        await migrate(url, keyring, "base", down=True)
        assert await _version(url) == []
        assert {line.split()[0] for line in (await shape(url))["tables"]} == {"public.alembic_version"}
    assert shapes[0] == shapes[1]


async def test_migrating_again_changes_nothing(database_url_pair: Urls, keyring: Keyring) -> None:
    _, url = database_url_pair
    await migrate(url, keyring)
    before = await shape(url)
    async with connected(url) as connection:
        keys = (await connection.execute(text("SELECT id, sealed_private FROM signing_keys"))).all()
    await migrate(url, keyring)
    assert await shape(url) == before
    async with connected(url) as connection:
        assert (await connection.execute(text("SELECT id, sealed_private FROM signing_keys"))).all() == keys
    assert len(keys) == 1


async def test_rows_survive_and_stay_with_their_tenant(database_url_pair: Urls, keyring: Keyring) -> None:
    app_url, url = database_url_pair
    await migrate(url, keyring, "0002")
    tenants, held = (Tenant(), Tenant()), {}
    owner = await asyncpg.connect(url)
    present = {row[0] for row in await owner.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'")}
    early = [table for table in ROWS if table in present]
    assert 0 < len(early) < len(ROWS)
    for tenant in tenants:
        await owner.execute(
            "INSERT INTO users (id, issuer, subject, full_name) VALUES ($1, 'i', $2, 'n')",
            tenant.user,
            str(tenant.user),
        )
        for table in early:
            await owner.execute(MEMBER.format(tenant) if table == "tenant_members" else tenant.insert(table))
    for table in early:
        held[table] = await owner.fetch(f"SELECT * FROM {table} ORDER BY {key_of(table)}")
    await owner.close()

    await migrate(url, keyring)
    assert await _faults(url) == []
    await _check_rows(app_url, keyring, tenants, held, gone={"role", "invitation_hash"})
    await migrate(url, keyring, "0002", down=True)
    # Read as the owner: contexts as this code signs them are not those of back then. A role that comes back into its
    # column changes its row.
    owner = await asyncpg.connect(url)
    for table, rows in held.items():
        back = await owner.fetch(f"SELECT * FROM {table} ORDER BY {key_of(table)}")
        gone = {"updated_at"} if table == "tenant_members" else set()
        assert _without(back, gone) == _without(rows, gone)
    await owner.close()
    await migrate(url, keyring)
    await _check_rows(app_url, keyring, tenants, held, gone={"role", "invitation_hash", "updated_at"})


def _without(rows: list[asyncpg.Record], columns: set[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


async def _check_rows(
    app_url: str,
    keyring: Keyring,
    tenants: tuple[Tenant, Tenant],
    held: dict[str, list[asyncpg.Record]],
    *,
    gone: set[str],
) -> None:
    app = App(await asyncpg.connect(app_url), keyring)
    for table, rows in held.items():
        async with app.acting(None) as sql:
            assert await sql.fetch(f"SELECT * FROM {table}") == []
        seen = []
        for tenant in sorted(tenants, key=lambda tenant: tenant.id):
            async with app.acting(of(tenant)) as sql:
                seen.append(await sql.fetch(f"SELECT * FROM {table}"))
            assert {row[key_of(table)] for row in seen[-1]} == {tenant.id}
        assert _without([row for found in seen for row in found], gone) == _without(rows, gone)
    await app.sql.close()


async def test_two_migrators_at_once(database_url_pair: Urls, keyring: Keyring) -> None:
    app_url, url = database_url_pair
    await asyncio.gather(*(migrate(url, keyring) for _ in range(3)))
    assert await _version(url) == [head()]
    assert await _faults(url) == []
    async with connected(url) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM signing_keys")) == 1
    async with connected(app_url) as connection:
        assert await connection.scalar(text("SELECT util.schema_version()")) == head()


async def test_a_step_that_fails_leaves_nothing(database_url_pair: Urls, keyring: Keyring) -> None:
    _, url = database_url_pair
    await migrate(url, keyring, "0002")
    owner = await asyncpg.connect(url)
    await owner.execute("CREATE TABLE messages (in_the_way integer)")
    before = await shape(url)
    with pytest.raises(DBAPIError, match="already exists"):
        await migrate(url, keyring)
    assert await shape(url) == before
    assert await _version(url) == ["0002"]
    await owner.execute("DROP TABLE messages")
    await owner.close()
    await migrate(url, keyring)
    assert await _version(url) == [head()]


async def test_the_application_role_cannot_migrate(database_url_pair: Urls, keyring: Keyring) -> None:
    app_url, _ = database_url_pair
    with pytest.raises(DBAPIError, match="permission denied"):
        await migrate(app_url, keyring)
