"""Kept answers belong to a company and a credential; API keys never make owners; invitations taken stay known.

What was kept before does not say for whom, and is of one day: it goes, in either direction.
"""

from importlib import import_module
from typing import Final

from migrations import rls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ACTING: Final = (
    "DELETE FROM idempotency_keys",
    "ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys",
    """ALTER TABLE idempotency_keys
      ADD COLUMN acting_tenant uuid DEFAULT util.current_tenant(),
      ADD COLUMN acting_api_key uuid DEFAULT util.current_api_key()""",
    """CREATE UNIQUE INDEX uq_idempotency_keys
      ON idempotency_keys (user_id, key, acting_tenant, acting_api_key) NULLS NOT DISTINCT""",
    # A company's answers end with it, also those of people who had left by then.
    f"""CREATE FUNCTION util.forget_answers() RETURNS trigger LANGUAGE plpgsql {rls.DEFINER} AS $$
    BEGIN
      DELETE FROM public.idempotency_keys k WHERE k.acting_tenant = OLD.id AND k.status IS NOT NULL;
      RETURN NULL;
    END $$""",
    "REVOKE ALL ON FUNCTION util.forget_answers() FROM PUBLIC",
    """CREATE TRIGGER tenants_forget_answers AFTER DELETE ON tenants
      FOR EACH ROW EXECUTE FUNCTION util.forget_answers()""",
)
SAME_SCOPE: Final = (
    "acting_tenant IS NOT DISTINCT FROM (SELECT util.current_tenant())"
    " AND acting_api_key IS NOT DISTINCT FROM (SELECT util.current_api_key())"
)
UNSCOPED: Final = (
    "DROP TRIGGER tenants_forget_answers ON tenants",
    "DROP FUNCTION util.forget_answers()",
    "DELETE FROM idempotency_keys",
    "DROP INDEX uq_idempotency_keys",
    "ALTER TABLE idempotency_keys DROP COLUMN acting_tenant, DROP COLUMN acting_api_key",
    "ALTER TABLE idempotency_keys ADD CONSTRAINT pk_idempotency_keys PRIMARY KEY (user_id, key)",
)

ACCESS: Final = import_module("migrations.versions.0005_access").FUNCTIONS
INVITATIONS: Final = import_module("migrations.versions.0006_invitations").FUNCTIONS
# For each function: what was written, and what it becomes.
CHANGES: Final = {
    # What owners alone hold, no key does: a role that comes with it can be given, made or managed by none.
    "util.granted_permissions(uuid)": (
        ACCESS,
        "SELECT k.permissions INTO scope",
        """SELECT ARRAY(SELECT p.key FROM public.permissions p
            WHERE p.key = ANY (k.permissions) AND p.roles <> ARRAY['owner']) INTO scope""",
    ),
    "util.may_grant_role(uuid, text)": (
        ACCESS,
        "IS NOT NULL AND NOT EXISTS",
        "IS NOT NULL AND (role <> 'owner' OR util.current_api_key() IS NULL) AND NOT EXISTS",
    ),
    "util.accept_invitation(bytea)": (
        INVITATIONS,
        "(tenant_id, user_id) VALUES (found_one.tenant_id, person)",
        "(tenant_id, user_id, invitation_hash)\n            VALUES (found_one.tenant_id, person, hash)",
    ),
}
MEMBERSHIPS: Final = "util.my_memberships()"
JOINED: Final = (
    ("erase_after timestamptz)", "erase_after timestamptz, joined_at timestamptz)"),
    ("d.erase_after\n", "d.erase_after, m.created_at\n"),
)
TAKEN: Final = "util.taken_invitation(bytea)"
TAKE: Final = f"""
  CREATE FUNCTION util.taken_invitation(hash bytea) RETURNS uuid LANGUAGE sql STABLE {rls.DEFINER} AS $$
    SELECT m.tenant_id FROM public.tenant_members m
    WHERE m.user_id = util.current_user() AND m.invitation_hash = hash $$"""


def upgrade() -> None:
    rls.execute(*ACTING)
    rls.restrict("idempotency_keys", "ALL", SAME_SCOPE)
    rls.execute("ALTER TABLE tenant_members ADD COLUMN invitation_hash bytea")
    for signature, (functions, before, after) in CHANGES.items():
        rls.execute(_replacing(_changed(functions[signature], before, after)))
    memberships = ACCESS[MEMBERSHIPS]
    for before, after in JOINED:
        memberships = _changed(memberships, before, after)
    _renew_memberships(memberships)
    rls.execute(TAKE)
    rls.allow_function(TAKEN)


def downgrade() -> None:
    rls.execute(f"DROP FUNCTION {TAKEN}")
    _renew_memberships(ACCESS[MEMBERSHIPS])
    for signature, (functions, _, _) in CHANGES.items():
        rls.execute(_replacing(functions[signature]))
    rls.execute("ALTER TABLE tenant_members DROP COLUMN invitation_hash")
    rls.drop_restrictions("idempotency_keys", "ALL")
    rls.execute(*UNSCOPED)


def _renew_memberships(function: str) -> None:
    rls.execute(f"DROP FUNCTION {MEMBERSHIPS}", function)
    rls.allow_function(MEMBERSHIPS)


def _changed(function: str, before: str, after: str) -> str:
    assert function.count(before) == 1, before
    return function.replace(before, after)


def _replacing(function: str) -> str:
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
