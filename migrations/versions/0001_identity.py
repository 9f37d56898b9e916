"""Signed context, people, local accounts, sessions, signing keys, idempotency keys."""

from migrations import rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STAMPS = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"

UTIL = (
    "CREATE SCHEMA util",
    f"GRANT USAGE ON SCHEMA util TO {rls.APP_ROLE}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    f"GRANT USAGE ON SCHEMA public TO {rls.APP_ROLE}",
    # The pads of HMAC (RFC 2104) are kept ready, so that a check costs two hashes.
    """CREATE TABLE util.context_keys (
      id text CONSTRAINT pk_context_keys PRIMARY KEY,
      inner_pad bytea NOT NULL CONSTRAINT ck_context_keys_inner CHECK (length(inner_pad) = 64),
      outer_pad bytea NOT NULL CONSTRAINT ck_context_keys_outer CHECK (length(outer_pad) = 64),
      created_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE FUNCTION util.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
    BEGIN
      NEW.created_at := OLD.created_at;
      NEW.updated_at := pg_catalog.now();
      RETURN NEW;
    END $$""",
    "REVOKE ALL ON FUNCTION util.touch() FROM PUBLIC",
)

TABLES = (
    f"""CREATE TABLE users (
      id uuid CONSTRAINT pk_users PRIMARY KEY,
      issuer text NOT NULL,
      subject text NOT NULL,
      email text,
      full_name text NOT NULL,
      {STAMPS},
      CONSTRAINT uq_users_issuer_subject UNIQUE (issuer, subject))""",
    f"""CREATE TABLE user_credentials (
      user_id uuid CONSTRAINT pk_user_credentials PRIMARY KEY
        CONSTRAINT fk_user_credentials_user_id_users REFERENCES users ON DELETE CASCADE,
      email text NOT NULL CONSTRAINT uq_user_credentials_email UNIQUE
        CONSTRAINT ck_user_credentials_email_folded CHECK (email = lower(email)),
      password_hash text NOT NULL,
      {STAMPS})""",
    f"""CREATE TABLE sessions (
      id uuid CONSTRAINT pk_sessions PRIMARY KEY,
      user_id uuid NOT NULL CONSTRAINT fk_sessions_user_id_users REFERENCES users ON DELETE CASCADE,
      token_hash bytea NOT NULL CONSTRAINT uq_sessions_token_hash UNIQUE,
      expires_at timestamptz NOT NULL,
      ended_at timestamptz,
      {STAMPS})""",
    "CREATE INDEX ix_sessions_user_id ON sessions (user_id)",
    """CREATE TABLE signing_keys (
      id text CONSTRAINT pk_signing_keys PRIMARY KEY,
      sealed_private bytea NOT NULL,
      public_jwk jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      retired_at timestamptz)""",
    f"""CREATE TABLE idempotency_keys (
      user_id uuid NOT NULL CONSTRAINT fk_idempotency_keys_user_id_users REFERENCES users ON DELETE CASCADE,
      key text NOT NULL,
      fingerprint bytea NOT NULL,
      status integer,
      headers jsonb NOT NULL DEFAULT '{{}}',
      body bytea,
      locked_until timestamptz,
      expires_at timestamptz NOT NULL,
      {STAMPS},
      CONSTRAINT pk_idempotency_keys PRIMARY KEY (user_id, key))""",
    "CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)",
)

LOOKUPS = {
    "util.find_credentials(text)": f"""
      CREATE FUNCTION util.find_credentials(address text) RETURNS TABLE (user_id uuid, password_hash text)
      LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT c.user_id, c.password_hash FROM public.user_credentials c WHERE c.email = address $$""",
    "util.find_session(bytea)": f"""
      CREATE FUNCTION util.find_session(hash bytea) RETURNS TABLE (id uuid, user_id uuid, expires_at timestamptz)
      LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT s.id, s.user_id, s.expires_at FROM public.sessions s
         WHERE s.token_hash = hash AND s.ended_at IS NULL AND s.expires_at > pg_catalog.now() $$""",
    "util.find_user(text, text)": f"""
      CREATE FUNCTION util.find_user(token_issuer text, token_subject text) RETURNS uuid
      LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT u.id FROM public.users u WHERE u.issuer = token_issuer AND u.subject = token_subject $$""",
    "util.schema_version()": f"""
      CREATE FUNCTION util.schema_version() RETURNS text LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT v.version_num FROM public.alembic_version v $$""",
    "util.purge_expired()": f"""
      CREATE FUNCTION util.purge_expired() RETURNS bigint LANGUAGE sql {rls.DEFINER} AS
      $$ WITH keys AS (DELETE FROM public.idempotency_keys WHERE expires_at < pg_catalog.now() RETURNING 1),
         ended AS (DELETE FROM public.sessions WHERE expires_at < pg_catalog.now() RETURNING 1)
         SELECT (SELECT pg_catalog.count(*) FROM keys) + (SELECT pg_catalog.count(*) FROM ended) $$""",
}


def upgrade() -> None:
    rls.execute(*UTIL)
    rls.create_context_functions()
    rls.execute(*TABLES)
    rls.user_table("users", column="id")
    for table in ("user_credentials", "sessions", "idempotency_keys"):
        rls.user_table(table)
    rls.execute(f"GRANT SELECT ON signing_keys TO {rls.APP_ROLE}")
    for signature, function in LOOKUPS.items():
        rls.execute(function)
        rls.allow_function(signature)


def downgrade() -> None:
    rls.drop_tables("idempotency_keys", "signing_keys", "sessions", "user_credentials", "users")
    rls.execute("DROP SCHEMA util CASCADE")
