"""Connectors, the task ledger and the embeddings of a tenant's texts and of its company profile."""

from migrations import rls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STAMPS = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"
TENANT = "tenant_id uuid NOT NULL CONSTRAINT fk_{0}_tenant_id_tenants REFERENCES tenants ON DELETE CASCADE"

EMBEDDINGS = """CREATE TABLE {0} (
      {tenant},
      id uuid NOT NULL,
      source text NOT NULL,
      source_id uuid NOT NULL,
      position integer NOT NULL CONSTRAINT ck_{0}_position CHECK (position >= 0),
      content text NOT NULL,
      model text NOT NULL,
      embedding vector(1536) NOT NULL,
      {stamps},
      CONSTRAINT pk_{0} PRIMARY KEY (tenant_id, id),
      CONSTRAINT uq_{0}_source UNIQUE (tenant_id, source, source_id, position, model))"""

TABLES = (
    f"""CREATE TABLE connectors (
      {TENANT.format("connectors")},
      id uuid NOT NULL,
      provider text NOT NULL,
      status text NOT NULL CONSTRAINT ck_connectors_status
        CHECK (status IN ('disconnected', 'connecting', 'connected', 'failed')),
      {STAMPS},
      CONSTRAINT pk_connectors PRIMARY KEY (tenant_id, id),
      CONSTRAINT uq_connectors_provider UNIQUE (tenant_id, provider))""",
    f"""CREATE TABLE tasks (
      {TENANT.format("tasks")},
      id uuid NOT NULL,
      requested_by uuid CONSTRAINT fk_tasks_requested_by_users REFERENCES users ON DELETE SET NULL,
      capability text NOT NULL,
      capability_version text NOT NULL,
      status text NOT NULL CONSTRAINT ck_tasks_status
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
      arguments jsonb NOT NULL DEFAULT '{{}}',
      result jsonb,
      {STAMPS},
      CONSTRAINT pk_tasks PRIMARY KEY (tenant_id, id))""",
    "CREATE INDEX ix_tasks_requested_by ON tasks (requested_by)",
    *(
        EMBEDDINGS.format(table, tenant=TENANT.format(table), stamps=STAMPS)
        for table in ("tenant_embeddings", "company_embeddings")
    ),
    *(
        f"CREATE INDEX ix_{table}_nearest ON {table} USING hnsw (embedding vector_cosine_ops)"
        for table in ("tenant_embeddings", "company_embeddings")
    ),
)


def upgrade() -> None:
    rls.execute(
        """DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'vector') THEN
            CREATE EXTENSION vector;
          END IF;
        END $$"""
    )
    rls.execute(*TABLES)
    for table in ("connectors", "tasks", "tenant_embeddings", "company_embeddings"):
        rls.tenant_table(table)


def downgrade() -> None:
    # The extension stays: its maker is usually another role, and other schemas may use it.
    rls.drop_tables("company_embeddings", "tenant_embeddings", "tasks", "connectors")
