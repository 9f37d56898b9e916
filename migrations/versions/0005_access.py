"""Permissions, roles, API keys, deletion of a company; the signed context names the API key that acts."""

from typing import Final

from migrations import rls

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STAMPS = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"
TENANT = "tenant_id uuid NOT NULL CONSTRAINT fk_{0}_tenant_id_tenants REFERENCES tenants ON DELETE CASCADE"

CATALOGUE = (
    f"""CREATE TABLE permissions (
      key text CONSTRAINT pk_permissions PRIMARY KEY,
      title text NOT NULL,
      description text NOT NULL,
      area text NOT NULL,
      roles text[] NOT NULL,
      position integer NOT NULL,
      {STAMPS})""",
    "CREATE TRIGGER permissions_touch BEFORE UPDATE ON permissions FOR EACH ROW EXECUTE FUNCTION util.touch()",
    f"GRANT SELECT ON permissions TO {rls.APP_ROLE}",
    """CREATE TABLE util.built_in_roles (
      key text CONSTRAINT pk_built_in_roles PRIMARY KEY,
      name text NOT NULL,
      description text NOT NULL,
      rank integer NOT NULL)""",
    # The words are those of the code at the time; `ocsuite migrate` brings them in line.
    """INSERT INTO util.built_in_roles VALUES ('owner', 'Owner', '', 1), ('admin', 'Admin', '', 2),
      ('member', 'Member', '', 3), ('support', 'Support', '', 4), ('viewer', 'Viewer', '', 5)""",
)

TABLES = (
    f"""CREATE TABLE roles (
      {TENANT.format("roles")},
      key text NOT NULL,
      name text NOT NULL,
      description text NOT NULL DEFAULT '',
      built_in boolean NOT NULL DEFAULT false,
      rank integer NOT NULL DEFAULT 100,
      {STAMPS},
      CONSTRAINT pk_roles PRIMARY KEY (tenant_id, key))""",
    "CREATE UNIQUE INDEX uq_roles_name ON roles (tenant_id, lower(name))",
    f"""CREATE TABLE role_permissions (
      {TENANT.format("role_permissions")},
      role_key text NOT NULL,
      permission text NOT NULL CONSTRAINT fk_role_permissions_permission_permissions
        REFERENCES permissions ON DELETE CASCADE,
      created_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT pk_role_permissions PRIMARY KEY (tenant_id, role_key, permission),
      CONSTRAINT fk_role_permissions_role FOREIGN KEY (tenant_id, role_key)
        REFERENCES roles (tenant_id, key) ON DELETE CASCADE)""",
    f"""CREATE TABLE member_roles (
      {TENANT.format("member_roles")},
      user_id uuid NOT NULL,
      role_key text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT pk_member_roles PRIMARY KEY (tenant_id, user_id, role_key),
      CONSTRAINT fk_member_roles_member FOREIGN KEY (tenant_id, user_id)
        REFERENCES tenant_members (tenant_id, user_id) ON DELETE CASCADE,
      CONSTRAINT fk_member_roles_role FOREIGN KEY (tenant_id, role_key) REFERENCES roles (tenant_id, key))""",
    "CREATE INDEX ix_member_roles_role ON member_roles (tenant_id, role_key)",
    f"""CREATE TABLE api_keys (
      {TENANT.format("api_keys")},
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      name text NOT NULL,
      prefix text NOT NULL,
      token_hash bytea NOT NULL CONSTRAINT ck_api_keys_token_hash CHECK (length(token_hash) = 32),
      permissions text[] NOT NULL,
      expires_at timestamptz NOT NULL,
      last_used_at timestamptz,
      revoked_at timestamptz,
      {STAMPS},
      CONSTRAINT pk_api_keys PRIMARY KEY (tenant_id, id),
      CONSTRAINT fk_api_keys_member FOREIGN KEY (tenant_id, user_id)
        REFERENCES tenant_members (tenant_id, user_id) ON DELETE CASCADE)""",
    "CREATE INDEX ix_api_keys_member ON api_keys (tenant_id, user_id)",
    "CREATE INDEX ix_api_keys_token_hash ON api_keys (token_hash)",
    f"""CREATE TABLE tenant_deletions (
      {TENANT.format("tenant_deletions")},
      requested_by uuid NOT NULL CONSTRAINT fk_tenant_deletions_requested_by_users REFERENCES users ON DELETE CASCADE,
      requested_at timestamptz NOT NULL DEFAULT now(),
      erase_after timestamptz NOT NULL,
      CONSTRAINT pk_tenant_deletions PRIMARY KEY (tenant_id))""",
    "CREATE INDEX ix_tenant_deletions_erase_after ON tenant_deletions (erase_after)",
)

# What the context's member may do in `tenant`, in order: NULL for whoever is not a member of the context's tenant, and
# for a key that is not good any more. A key allows what it names of what its maker may do at this very moment.
GRANTED = f"""
  CREATE FUNCTION util.granted_permissions(tenant uuid) RETURNS text[] LANGUAGE plpgsql STABLE {rls.DEFINER} AS $$
  DECLARE
    person pg_catalog.uuid := util.current_user();
    key pg_catalog.uuid := util.current_api_key();
    scope pg_catalog.text[];
  BEGIN
    IF tenant = util.current_tenant() AND person IS NOT NULL AND EXISTS (
         SELECT FROM public.tenant_members m WHERE m.tenant_id = tenant AND m.user_id = person) THEN
      IF key IS NOT NULL THEN
        SELECT k.permissions INTO scope FROM public.api_keys k
        WHERE k.tenant_id = tenant AND k.id = key AND k.user_id = person
          AND k.revoked_at IS NULL AND k.expires_at > pg_catalog.now();
        IF scope IS NULL THEN
          RETURN NULL;
        END IF;
      END IF;
      RETURN ARRAY(
        SELECT DISTINCT p.permission FROM public.member_roles r
          JOIN public.role_permissions p ON p.tenant_id = r.tenant_id AND p.role_key = r.role_key
        WHERE r.tenant_id = tenant AND r.user_id = person AND (scope IS NULL OR p.permission = ANY (scope))
        ORDER BY p.permission);
    END IF;
    RETURN NULL;
  END $$"""

FUNCTIONS: Final = {
    "util.current_api_key()": rls.context_function("api_key", 2),
    "util.is_system()": f"""
      CREATE FUNCTION util.is_system() RETURNS boolean LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT util.current_tenant() IS NOT NULL AND util.current_user() IS NULL $$""",
    "util.granted_permissions(uuid)": GRANTED,
    "util.user_has_permission(uuid, text)": f"""
      CREATE FUNCTION util.user_has_permission(tenant uuid, permission text) RETURNS boolean
      LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT COALESCE(permission = ANY (util.granted_permissions(tenant)), false) $$""",
    # Whoever gives or takes a role, or manages somebody, must hold everything that comes with it.
    "util.may_grant_role(uuid, text)": f"""
      CREATE FUNCTION util.may_grant_role(tenant uuid, role text) RETURNS boolean LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT util.granted_permissions(tenant) IS NOT NULL AND NOT EXISTS (
           SELECT FROM public.role_permissions p WHERE p.tenant_id = tenant AND p.role_key = role
             AND p.permission <> ALL (util.granted_permissions(tenant))) $$""",
    "util.may_manage_member(uuid, uuid)": f"""
      CREATE FUNCTION util.may_manage_member(tenant uuid, person uuid) RETURNS boolean
      LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT util.granted_permissions(tenant) IS NOT NULL AND NOT EXISTS (
           SELECT FROM public.member_roles r
             JOIN public.role_permissions p ON p.tenant_id = r.tenant_id AND p.role_key = r.role_key
           WHERE r.tenant_id = tenant AND r.user_id = person
             AND p.permission <> ALL (util.granted_permissions(tenant))) $$""",
    # What the gate asks for every request, in one trip that brings the context along: permissions, an empty text, and
    # roles, the highest first.
    "util.admission(text)": f"""
      CREATE FUNCTION util.admission(context text) RETURNS text[] LANGUAGE plpgsql {rls.DEFINER} AS $$
      DECLARE
        tenant pg_catalog.uuid;
        person pg_catalog.uuid;
        granted pg_catalog.text[];
      BEGIN
        PERFORM pg_catalog.set_config('ocsuite.context', context, true);
        tenant := util.current_tenant();
        person := util.current_user();
        granted := util.granted_permissions(tenant);
        IF granted IS NULL THEN
          RETURN NULL;
        END IF;
        RETURN granted || ARRAY[''] || ARRAY(
          SELECT r.role_key FROM public.member_roles r
            JOIN public.roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
          WHERE r.tenant_id = tenant AND r.user_id = person ORDER BY o.rank, o.key);
      END $$""",
    "util.my_memberships()": f"""
      CREATE FUNCTION util.my_memberships()
      RETURNS TABLE (tenant_id uuid, name text, slug text, roles text[], permissions text[], created_at timestamptz,
        updated_at timestamptz, erase_after timestamptz)
      LANGUAGE sql STABLE {rls.DEFINER} AS $$
        SELECT t.id, t.name, t.slug,
          ARRAY(SELECT r.role_key FROM public.member_roles r
              JOIN public.roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
            WHERE r.tenant_id = t.id AND r.user_id = m.user_id ORDER BY o.rank, o.key),
          CASE WHEN util.current_api_key() IS NOT NULL THEN util.granted_permissions(t.id) ELSE ARRAY(
            SELECT DISTINCT p.permission FROM public.member_roles r
              JOIN public.role_permissions p ON p.tenant_id = r.tenant_id AND p.role_key = r.role_key
            WHERE r.tenant_id = t.id AND r.user_id = m.user_id ORDER BY p.permission) END,
          t.created_at, t.updated_at, d.erase_after
        FROM public.tenant_members m JOIN public.tenants t ON t.id = m.tenant_id
          LEFT JOIN public.tenant_deletions d ON d.tenant_id = t.id
        WHERE m.user_id = (SELECT util.current_user())
          AND ((SELECT util.current_api_key()) IS NULL OR t.id = (SELECT util.current_tenant())) $$""",
    # Names and addresses of the people of the context's tenant, which the wall around users hides from one another.
    "util.tenant_people()": f"""
      CREATE FUNCTION util.tenant_people() RETURNS TABLE (user_id uuid, email text, full_name text)
      LANGUAGE sql STABLE {rls.DEFINER} AS $$
        SELECT u.id, u.email, u.full_name FROM public.tenant_members m JOIN public.users u ON u.id = m.user_id
        WHERE m.tenant_id = (SELECT util.current_tenant()) $$""",
    # Roles of a new tenant, and its founder as their first holder: as long as nobody is a member, nobody could grant.
    "util.establish_tenant()": f"""
      CREATE FUNCTION util.establish_tenant() RETURNS void LANGUAGE plpgsql {rls.DEFINER} AS $$
      DECLARE
        tenant pg_catalog.uuid := util.current_tenant();
      BEGIN
        PERFORM FROM public.tenants t WHERE t.id = tenant FOR NO KEY UPDATE;
        IF NOT FOUND OR util.current_user() IS NULL
           OR EXISTS (SELECT FROM public.tenant_members m WHERE m.tenant_id = tenant) THEN
          RAISE insufficient_privilege USING MESSAGE = 'only a person without a company around them founds one';
        END IF;
        PERFORM util.seed_roles(tenant);
        INSERT INTO public.tenant_members (tenant_id, user_id) VALUES (tenant, util.current_user());
        INSERT INTO public.member_roles (tenant_id, user_id, role_key) VALUES (tenant, util.current_user(), 'owner');
      END $$""",
    # The live key of a hash. Its use is noted at most once a minute, so that a busy key does not always write.
    "util.use_api_key(bytea)": f"""
      CREATE FUNCTION util.use_api_key(hash bytea)
      RETURNS TABLE (id uuid, tenant_id uuid, user_id uuid, expires_at timestamptz)
      LANGUAGE plpgsql {rls.DEFINER} AS $$
      BEGIN
        UPDATE public.api_keys k SET last_used_at = pg_catalog.now()
        WHERE k.token_hash = hash AND k.revoked_at IS NULL AND k.expires_at > pg_catalog.now()
          AND (k.last_used_at IS NULL OR k.last_used_at < pg_catalog.now() - interval '1 minute');
        RETURN QUERY SELECT k.id, k.tenant_id, k.user_id, k.expires_at FROM public.api_keys k
          WHERE k.token_hash = hash AND k.revoked_at IS NULL AND k.expires_at > pg_catalog.now();
      END $$""",
}

# Brings the built-in roles of one tenant (of all for NULL) in line with the catalogue. For the owner role alone.
SEED = f"""
  CREATE FUNCTION util.seed_roles(which uuid) RETURNS void LANGUAGE sql {rls.DEFINER} AS $$
    INSERT INTO public.roles AS r (tenant_id, key, name, description, built_in, rank)
      SELECT t.id, b.key, b.name, b.description, true, b.rank FROM public.tenants t, util.built_in_roles b
      WHERE which IS NULL OR t.id = which
      ON CONFLICT (tenant_id, key) DO UPDATE
        SET name = excluded.name, description = excluded.description, rank = excluded.rank, built_in = true
        WHERE (r.name, r.description, r.rank, r.built_in)
          IS DISTINCT FROM (excluded.name, excluded.description, excluded.rank, true);
    DELETE FROM public.role_permissions g USING public.roles r, public.permissions p
      WHERE r.tenant_id = g.tenant_id AND r.key = g.role_key AND r.built_in AND p.key = g.permission
        AND g.role_key <> ALL (p.roles) AND (which IS NULL OR g.tenant_id = which);
    INSERT INTO public.role_permissions (tenant_id, role_key, permission)
      SELECT t.id, b.key, p.key FROM public.tenants t, util.built_in_roles b JOIN public.permissions p
        ON b.key = ANY (p.roles)
      WHERE which IS NULL OR t.id = which
      ON CONFLICT DO NOTHING $$"""

# The row of the tenant is the lock: of two owners who go at once the second sees that the first has gone. Its weaker
# mode lets everybody else go on writing rows that point at the tenant. A tenant that is being erased has none.
LAST_OWNER = (
    f"""CREATE FUNCTION util.keep_an_owner() RETURNS trigger LANGUAGE plpgsql {rls.DEFINER} AS $$
    BEGIN
      PERFORM FROM public.tenants t WHERE t.id = OLD.tenant_id FOR NO KEY UPDATE;
      IF FOUND AND NOT EXISTS (SELECT FROM public.member_roles r
           WHERE r.tenant_id = OLD.tenant_id AND r.role_key = 'owner') THEN
        RAISE EXCEPTION 'a company keeps at least one owner' USING ERRCODE = 'OC001';
      END IF;
      RETURN NULL;
    END $$""",
    "REVOKE ALL ON FUNCTION util.keep_an_owner() FROM PUBLIC",
    """CREATE TRIGGER member_roles_keep_an_owner AFTER DELETE OR UPDATE ON member_roles
      FOR EACH ROW WHEN (OLD.role_key = 'owner') EXECUTE FUNCTION util.keep_an_owner()""",
)

OLD_MEMBERSHIPS = f"""
  CREATE FUNCTION util.my_memberships()
  RETURNS TABLE (tenant_id uuid, name text, slug text, role text, created_at timestamptz, updated_at timestamptz)
  LANGUAGE sql STABLE {rls.DEFINER} AS $$
    SELECT t.id, t.name, t.slug, m.role, t.created_at, t.updated_at
    FROM public.tenant_members m JOIN public.tenants t ON t.id = m.tenant_id
    WHERE m.user_id = (SELECT util.current_user()) $$"""


def upgrade() -> None:
    rls.create_context_functions(version=2)
    rls.execute(*CATALOGUE, *TABLES)
    _walls()
    rls.execute("DROP FUNCTION util.my_memberships()", SEED, "REVOKE ALL ON FUNCTION util.seed_roles(uuid) FROM PUBLIC")
    for signature, function in FUNCTIONS.items():
        rls.execute(function)
        rls.allow_function(signature)
    rls.execute(
        "SELECT util.seed_roles(NULL)",
        """INSERT INTO member_roles (tenant_id, user_id, role_key, created_at)
          SELECT tenant_id, user_id, role, created_at FROM tenant_members""",
        "ALTER TABLE tenant_members DROP COLUMN role",
        *LAST_OWNER,
    )
    _restrictions()


def _walls() -> None:
    rls.tenant_table("roles")
    rls.tenant_table("role_permissions", privileges="SELECT, INSERT, DELETE", touched=False)
    rls.tenant_table("member_roles", privileges="SELECT, INSERT, DELETE", touched=False)
    rls.tenant_table("api_keys", privileges="SELECT, INSERT")
    rls.execute(f"GRANT UPDATE (revoked_at) ON api_keys TO {rls.APP_ROLE}")
    rls.tenant_table("tenant_deletions", privileges="SELECT, INSERT, DELETE", touched=False)


def _restrictions() -> None:
    """Who may write the sensitive tables, held by the database whatever the application does."""
    built_in = "EXISTS (SELECT FROM roles r WHERE r.tenant_id = {0}.tenant_id AND r.key = {0}.role_key AND r.built_in)"
    manage = rls.permitted("roles.manage")
    own_role = f"{manage} AND NOT built_in"
    rls.restrict("roles", "INSERT", own_role)
    rls.restrict("roles", "UPDATE", own_role)
    rls.restrict("roles", "DELETE", own_role)
    held = f"permission = ANY ((SELECT {rls.GRANTED})::text[]) AND NOT {built_in.format('role_permissions')}"
    for command in ("INSERT", "DELETE"):
        rls.restrict("role_permissions", command, f"{manage} AND {held}")
        rls.restrict(
            "member_roles", command, f"{rls.permitted('members.update')} AND util.may_grant_role(tenant_id, role_key)"
        )
        rls.restrict("tenant_deletions", command, rls.permitted("company.delete"))
    rls.execute(f"REVOKE INSERT, UPDATE ON tenant_members FROM {rls.APP_ROLE}")
    rls.restrict(
        "tenant_members",
        "DELETE",
        f"user_id = (SELECT util.current_user()) AND (SELECT util.current_api_key()) IS NULL"
        f" OR {rls.permitted('members.remove')} AND util.may_manage_member(tenant_id, user_id)",
    )
    rls.restrict(
        "api_keys",
        "INSERT",
        f"{rls.permitted('api_keys.manage')} AND user_id = (SELECT util.current_user())"
        f" AND permissions <@ (SELECT {rls.GRANTED})",
    )
    rls.restrict("api_keys", "UPDATE", rls.permitted("api_keys.manage"), check="revoked_at IS NOT NULL")
    # What a company may use is not the company's to change, whatever the application is made to say.
    rls.execute(
        f"REVOKE UPDATE, DELETE ON tenants FROM {rls.APP_ROLE}",
        f"GRANT UPDATE (name, slug) ON tenants TO {rls.APP_ROLE}",
        f"REVOKE UPDATE, DELETE ON tenant_keys FROM {rls.APP_ROLE}",
    )
    # A company is founded by a person, and in person.
    founder = "(SELECT util.current_user()) IS NOT NULL AND (SELECT util.current_api_key()) IS NULL"
    rls.restrict("tenants", "INSERT", founder)
    rls.restrict("tenants", "UPDATE", rls.permitted("company.update"))
    for table in ("tenant_profiles", "tenant_onboarding"):
        for command in ("INSERT", "UPDATE", "DELETE"):
            rls.restrict(table, command, rls.permitted("company.update"))


def downgrade() -> None:
    for table in ("tenant_profiles", "tenant_onboarding"):
        rls.drop_restrictions(table, "INSERT", "UPDATE", "DELETE")
    rls.drop_restrictions("tenants", "INSERT", "UPDATE")
    rls.drop_restrictions("tenant_members", "DELETE")
    rls.execute(
        f"REVOKE UPDATE (name, slug) ON tenants FROM {rls.APP_ROLE}",
        f"GRANT UPDATE, DELETE ON tenants TO {rls.APP_ROLE}",
        f"GRANT UPDATE, DELETE ON tenant_keys TO {rls.APP_ROLE}",
        f"GRANT INSERT, UPDATE ON tenant_members TO {rls.APP_ROLE}",
        "ALTER TABLE tenant_members ADD COLUMN role text",
        """UPDATE tenant_members m SET role = COALESCE((
          SELECT r.role_key FROM member_roles r JOIN util.built_in_roles b ON b.key = r.role_key
          WHERE r.tenant_id = m.tenant_id AND r.user_id = m.user_id ORDER BY b.rank LIMIT 1), 'viewer')""",
        "ALTER TABLE tenant_members ALTER COLUMN role SET NOT NULL",
        """ALTER TABLE tenant_members ADD CONSTRAINT ck_tenant_members_role
          CHECK (role IN ('owner', 'admin', 'member', 'support', 'viewer'))""",
    )
    rls.drop_tables(
        "tenant_deletions",
        "api_keys",
        "member_roles",
        "role_permissions",
        "roles",
        "permissions",
        "util.built_in_roles",
    )
    rls.execute(
        *(f"DROP FUNCTION {signature}" for signature in reversed(FUNCTIONS)),
        "DROP FUNCTION util.seed_roles(uuid)",
        "DROP FUNCTION util.keep_an_owner()",
        OLD_MEMBERSHIPS,
    )
    rls.allow_function("util.my_memberships()")
    rls.create_context_functions(version=1)
