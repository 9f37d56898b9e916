"""The catalog walk finds nothing on the migrated database, and names every fault that is planted."""

from collections.abc import AsyncIterator

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from backend.kernel.db.rls_walk import PERSON_TABLES, SYSTEM_TABLES, find_faults
from backend.registry import declarations
from backend.settings import Settings
from migrations import rls
from tests.tenancy.planted import PLANTED

GOOD = """CREATE TABLE planted (
  tenant_id uuid NOT NULL REFERENCES tenants, id uuid NOT NULL, other_id uuid, user_id uuid REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  embedding vector(1536), UNIQUE (tenant_id, user_id),
  PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, other_id) REFERENCES planted (tenant_id, id))"""
INDEX = "CREATE INDEX planted_nearest ON planted USING hnsw (embedding vector_cosine_ops)"


def _plant_good(connection: Connection) -> None:
    connection.execute(text(GOOD))
    connection.execute(text(INDEX))
    with Operations.context(MigrationContext.configure(connection)):
        rls.tenant_table("planted")


@pytest.fixture
async def superuser(superuser_url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction in which a good table stands beside the migrated ones; rolled back at the end."""
    engine = create_async_engine(f"postgresql+asyncpg://{superuser_url.partition('://')[2]}")
    async with engine.connect() as connection:
        await connection.run_sync(_plant_good)
        yield connection
        await connection.rollback()
    await engine.dispose()


async def test_the_migrated_database_stands_as_it_should(settings: Settings) -> None:
    for url in (settings.database_url, settings.database_owner_url):
        engine = create_async_engine(f"postgresql+asyncpg://{url.partition('://')[2]}")
        async with engine.connect() as connection:
            assert await find_faults(connection, declarations().guarded_tables) == []
            assert await connection.scalar(text("SHOW search_path")) == '"$user", public'
        await engine.dispose()


async def test_a_table_made_with_the_helpers_has_no_fault(superuser: AsyncConnection) -> None:
    assert await find_faults(superuser, declarations().guarded_tables) == []


@pytest.mark.parametrize(("statements", "subject", "what"), PLANTED.values(), ids=PLANTED)
async def test_a_planted_fault_is_named(superuser: AsyncConnection, statements: str, subject: str, what: str) -> None:
    this = await superuser.scalar(text("SELECT current_database()"))
    for statement in statements.replace("this_database", this).split("; "):
        await superuser.execute(text(statement))
    faults, subject = (
        await find_faults(superuser, declarations().guarded_tables),
        subject.replace("this_database", this),
    )
    mine = [fault for fault in faults if fault.table == subject and what in fault.what]
    assert mine, f"not found among {[str(fault) for fault in faults]}"
    assert all(fault.mend for fault in faults)
    assert str(mine[0]) == f"{subject}: {mine[0].what}"


async def test_a_search_path_that_hides_a_look_alike_is_seen_through(superuser: AsyncConnection) -> None:
    for statement in (
        "CREATE FUNCTION public.current_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
        "ALTER POLICY planted_walls ON planted USING (tenant_id = (SELECT public.current_tenant()))",
        "SET LOCAL search_path = util, public, pg_catalog",
    ):
        await superuser.execute(text(statement))
    assert [fault.table for fault in await find_faults(superuser, declarations().guarded_tables)] == ["planted"]


def test_exceptions_are_few() -> None:
    people = {"users", "user_credentials", "sessions", "account_links", "idempotency_keys", "erasure_receipts"}
    assert set(PERSON_TABLES) == people
    assert set(SYSTEM_TABLES) == {"permissions", "signing_keys", "audit_keys", "alembic_version"}
