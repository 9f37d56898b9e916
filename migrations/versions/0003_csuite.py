"""Conversations and messages, their search, and the list of answers whose generator was lost."""

from migrations import rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STAMPS = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"

TABLES = (
    f"""CREATE TABLE conversations (
      tenant_id uuid NOT NULL CONSTRAINT fk_conversations_tenant_id_tenants REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      user_id uuid NOT NULL CONSTRAINT fk_conversations_user_id_users REFERENCES users ON DELETE CASCADE,
      executive text NOT NULL,
      title text NOT NULL,
      last_message_at timestamptz NOT NULL DEFAULT now(),
      {STAMPS},
      CONSTRAINT pk_conversations PRIMARY KEY (tenant_id, id))""",
    "CREATE INDEX ix_conversations_recent ON conversations (tenant_id, user_id, last_message_at DESC, id DESC)",
    f"""CREATE TABLE messages (
      tenant_id uuid NOT NULL CONSTRAINT fk_messages_tenant_id_tenants REFERENCES tenants ON DELETE CASCADE,
      id uuid NOT NULL,
      conversation_id uuid NOT NULL,
      role text NOT NULL CONSTRAINT ck_messages_role CHECK (role IN ('user', 'assistant')),
      status text NOT NULL CONSTRAINT ck_messages_status
        CHECK (status IN ('streaming', 'completed', 'stopped', 'failed')),
      content text NOT NULL,
      reply_to_id uuid,
      provider text,
      model text,
      error_code text,
      error_title text,
      error_detail text,
      last_event_id integer NOT NULL DEFAULT 0,
      lease_token uuid,
      lease_expires_at timestamptz,
      stop_requested_at timestamptz,
      superseded_at timestamptz,
      search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', content)) STORED,
      {STAMPS},
      CONSTRAINT pk_messages PRIMARY KEY (tenant_id, id),
      CONSTRAINT fk_messages_conversation FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES conversations (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT fk_messages_reply_to FOREIGN KEY (tenant_id, reply_to_id)
        REFERENCES messages (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT ck_messages_lease CHECK ((status = 'streaming') = (lease_token IS NOT NULL)))""",
    "CREATE INDEX ix_messages_conversation ON messages (tenant_id, conversation_id, id)",
    "CREATE INDEX ix_messages_reply_to ON messages (tenant_id, reply_to_id)",
    "CREATE INDEX ix_messages_streaming ON messages (lease_expires_at) WHERE status = 'streaming'",
    """CREATE UNIQUE INDEX uq_messages_one_answer ON messages (tenant_id, conversation_id)
      WHERE status = 'streaming'""",
    "CREATE INDEX ix_messages_search ON messages USING gin (tenant_id, search)",
)

# Text search operators are not leakproof, so that under a policy their index would be passed over: the function checks
# tenant and person itself. Every word is matched by its beginning, as people expect while they type. Titles are few and
# read one by one; messages are found by the index, whose first column is the tenant.
SEARCH = f"""
  CREATE FUNCTION util.search_conversations(words text[]) RETURNS SETOF uuid LANGUAGE sql STABLE {rls.DEFINER} AS $$
    WITH query AS (
      SELECT pg_catalog.to_tsquery('simple',
        pg_catalog.string_agg(pg_catalog.quote_literal(word) || ':*', ' & ')) AS q FROM pg_catalog.unnest(words) word)
    SELECT c.id FROM public.conversations c, query
    WHERE c.tenant_id = (SELECT util.current_tenant()) AND c.user_id = (SELECT util.current_user())
      AND pg_catalog.to_tsvector('simple', c.title) OPERATOR(pg_catalog.@@) query.q
    UNION
    SELECT c.id FROM query, public.messages m
      JOIN public.conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
    WHERE m.tenant_id = (SELECT util.current_tenant()) AND c.user_id = (SELECT util.current_user())
      AND m.superseded_at IS NULL AND m.search OPERATOR(pg_catalog.@@) query.q $$"""

# Tells ids alone, so that any process may ask without a context which answers to settle.
ABANDONED = f"""
  CREATE FUNCTION util.abandoned_messages(most integer) RETURNS TABLE (tenant_id uuid, message_id uuid)
  LANGUAGE sql STABLE {rls.DEFINER} AS $$
    SELECT m.tenant_id, m.id FROM public.messages m
    WHERE m.status = 'streaming' AND m.lease_expires_at < pg_catalog.now()
    ORDER BY m.lease_expires_at LIMIT most $$"""


def upgrade() -> None:
    # A trusted extension: whoever may create in the database may have it. It lets an index lead with the tenant.
    rls.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    rls.execute(*TABLES)
    for table in ("conversations", "messages"):
        rls.tenant_table(table)
    rls.execute(SEARCH, ABANDONED)
    rls.allow_function("util.search_conversations(text[])")
    rls.allow_function("util.abandoned_messages(integer)")


def downgrade() -> None:
    rls.execute("DROP FUNCTION util.abandoned_messages(integer)", "DROP FUNCTION util.search_conversations(text[])")
    rls.drop_tables("messages", "conversations")
