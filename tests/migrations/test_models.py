"""The tables as the models describe them are those that the migrations make."""

import warnings
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import SAWarning

import backend.registry  # noqa: F401  # imports every domain's models
from backend.kernel.db.orm import Base
from backend.settings import Settings
from tests.migrations.kit import connected

#: Tables that are written in SQL alone, or wait for the domain that will use them.
UNMAPPED = {"idempotency_keys", "connectors", "tasks", "tenant_embeddings", "company_embeddings"}
#: The database may have more than a model names: indexes, defaults of its own, constraints.
MORE_IN_THE_DATABASE = {"remove_index", "remove_constraint", "modify_default", "remove_table"}


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Did not recognize type 'vector'", SAWarning)
        found = compare_metadata(context, Base.metadata)
    return [change for entry in found for change in (entry if isinstance(entry, list) else [entry])]


async def test_models_and_database_agree(settings: Settings) -> None:
    async with connected(settings.database_owner_url) as connection:
        changes = await connection.run_sync(_differences)
    assert [change for change in changes if change[0] not in MORE_IN_THE_DATABASE] == []
    assert {change[1].name for change in changes if change[0] == "remove_table"} == UNMAPPED


async def test_a_difference_is_found(settings: Settings) -> None:
    plants = {
        "ALTER TABLE messages ALTER content DROP NOT NULL": "modify_nullable",
        "ALTER TABLE messages ADD more text": "remove_column",
        "ALTER TABLE conversations DROP title": "add_column",
        "ALTER TABLE usage_snapshots ALTER used TYPE bigint": "modify_type",
        "ALTER TABLE messages DROP CONSTRAINT fk_messages_conversation": "add_fk",
    }
    for statement, kind in plants.items():
        async with connected(settings.database_owner_url) as connection:
            await connection.execute(text(statement))
            changes = await connection.run_sync(_differences)
        assert kind in {change[0] for change in changes}, statement
