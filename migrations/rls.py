"""What every migration uses to put a table behind its walls.

A tenant table has ``tenant_id`` first in its primary key, foreign keys that carry it, Row-Level Security enabled and
forced, and one policy for everything. ``backend.kernel.rls_walk`` checks all of that against the catalog.
"""

from typing import Final

from alembic import op

APP_ROLE: Final = "ocsuite_app"
DEFINER: Final = "SECURITY DEFINER SET search_path = ''"

# Types are named in full, since a temporary one would come before pg_catalog's own whatever the search path.
_CURRENT: Final = """
CREATE FUNCTION util.current_{name}() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE {definer} AS $$
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
    IF parts[1] = 'v1' AND parts[5]::double precision >= pg_catalog.date_part('epoch', pg_catalog.now())
       AND parts[6]::integer = pg_catalog.pg_backend_pid() THEN
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


def create_context_functions() -> None:
    """``util.current_tenant()`` and ``util.current_user()``: the verified context, or NULL."""
    for name, part in (("tenant", 3), ("user", 4)):
        execute(_CURRENT.format(name=name, part=part, definer=DEFINER))
        allow_function(f"util.current_{name}()")


def allow_function(signature: str) -> None:
    """Let the application role alone call a function."""
    execute(
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {signature} TO {APP_ROLE}",
    )


def tenant_table(table: str, *, column: str = "tenant_id", privileges: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Wall in a table of tenants' rows and keep its ``updated_at``."""
    _policy(table, f"{column} = (SELECT util.current_tenant())", privileges)


def user_table(table: str, *, column: str = "user_id", privileges: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Wall in a table of people's rows: everyone sees and writes their own."""
    _policy(table, f"{column} = (SELECT util.current_user())", privileges)


def _policy(table: str, condition: str, privileges: str) -> None:
    execute(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {table}_walls ON {table} USING ({condition}) WITH CHECK ({condition})",
        f"GRANT {privileges} ON {table} TO {APP_ROLE}",
        f"CREATE TRIGGER {table}_touch BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION util.touch()",
    )


def drop_tables(*tables: str) -> None:
    """Drop tables in the given order."""
    execute(*(f"DROP TABLE {table}" for table in tables))
