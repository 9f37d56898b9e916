"""Looks at a database as its owner, its application, and its catalog see it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

CATALOG = {
    "columns": """SELECT format('%s.%s %s %s %s %s %s', c.oid::regclass, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attacl)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')""",
    "tables": """SELECT format('%s %s %s %s %s %s', c.oid::regclass, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
        c.relowner::regrole, c.relacl)
      FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')""",
    "indexes": "SELECT pg_get_indexdef(c.oid) FROM pg_class c WHERE c.relkind = 'i'",
    "constraints": """SELECT format('%s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE true""",
    "policies": """SELECT format('%s %s %s %s %s %s', c.oid::regclass, p.polname, p.polcmd, p.polroles,
        pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid))
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE true""",
    "triggers": """SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE NOT t.tgisinternal""",
    "functions": """SELECT pg_get_functiondef(c.oid) || c.proowner::regrole || COALESCE(c.proacl::text, '')
      FROM (SELECT *, pronamespace AS relnamespace FROM pg_proc) c WHERE c.prokind = 'f'""",
}
_OURS = """ AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'util'))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid AND e.deptype = 'e')"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that is rolled back at the end."""
    engine = create_async_engine(f"postgresql+asyncpg://{url.partition('://')[2]}")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def shape(owner_url: str) -> dict[str, set[str]]:
    """Everything that migrations make, as text."""
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("SET search_path = pg_catalog")
        return {kind: {row[0] for row in await connection.fetch(query + _OURS)} for kind, query in CATALOG.items()}
    finally:
        await connection.close()
