"""Invitations, and receipts for companies that were erased."""

from typing import Final

from migrations import rls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STAMPS = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"
TENANT = "tenant_id uuid NOT NULL CONSTRAINT fk_{0}_tenant_id_tenants REFERENCES tenants ON DELETE CASCADE"

TABLES = (
    f"""CREATE TABLE invitations (
      {TENANT.format("invitations")},
      id uuid NOT NULL,
      email text NOT NULL CONSTRAINT ck_invitations_email_folded CHECK (email = lower(email)),
      token_hash bytea NOT NULL CONSTRAINT ck_invitations_token_hash CHECK (length(token_hash) = 32),
      invited_by uuid CONSTRAINT fk_invitations_invited_by_users REFERENCES users ON DELETE SET NULL,
      expires_at timestamptz NOT NULL,
      {STAMPS},
      CONSTRAINT pk_invitations PRIMARY KEY (tenant_id, id),
      CONSTRAINT uq_invitations_email UNIQUE (tenant_id, email))""",
    "CREATE INDEX ix_invitations_token_hash ON invitations (token_hash)",
    f"""CREATE TABLE invitation_roles (
      {TENANT.format("invitation_roles")},
      invitation_id uuid NOT NULL,
      role_key text NOT NULL,
      CONSTRAINT pk_invitation_roles PRIMARY KEY (tenant_id, invitation_id, role_key),
      CONSTRAINT fk_invitation_roles_invitation FOREIGN KEY (tenant_id, invitation_id)
        REFERENCES invitations (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT fk_invitation_roles_role FOREIGN KEY (tenant_id, role_key) REFERENCES roles (tenant_id, key))""",
    "CREATE INDEX ix_invitation_roles_role ON invitation_roles (tenant_id, role_key)",
    # A person's table: the company that it tells of is gone, and whoever asked for that keeps it.
    f"""CREATE TABLE erasure_receipts (
      id uuid CONSTRAINT pk_erasure_receipts PRIMARY KEY,
      user_id uuid NOT NULL CONSTRAINT fk_erasure_receipts_user_id_users REFERENCES users ON DELETE CASCADE,
      erased_tenant_id uuid NOT NULL,
      erased_tenant_name text NOT NULL,
      requested_at timestamptz NOT NULL,
      erased_at timestamptz NOT NULL,
      rows jsonb NOT NULL,
      audit_seq bigint NOT NULL,
      audit_hash bytea NOT NULL,
      {STAMPS})""",
    "CREATE INDEX ix_erasure_receipts_user_id ON erasure_receipts (user_id)",
)

FUNCTIONS: Final = {
    "util.find_invitation(bytea)": f"""
      CREATE FUNCTION util.find_invitation(hash bytea)
      RETURNS TABLE (id uuid, tenant_id uuid, name text, slug text, email text, roles jsonb, invited_by text,
        expires_at timestamptz)
      LANGUAGE sql STABLE {rls.DEFINER} AS $$
        SELECT i.id, t.id, t.name, t.slug, i.email,
          (SELECT pg_catalog.jsonb_agg(
               pg_catalog.jsonb_build_object('key', o.key, 'name', o.name) ORDER BY o.rank, o.key)
             FROM public.invitation_roles r JOIN public.roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
             WHERE r.tenant_id = i.tenant_id AND r.invitation_id = i.id),
          u.full_name, i.expires_at
        FROM public.invitations i JOIN public.tenants t ON t.id = i.tenant_id
          LEFT JOIN public.users u ON u.id = i.invited_by
        WHERE i.token_hash = hash AND i.expires_at > pg_catalog.now() $$""",
    # Takes an invitation for the context's person; tells what came of it. The row lock lets one of two at once win, and
    # the tenant's lets only as many in as there is room for. Raises nothing, so that a refusal can be recorded.
    "util.accept_invitation(bytea)": f"""
      CREATE FUNCTION util.accept_invitation(hash bytea)
      RETURNS TABLE (outcome text, tenant_id uuid, invitation_id uuid, members_max integer)
      LANGUAGE plpgsql {rls.DEFINER} AS $$
      DECLARE
        person pg_catalog.uuid := util.current_user();
        found_one public.invitations;
        room pg_catalog.int4;
      BEGIN
        SELECT i.* INTO found_one FROM public.invitations i
          WHERE i.token_hash = hash AND i.expires_at > pg_catalog.now() FOR UPDATE;
        IF person IS NULL OR found_one.id IS NULL THEN
          RETURN QUERY SELECT 'invalid'::text, NULL::pg_catalog.uuid, NULL::pg_catalog.uuid, NULL::pg_catalog.int4;
          RETURN;
        END IF;
        SELECT t.members_max INTO room FROM public.tenants t WHERE t.id = found_one.tenant_id FOR NO KEY UPDATE;
        IF NOT EXISTS (SELECT FROM public.users u WHERE u.id = person
             AND pg_catalog.normalize(pg_catalog.lower(
               pg_catalog.normalize(pg_catalog.btrim(u.email), 'NFC')), 'NFC') = found_one.email) THEN
          RETURN QUERY SELECT 'another_address'::text, found_one.tenant_id, found_one.id, room;
        ELSIF EXISTS (SELECT FROM public.tenant_members m
             WHERE m.tenant_id = found_one.tenant_id AND m.user_id = person) THEN
          RETURN QUERY SELECT 'already_member'::text, found_one.tenant_id, found_one.id, room;
        ELSIF room <= (SELECT pg_catalog.count(*) FROM public.tenant_members m
             WHERE m.tenant_id = found_one.tenant_id) THEN
          RETURN QUERY SELECT 'full'::text, found_one.tenant_id, found_one.id, room;
        ELSE
          INSERT INTO public.tenant_members (tenant_id, user_id) VALUES (found_one.tenant_id, person);
          INSERT INTO public.member_roles (tenant_id, user_id, role_key)
            SELECT r.tenant_id, person, r.role_key FROM public.invitation_roles r
            WHERE r.tenant_id = found_one.tenant_id AND r.invitation_id = found_one.id;
          DELETE FROM public.invitations i WHERE i.tenant_id = found_one.tenant_id AND i.id = found_one.id;
          RETURN QUERY SELECT 'accepted'::text, found_one.tenant_id, found_one.id, room;
        END IF;
      END $$""",
}

PURGE = f"""
  CREATE OR REPLACE FUNCTION util.purge_expired() RETURNS bigint LANGUAGE sql {rls.DEFINER} AS
  $$ WITH keys AS (DELETE FROM public.idempotency_keys WHERE expires_at < pg_catalog.now() RETURNING 1),
         ended AS (DELETE FROM public.sessions WHERE expires_at < pg_catalog.now() RETURNING 1){{more}}
         SELECT (SELECT pg_catalog.count(*) FROM keys) + (SELECT pg_catalog.count(*) FROM ended){{count}} $$"""
INVITATIONS_TOO = {
    "more": """,
         open AS (DELETE FROM public.invitations
           WHERE expires_at < pg_catalog.now() - interval '30 days' RETURNING 1)""",
    "count": " + (SELECT pg_catalog.count(*) FROM open)",
}


def upgrade() -> None:
    rls.execute(*TABLES)
    rls.tenant_table("invitations")
    rls.tenant_table("invitation_roles", privileges="SELECT, INSERT, DELETE", touched=False)
    rls.user_table("erasure_receipts", privileges="SELECT")
    invite = rls.permitted("members.invite")
    for command in ("INSERT", "UPDATE", "DELETE"):
        rls.restrict("invitations", command, invite)
    for command in ("INSERT", "DELETE"):
        rls.restrict("invitation_roles", command, f"{invite} AND util.may_grant_role(tenant_id, role_key)")
    for signature, function in FUNCTIONS.items():
        rls.execute(function)
        rls.allow_function(signature)
    rls.execute(PURGE.format(**INVITATIONS_TOO))


def downgrade() -> None:
    rls.execute(PURGE.format(more="", count=""), *(f"DROP FUNCTION {signature}" for signature in reversed(FUNCTIONS)))
    rls.drop_tables("erasure_receipts", "invitation_roles", "invitations")
