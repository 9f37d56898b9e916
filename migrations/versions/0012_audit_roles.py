"""Bookkeeping of audit that is believed only where it is sealed; rules of roles."""

from importlib import import_module
from typing import Final

from backend.kernel.look_alikes import look_alikes
from migrations import rls

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Who is to be verified is decided by what is signed, and no longer by a date in a row; so the function only lists.
LISTED: Final = f"""
  CREATE FUNCTION util.tenants_with_log(after uuid, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE {rls.DEFINER} AS
  $$ SELECT t.id FROM public.tenants t
     WHERE t.id > after AND (EXISTS (SELECT FROM public.audit_logs l WHERE l.tenant_id = t.id)
       OR EXISTS (SELECT FROM public.audit_seals s WHERE s.tenant_id = t.id))
     ORDER BY t.id LIMIT most $$"""
TO_VERIFY: Final = "util.tenants_to_verify(timestamptz, integer)"


# Names of roles as the eye reads them, computed by the database alone, so that no writer can forget it.
ALIKE: Final = "normalize(translate(normalize(lower(normalize(name, NFKC)), NFKC), '{0}', '{1}'), NFKC)"


def upgrade() -> None:
    rls.execute(
        "ALTER TABLE audit_verifications ADD COLUMN key_id text NOT NULL DEFAULT ''",
        "ALTER TABLE audit_verifications ADD COLUMN signature bytea NOT NULL DEFAULT ''",
        f"DROP FUNCTION {TO_VERIFY}",
        LISTED,
    )
    rls.allow_function("util.tenants_with_log(uuid, integer)")
    _restrict_roles("AND util.may_grant_role(tenant_id, {0})")
    _names_apart()


def downgrade() -> None:
    _restrict_roles("")
    rls.execute(
        "DROP INDEX uq_roles_name",
        "CREATE UNIQUE INDEX uq_roles_name ON roles (tenant_id, lower(name))",
        "DROP FUNCTION util.tenants_with_log(uuid, integer)",
        import_module("migrations.versions.0007_audit").FUNCTIONS[TO_VERIFY],
        "ALTER TABLE audit_verifications DROP COLUMN signature",
        "ALTER TABLE audit_verifications DROP COLUMN key_id",
    )
    rls.allow_function(TO_VERIFY)


def _names_apart() -> None:
    """One index for names that are equal and for those that look alike; of roles that do, the later get their keys."""
    table = look_alikes()
    # A colon would be taken for the beginning of a parameter.
    letters, read_as = (
        "".join(side).replace("'", "''").replace(":", r"\:") for side in (map(chr, table), table.values())
    )
    alike = ALIKE.format(letters, read_as)
    rls.execute(
        "UPDATE roles SET name = name || ' (' || key || ')' WHERE NOT built_in AND (tenant_id, key) IN ("
        "SELECT tenant_id, key FROM (SELECT tenant_id, key, row_number() OVER ("
        f"PARTITION BY tenant_id, {alike} ORDER BY built_in DESC, created_at, key) AS place FROM roles) "
        "WHERE place > 1)",
        "DROP INDEX uq_roles_name",
        f"CREATE UNIQUE INDEX uq_roles_name ON roles (tenant_id, ({alike}))",
    )


def _restrict_roles(whole: str) -> None:
    """Who may change a role, or what it allows; ``whole`` asks for all that the role named ``{0}`` holds."""
    manage = rls.permitted("roles.manage")
    rls.drop_restrictions("roles", "UPDATE", "DELETE")
    for command in ("UPDATE", "DELETE"):
        rls.restrict("roles", command, f"{manage} AND NOT built_in {whole.format('key')}")
    built_in = (
        "EXISTS (SELECT FROM roles r WHERE r.tenant_id = role_permissions.tenant_id"
        " AND r.key = role_permissions.role_key AND r.built_in)"
    )
    held = f"permission = ANY ((SELECT {rls.GRANTED})::text[]) AND NOT {built_in}"
    rls.drop_restrictions("role_permissions", "INSERT", "DELETE")
    for command in ("INSERT", "DELETE"):
        rls.restrict("role_permissions", command, f"{manage} AND {held} {whole.format('role_key')}")
