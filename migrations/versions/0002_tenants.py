"""Tenants with members, profile, onboarding, keys, limits and use."""

from migrations import rls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STAMPS = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"
TENANT = "tenant_id uuid NOT NULL CONSTRAINT fk_{0}_tenant_id_tenants REFERENCES tenants ON DELETE CASCADE"

TABLES = (
    f"""CREATE TABLE tenants (
      id uuid CONSTRAINT pk_tenants PRIMARY KEY,
      name text NOT NULL,
      slug text NOT NULL CONSTRAINT uq_tenants_slug UNIQUE,
      messages_per_day integer NOT NULL CONSTRAINT ck_tenants_messages CHECK (messages_per_day >= 0),
      tasks_per_day integer NOT NULL CONSTRAINT ck_tenants_tasks CHECK (tasks_per_day >= 0),
      members_max integer NOT NULL CONSTRAINT ck_tenants_members CHECK (members_max >= 1),
      {STAMPS})""",
    f"""CREATE TABLE tenant_members (
      {TENANT.format("tenant_members")},
      user_id uuid NOT NULL CONSTRAINT fk_tenant_members_user_id_users REFERENCES users ON DELETE CASCADE,
      role text NOT NULL CONSTRAINT ck_tenant_members_role
        CHECK (role IN ('owner', 'admin', 'member', 'support', 'viewer')),
      {STAMPS},
      CONSTRAINT pk_tenant_members PRIMARY KEY (tenant_id, user_id))""",
    "CREATE INDEX ix_tenant_members_user_id ON tenant_members (user_id)",
    f"""CREATE TABLE tenant_profiles (
      {TENANT.format("tenant_profiles")},
      industry text NOT NULL, size text, stage text, country text,
      currency text NOT NULL, time_zone text NOT NULL,
      goals text[] NOT NULL, description text NOT NULL,
      {STAMPS},
      CONSTRAINT pk_tenant_profiles PRIMARY KEY (tenant_id))""",
    f"""CREATE TABLE tenant_onboarding (
      {TENANT.format("tenant_onboarding")},
      step text NOT NULL CONSTRAINT ck_tenant_onboarding_step
        CHECK (step IN ('company', 'profile', 'integration', 'done')),
      skipped text[] NOT NULL DEFAULT '{{}}',
      completed_at timestamptz,
      {STAMPS},
      CONSTRAINT pk_tenant_onboarding PRIMARY KEY (tenant_id))""",
    f"""CREATE TABLE tenant_keys (
      {TENANT.format("tenant_keys")},
      wrapped bytea NOT NULL,
      {STAMPS},
      CONSTRAINT pk_tenant_keys PRIMARY KEY (tenant_id))""",
    f"""CREATE TABLE usage_snapshots (
      {TENANT.format("usage_snapshots")},
      metric text NOT NULL CONSTRAINT ck_usage_snapshots_metric CHECK (metric IN ('messages_per_day', 'tasks_per_day')),
      day date NOT NULL,
      used integer NOT NULL CONSTRAINT ck_usage_snapshots_used CHECK (used >= 0),
      {STAMPS},
      CONSTRAINT pk_usage_snapshots PRIMARY KEY (tenant_id, metric, day))""",
)

MEMBERSHIPS = f"""
  CREATE FUNCTION util.my_memberships()
  RETURNS TABLE (tenant_id uuid, name text, slug text, role text, created_at timestamptz, updated_at timestamptz)
  LANGUAGE sql STABLE {rls.DEFINER} AS $$
    SELECT t.id, t.name, t.slug, m.role, t.created_at, t.updated_at
    FROM public.tenant_members m JOIN public.tenants t ON t.id = m.tenant_id
    WHERE m.user_id = (SELECT util.current_user()) $$"""


def upgrade() -> None:
    rls.execute(*TABLES)
    rls.tenant_table("tenants", column="id")
    for table in ("tenant_members", "tenant_profiles", "tenant_onboarding", "tenant_keys", "usage_snapshots"):
        rls.tenant_table(table)
    rls.execute(MEMBERSHIPS)
    rls.allow_function("util.my_memberships()")


def downgrade() -> None:
    rls.execute("DROP FUNCTION util.my_memberships()")
    rls.drop_tables(
        "usage_snapshots", "tenant_keys", "tenant_onboarding", "tenant_profiles", "tenant_members", "tenants"
    )
