"""What every migration uses to put a table behind its walls.

A tenant table has ``tenant_id`` first in its primary key, foreign keys that carry it, Row-Level Security enabled and
forced, and one policy for everything. ``backend.kernel.db.rls_walk`` checks all of that against the catalog.
"""

from pathlib import Path
from typing import Final

from alembic import op

APP_ROLE: Final = "ocsuite_app"
FUNCTIONS: Final = Path(__file__).with_name("functions")
DEFINER: Final = "SECURITY DEFINER SET search_path = ''"

GRANTED: Final = "util.granted_permissions((SELECT util.current_tenant()))"
"""What the context's member may do, for policies."""

# The parts of a context by its version; part 1 is the version itself.
_PARTS: Final = {
    1: {"tenant": 3, "user": 4, "expiry": 5, "backend": 6},
    2: {"tenant": 3, "user": 4, "api_key": 5, "expiry": 6, "backend": 7},
}

# Types are named in full, since a temporary one would come before pg_catalog's own whatever the search path.
_CURRENT: Final = """
CREATE OR REPLACE FUNCTION util.current_{name}() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE {definer} AS $$
DECLARE
  setting pg_catalog.text := pg_catalog.current_setting('ocsuite.context', true);
  parts pg_catalog.text[];
  mac pg_catalog.text;
BEGIN
  -- Conditions say what has to hold, so that one that comes out as NULL opens nothing.
  SELECT pg_catalog.encode(pg_catalog.sha256(k.outer_pad || pg_catalog.sha256(k.inner_pad ||
           pg_catalog.convert_to(pg_catalog.left(setting, -64), 'UTF8'))), 'hex')
    INTO mac FROM util.context_keys k WHERE k.id = pg_catalog.split_part(setting, '.', 2);
  IF mac = pg_catalog.right(setting, 64) THEN
    -- Only a signed text gets here, so that its parts are known to be well formed.
    parts := pg_catalog.string_to_array(setting, '.');
    IF parts[1] = 'v{version}' AND parts[{expiry}]::double precision >= pg_catalog.date_part('epoch', pg_catalog.now())
       AND parts[{backend}]::integer = pg_catalog.pg_backend_pid() THEN
      RETURN NULLIF(parts[{part}], '')::pg_catalog.uuid;
    END IF;
  END IF;
  RETURN NULL;
END $$
"""


def execute(*statements: str) -> None:
    """Run statements one by one (the driver takes one at a time)."""
    for statement in statements:
        op.execute(statement)


def install_functions(*names: str) -> None:
    """Make or replace functions of ``util`` as ``migrations/functions/<name>.sql``, their current source, has them.

    An earlier migration that is run today installs today's source too, so that it may name what only a later one makes.
    """
    execute("SET LOCAL check_function_bodies = off", *map(_source, names), "SET LOCAL check_function_bodies = on")


def _source(name: str) -> str:
    # A colon would be taken for the beginning of a parameter.
    return (FUNCTIONS / f"{name}.sql").read_text(encoding="utf-8").replace(":", r"\:")


def context_function(name: str, version: int) -> str:
    """The statement that makes ``util.current_<name>()``: one verified part of the context, or NULL."""
    parts = _PARTS[version]
    places = {"part": parts[name], "expiry": parts["expiry"], "backend": parts["backend"]}
    return _CURRENT.format(name=name, version=version, definer=DEFINER, **places)


def create_context_functions(*, version: int = 1) -> None:
    """``util.current_tenant()`` and ``util.current_user()``, which accept contexts of one version alone."""
    for name in ("tenant", "user"):
        execute(context_function(name, version))
        allow_function(f"util.current_{name}()")


def allow_function(signature: str) -> None:
    """Let the application role alone call a function."""
    execute(
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {signature} TO {APP_ROLE}",
    )


def tenant_table(
    table: str,
    *,
    column: str = "tenant_id",
    privileges: str = "SELECT, INSERT, UPDATE, DELETE",
    touched: bool = True,
) -> None:
    """Wall in a table of tenants' rows and, where it is ``touched``, keep its ``updated_at``."""
    _policy(table, f"{column} = (SELECT util.current_tenant())", privileges, touched=touched)


def user_table(table: str, *, column: str = "user_id", privileges: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Wall in a table of people's rows: everyone sees and writes their own."""
    _policy(table, f"{column} = (SELECT util.current_user())", privileges)


def permitted(permission: str) -> str:
    """The condition that the context's member holds a permission; evaluated once for each statement."""
    return f"(SELECT util.user_has_permission((SELECT util.current_tenant()), '{permission}'))"


def restrict(table: str, command: str, condition: str, *, check: str | None = None) -> None:
    """Let a command write only rows that also meet ``condition``; ``check`` replaces it for what an update leaves."""
    using = "" if command == "INSERT" else f" USING ({condition})"
    checked = "" if command in ("DELETE", "SELECT") else f" WITH CHECK ({check or condition})"
    execute(f"CREATE POLICY {_restriction(table, command)} ON {table} AS RESTRICTIVE FOR {command}{using}{checked}")


def drop_restrictions(table: str, *commands: str) -> None:
    """Undo :func:`restrict`."""
    execute(*(f"DROP POLICY {_restriction(table, command)} ON {table}" for command in commands))


def _restriction(table: str, command: str) -> str:
    return f"{table}_{command.lower()}"


def _policy(table: str, condition: str, privileges: str, *, touched: bool = True) -> None:
    execute(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {table}_walls ON {table} USING ({condition}) WITH CHECK ({condition})",
        f"GRANT {privileges} ON {table} TO {APP_ROLE}",
    )
    if touched:
        execute(f"CREATE TRIGGER {table}_touch BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION util.touch()")


def drop_tables(*tables: str) -> None:
    """Drop tables in the given order."""
    execute(*(f"DROP TABLE {table}" for table in tables))
