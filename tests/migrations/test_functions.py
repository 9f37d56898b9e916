"""Each SQL function has one current source, `migrations/functions/<name>.sql`, and the database has exactly that."""

from pathlib import Path

import asyncpg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

import migrations
from backend.settings import Settings
from migrations import rls

SOURCES = {path.stem: path.read_text() for path in (Path(migrations.__file__).parent / "functions").glob("*.sql")}
OURS = """SELECT p.proname, pg_catalog.pg_get_functiondef(p.oid) FROM pg_catalog.pg_proc p
  WHERE p.pronamespace IN ('util'::regnamespace, 'public'::regnamespace) AND p.prokind = 'f'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')"""


async def installed(connection: asyncpg.Connection) -> dict[str, str]:
    return {row[0]: row[1] for row in await connection.fetch(OURS)}


async def differences(settings: Settings, sources: dict[str, str]) -> set[str]:
    """Names of the functions that running their source would change, add, or that have no source."""
    connection = await asyncpg.connect(settings.database_owner_url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        before = await installed(connection)
        for source in sources.values():
            await connection.execute(source)
        after = await installed(connection)
    finally:
        await transaction.rollback()
        await connection.close()
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} | (
        before.keys() ^ sources.keys()
    )


async def test_the_database_has_what_the_files_say(settings: Settings) -> None:
    assert await differences(settings, SOURCES) == set()


@pytest.mark.parametrize(("old", "new"), [("FOR UPDATE", "FOR NO KEY UPDATE"), (" SECURITY DEFINER\n", "\n")])
async def test_a_difference_is_seen(settings: Settings, old: str, new: str) -> None:
    assert old in SOURCES["accept_invitation"]
    changed = {**SOURCES, "accept_invitation": SOURCES["accept_invitation"].replace(old, new)}
    assert await differences(settings, changed) == {"accept_invitation"}


async def test_every_function_has_a_file_and_every_file_a_function(settings: Settings) -> None:
    without = {name: source for name, source in SOURCES.items() if name != "touch"}
    more = {**SOURCES, "another": SOURCES["touch"].replace("util.touch", "util.another")}
    assert await differences(settings, without) == {"touch"}
    assert await differences(settings, more) == {"another"}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_source_says_what_its_function_does(name: str) -> None:
    assert SOURCES[name].startswith("-- ")
    assert f"\nCREATE OR REPLACE FUNCTION util.{name}(" in SOURCES[name].replace('"', "")


async def test_a_migration_installs_what_the_file_says(owner: AsyncConnection) -> None:
    """One whose body has colons, which SQLAlchemy would take for the beginnings of parameters."""
    definition = text("SELECT pg_catalog.pg_get_functiondef('util.erase_tenant'::regproc)")
    before = await owner.scalar(definition)
    signature = "tenant uuid, receipt uuid) RETURNS boolean LANGUAGE sql"
    await owner.execute(text(f"CREATE OR REPLACE FUNCTION util.erase_tenant({signature} AS $$ SELECT false $$"))
    assert await owner.scalar(definition) != before

    def migrate(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            rls.install_functions("erase_tenant")

    await owner.run_sync(migrate)
    assert await owner.scalar(definition) == before
