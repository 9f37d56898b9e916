"""The audit log, its outbox for the sealer, seals, the keys that sign them, and what verification last came to."""

from typing import Final

from migrations import rls

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TENANT = "tenant_id uuid NOT NULL CONSTRAINT fk_{0}_tenant_id_tenants REFERENCES tenants ON DELETE CASCADE"

# An entry points at nobody by foreign key: it must stay as it was sealed when the person or the key is gone.
TABLES = (
    f"""CREATE TABLE audit_logs (
      {TENANT.format("audit_logs")},
      id uuid NOT NULL,
      actor_kind text NOT NULL CONSTRAINT ck_audit_logs_actor_kind CHECK (actor_kind IN ('user', 'api_key', 'system')),
      actor_user_id uuid,
      actor_api_key_id uuid,
      actor_name text NOT NULL,
      action text NOT NULL,
      resource text NOT NULL,
      outcome text NOT NULL CONSTRAINT ck_audit_logs_outcome CHECK (outcome IN ('succeeded', 'refused')),
      meta jsonb NOT NULL CONSTRAINT ck_audit_logs_meta CHECK (jsonb_typeof(meta) = 'object'),
      request_id text NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_audit_logs PRIMARY KEY (tenant_id, id))""",
    "CREATE INDEX ix_audit_logs_actor ON audit_logs (tenant_id, actor_user_id, id)",
    "CREATE INDEX ix_audit_logs_action ON audit_logs (tenant_id, action, id)",
    f"""CREATE TABLE audit_pending (
      {TENANT.format("audit_pending")},
      audit_log_id uuid NOT NULL,
      CONSTRAINT pk_audit_pending PRIMARY KEY (tenant_id, audit_log_id))""",
    f"""CREATE TABLE audit_seals (
      {TENANT.format("audit_seals")},
      seq bigint NOT NULL CONSTRAINT ck_audit_seals_seq CHECK (seq > 0),
      audit_log_id uuid NOT NULL,
      hash bytea NOT NULL,
      sealed_at timestamptz NOT NULL,
      key_id text NOT NULL,
      signature bytea NOT NULL,
      checkpoint boolean NOT NULL,
      CONSTRAINT pk_audit_seals PRIMARY KEY (tenant_id, seq),
      CONSTRAINT uq_audit_seals_entry UNIQUE (tenant_id, audit_log_id))""",
    "CREATE INDEX ix_audit_seals_checkpoint ON audit_seals (tenant_id, seq) WHERE checkpoint",
    """CREATE TABLE audit_keys (
      id text CONSTRAINT pk_audit_keys PRIMARY KEY,
      sealed_private bytea NOT NULL,
      public_key bytea NOT NULL CONSTRAINT ck_audit_keys_public CHECK (length(public_key) = 32),
      created_at timestamptz NOT NULL DEFAULT now(),
      retired_at timestamptz)""",
    f"GRANT SELECT ON audit_keys TO {rls.APP_ROLE}",
    f"""CREATE TABLE audit_verifications (
      {TENANT.format("audit_verifications")},
      verified_at timestamptz NOT NULL,
      entries bigint NOT NULL,
      sealed_seq bigint NOT NULL,
      waiting bigint NOT NULL,
      fault jsonb,
      CONSTRAINT pk_audit_verifications PRIMARY KEY (tenant_id))""",
)

FUNCTIONS: Final = {
    # Tenant, actor and time are the context's and the database's own: no statement can speak for somebody else.
    "util.append_audit(uuid, text, text, text, jsonb, text)": f"""
      CREATE FUNCTION util.append_audit(
        entry uuid, action text, resource text, outcome text, meta jsonb, request_id text)
      RETURNS void LANGUAGE plpgsql {rls.DEFINER} AS $$
      DECLARE
        tenant pg_catalog.uuid := util.current_tenant();
        person pg_catalog.uuid := util.current_user();
        key pg_catalog.uuid := util.current_api_key();
      BEGIN
        INSERT INTO public.audit_logs VALUES (tenant, entry,
          CASE WHEN person IS NULL THEN 'system' WHEN key IS NULL THEN 'user' ELSE 'api_key' END, person, key,
          COALESCE((SELECT u.full_name FROM public.users u WHERE u.id = person), 'OCSuite'),
          action, resource, outcome, meta, request_id, pg_catalog.clock_timestamp());
        INSERT INTO public.audit_pending VALUES (tenant, entry);
      END $$""",
    "util.tenants_to_seal(integer)": f"""
      CREATE FUNCTION util.tenants_to_seal(most integer) RETURNS SETOF uuid LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT DISTINCT p.tenant_id FROM public.audit_pending p LIMIT most $$""",
    # Whose chain is to be walked: everybody with a log, those first who were looked at longest ago.
    "util.tenants_to_verify(timestamptz, integer)": f"""
      CREATE FUNCTION util.tenants_to_verify(verified_before timestamptz, most integer) RETURNS SETOF uuid
      LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT t.id FROM public.tenants t LEFT JOIN public.audit_verifications v ON v.tenant_id = t.id
         WHERE COALESCE(v.verified_at < verified_before, true)
           AND (EXISTS (SELECT FROM public.audit_logs l WHERE l.tenant_id = t.id)
             OR EXISTS (SELECT FROM public.audit_seals s WHERE s.tenant_id = t.id))
         ORDER BY v.verified_at NULLS FIRST, t.id LIMIT most $$""",
}


def upgrade() -> None:
    rls.execute(*TABLES)
    rls.tenant_table("audit_logs", privileges="SELECT", touched=False)
    rls.tenant_table("audit_pending", privileges="SELECT, DELETE", touched=False)
    rls.tenant_table("audit_seals", privileges="SELECT, INSERT", touched=False)
    rls.tenant_table("audit_verifications", privileges="SELECT, INSERT, UPDATE", touched=False)
    system = "(SELECT util.is_system())"
    readers = f"{system} OR {rls.permitted('audit.read')}"
    for table in ("audit_logs", "audit_seals", "audit_verifications"):
        rls.restrict(table, "SELECT", readers)
    rls.restrict("audit_pending", "DELETE", system)
    rls.restrict("audit_seals", "INSERT", system)
    for command in ("INSERT", "UPDATE"):
        rls.restrict("audit_verifications", command, system)
    for signature, function in FUNCTIONS.items():
        rls.execute(function)
        rls.allow_function(signature)


def downgrade() -> None:
    rls.execute(*(f"DROP FUNCTION {signature}" for signature in FUNCTIONS))
    rls.drop_tables("audit_verifications", "audit_keys", "audit_seals", "audit_pending", "audit_logs")
