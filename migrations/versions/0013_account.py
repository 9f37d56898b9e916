"""A person's own account: addresses that are proven, single-use links, where one is signed in, and its end."""

from typing import Final

from migrations import rls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS: Final = (
    # An address is proven while both are the same: whatever changes the one takes the proof away.
    "ALTER TABLE users ADD COLUMN confirmed_email text",
    # Somebody who has gone, and stays the owner of companies until these are erased.
    "ALTER TABLE users ADD COLUMN closed_at timestamptz",
    "ALTER TABLE sessions ADD COLUMN user_agent text NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN address text NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now()",
)

TABLE: Final = (
    """CREATE TABLE account_links (
      id uuid CONSTRAINT pk_account_links PRIMARY KEY,
      user_id uuid NOT NULL CONSTRAINT fk_account_links_user_id_users REFERENCES users ON DELETE CASCADE,
      purpose text NOT NULL CONSTRAINT ck_account_links_purpose
        CHECK (purpose IN ('reset_password', 'confirm_email', 'change_email')),
      token_hash bytea NOT NULL CONSTRAINT uq_account_links_token_hash UNIQUE
        CONSTRAINT ck_account_links_token_hash CHECK (length(token_hash) = 32),
      email text,
      expires_at timestamptz NOT NULL,
      used_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT uq_account_links_user_id_purpose UNIQUE (user_id, purpose))""",
)

FUNCTIONS: Final = {
    # The live session of a hash. That it was seen is noted at most once a minute, as with API keys.
    "util.use_session(bytea, text)": f"""
      CREATE FUNCTION util.use_session(hash bytea, network text)
      RETURNS TABLE (id uuid, user_id uuid, expires_at timestamptz) LANGUAGE plpgsql {rls.DEFINER} AS $$
      BEGIN
        UPDATE public.sessions s SET last_seen_at = pg_catalog.now(), address = network
        WHERE s.token_hash = hash AND s.ended_at IS NULL AND s.expires_at > pg_catalog.now()
          AND s.last_seen_at < pg_catalog.now() - interval '1 minute';
        RETURN QUERY SELECT s.id, s.user_id, s.expires_at FROM public.sessions s
          WHERE s.token_hash = hash AND s.ended_at IS NULL AND s.expires_at > pg_catalog.now();
      END $$""",
    "util.find_account_link(bytea, text)": f"""
      CREATE FUNCTION util.find_account_link(hash bytea, wanted text)
      RETURNS TABLE (id uuid, user_id uuid, email text) LANGUAGE sql STABLE {rls.DEFINER} AS $$
        SELECT l.id, l.user_id, l.email FROM public.account_links l
        WHERE l.token_hash = hash AND l.purpose = wanted AND l.used_at IS NULL
          AND l.expires_at > pg_catalog.now() $$""",
    # Of the context's person, or of a member of the context's company.
    "util.address_is_proven(uuid)": f"""
      CREATE FUNCTION util.address_is_proven(person uuid) RETURNS boolean LANGUAGE sql STABLE {rls.DEFINER} AS $$
        SELECT EXISTS (SELECT FROM public.users u WHERE u.id = person AND u.confirmed_email = u.email
          AND (u.id = util.current_user() OR EXISTS (SELECT FROM public.tenant_members m
            WHERE m.tenant_id = util.current_tenant() AND m.user_id = u.id))) $$""",
    # What depends on the context's person in each of their companies.
    "util.my_holdings()": f"""
      CREATE FUNCTION util.my_holdings()
      RETURNS TABLE (tenant_id uuid, name text, slug text, members bigint, only_owner boolean, erase_after timestamptz)
      LANGUAGE sql STABLE {rls.DEFINER} AS $$
        SELECT t.id, t.name, t.slug,
          (SELECT pg_catalog.count(*) FROM public.tenant_members c WHERE c.tenant_id = t.id),
          NOT EXISTS (SELECT FROM public.member_roles r
            WHERE r.tenant_id = t.id AND r.role_key = 'owner' AND r.user_id <> m.user_id),
          d.erase_after
        FROM public.tenant_members m JOIN public.tenants t ON t.id = m.tenant_id
          LEFT JOIN public.tenant_deletions d ON d.tenant_id = t.id
        WHERE m.user_id = (SELECT util.current_user()) AND (SELECT util.current_tenant()) IS NULL
        ORDER BY t.id $$""",
    # Ends the account of the context's person: false, and nothing done, while they belong to a company that goes on.
    # Those whose companies wait to be erased stay as their nameless owner: see util.purge_accounts.
    "util.close_account()": f"""
      CREATE FUNCTION util.close_account() RETURNS boolean LANGUAGE plpgsql {rls.DEFINER} AS $$
      DECLARE
        person pg_catalog.uuid := util.current_user();
      BEGIN
        IF person IS NULL OR util.current_tenant() IS NOT NULL THEN
          RAISE insufficient_privilege USING MESSAGE = 'an account is closed by its person alone';
        END IF;
        PERFORM FROM public.users u WHERE u.id = person FOR UPDATE;
        IF EXISTS (SELECT FROM public.tenant_members m WHERE m.user_id = person AND NOT EXISTS (
             SELECT FROM public.tenant_deletions d WHERE d.tenant_id = m.tenant_id)) THEN
          RETURN false;
        END IF;
        UPDATE public.api_keys k SET revoked_at = pg_catalog.now() WHERE k.user_id = person AND k.revoked_at IS NULL;
        DELETE FROM public.user_credentials c WHERE c.user_id = person;
        DELETE FROM public.sessions s WHERE s.user_id = person;
        DELETE FROM public.account_links l WHERE l.user_id = person;
        UPDATE public.users u SET email = NULL, confirmed_email = NULL, full_name = 'Deleted account',
          closed_at = pg_catalog.now() WHERE u.id = person;
        DELETE FROM public.users u WHERE u.id = person
          AND NOT EXISTS (SELECT FROM public.tenant_members m WHERE m.user_id = person);
        RETURN true;
      END $$""",
    "util.purge_accounts()": f"""
      CREATE FUNCTION util.purge_accounts() RETURNS bigint LANGUAGE sql {rls.DEFINER} AS $$
        WITH links AS (DELETE FROM public.account_links l WHERE l.expires_at < pg_catalog.now() RETURNING 1),
          gone AS (DELETE FROM public.users u WHERE u.closed_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM public.tenant_members m WHERE m.user_id = u.id) RETURNING 1)
        SELECT (SELECT pg_catalog.count(*) FROM links) + (SELECT pg_catalog.count(*) FROM gone) $$""",
}


def upgrade() -> None:
    rls.execute(*COLUMNS, *TABLE)
    rls.user_table("account_links")
    for signature, function in FUNCTIONS.items():
        rls.execute(function)
        rls.allow_function(signature)


def downgrade() -> None:
    # Nobody can tell their accounts from others any more, and their companies are erased all the same.
    rls.execute(*(f"DROP FUNCTION {signature}" for signature in reversed(FUNCTIONS)))
    rls.drop_tables("account_links")
    rls.execute(
        "ALTER TABLE sessions DROP COLUMN last_seen_at, DROP COLUMN address, DROP COLUMN user_agent",
        "ALTER TABLE users DROP COLUMN closed_at, DROP COLUMN confirmed_email",
    )
