"""Walks ``pg_catalog`` and names everything that does not stand behind the walls that every table must have.

A table of schema public is one of three kinds. *Tenant* tables have a column ``tenant_id``, or are ``tenants`` itself.
*Person* tables hold rows of one person each, system tables neither; both are listed here with their reasons. The tests
run the walk on the migrated database and on planted faults, ``ocsuite doctor`` on a running one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.kernel.db.rls_rules import RULES, TABLES, Rule
from migrations.rls import APP_ROLE

PERSON_TABLES: Final[Mapping[str, str]] = {
    "users": "id",
    "user_credentials": "user_id",
    "sessions": "user_id",
    "idempotency_keys": "user_id",
    "erasure_receipts": "user_id",
    "account_links": "user_id",
}
"""Tables of people's rows, each with the column that names the person."""

SYSTEM_TABLES: Final[Mapping[str, str]] = {
    "permissions": "r",  # the catalogue that the code declares, the same for everybody
    "audit_keys": "r",  # as signing_keys
    "signing_keys": "r",  # belongs to the installation; its private halves are sealed, the public ones are published
    "alembic_version": "",  # Alembic's own; the application asks util.schema_version()
}
"""Tables that are nobody's, each with what the application role may do (letters of an ACL)."""

UNIQUE_ACROSS_TENANTS: Final = frozenset(
    {
        "uq_tenants_slug",  # names a tenant in addresses; that a slug is taken is said to everybody who asks for it
    }
)
"""Unique indexes that reach across tenants, and so tell whether a value exists in another one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a table (or function, view, role), and how to mend it."""

    table: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.table}: {self.what}"


async def find_faults(connection: AsyncConnection, guarded: Sequence[str]) -> list[Fault]:
    """Every fault of the connected database, none if it stands as it should. Any role may ask.

    ``guarded`` are the tables that the application role can write only where the database itself finds that the context
    may; domains declare them.
    """
    given = {
        "app": APP_ROLE,
        "person_tables": list(PERSON_TABLES),
        "person_keys": list(PERSON_TABLES.values()),
        "system_tables": list(SYSTEM_TABLES),
        "unique_across": list(UNIQUE_ACROSS_TENANTS),
        "guarded": list(guarded),
    }
    # Expressions are printed relative to the search path: with this one, nobody's look-alike goes by a bare name.
    async with connection.begin_nested() as savepoint:
        await connection.execute(text("SET LOCAL search_path = pg_catalog"))
        if await connection.scalar(text("SELECT to_regrole(:app) IS NULL"), {"app": APP_ROLE}):
            faults = [Fault(APP_ROLE, "the application role does not exist", "create it as scripts/roles.sql does")]
        else:
            faults = [fault for rule in RULES for fault in await _broken(connection, rule, given)]
            faults += await _system_privileges(connection)
        await savepoint.rollback()
    return sorted(faults, key=lambda fault: (fault.table, fault.what))


async def _broken(connection: AsyncConnection, rule: Rule, given: Mapping[str, object]) -> list[Fault]:
    rows = await connection.execute(text(TABLES + rule.query), dict(given))
    return [Fault(row.subject, rule.what.format(row.detail), rule.mend) for row in rows]


async def _system_privileges(connection: AsyncConnection) -> list[Fault]:
    query = text(
        "SELECT has_table_privilege(:app, c.oid, :privilege) FROM pg_class c "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relname = :table"
    )
    letters = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
    faults = []
    for table, allowed in SYSTEM_TABLES.items():
        for letter, privilege in letters.items():
            held = await connection.scalar(query, {"app": APP_ROLE, "privilege": privilege, "table": table})
            if held and letter not in allowed:
                what = f"a system table on which the application role holds {privilege}"
                faults.append(Fault(table, what, f"REVOKE {privilege} ON {table} FROM {APP_ROLE}"))
    return faults
