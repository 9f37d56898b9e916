"""Faults for the catalog walk to find, each planted beside or in a table that has everything."""

from migrations import rls

WALL = "tenant_id = (SELECT util.current_tenant())"
NAMED = "CREATE POLICY planted_walls ON planted"
DEFINER = "CREATE FUNCTION util.planted() RETURNS int LANGUAGE sql SECURITY DEFINER"
CLOSED = "REVOKE ALL ON FUNCTION util.planted() FROM PUBLIC"

# what to do to a table that has everything (or to its surroundings), then which subject the walk names, and for what
PLANTED: dict[str, tuple[str, str, str]] = {
    "no tenant": ("CREATE TABLE stray (id uuid PRIMARY KEY)", "stray", "neither a tenant's"),
    "no tenant, partitioned": ("CREATE TABLE stray (id int) PARTITION BY LIST (id)", "stray", "neither a tenant's"),
    "foreign table": (
        (
            "CREATE FOREIGN DATA WRAPPER w; "
            "CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE stray (a int) SERVER s"
        ),
        "stray",
        "neither a tenant's",
    ),
    "bare tenant table": ("CREATE TABLE bare (tenant_id uuid, id uuid)", "bare", "not enabled"),
    "nullable tenant": (
        (
            "ALTER TABLE planted DROP CONSTRAINT planted_tenant_id_other_id_fkey, DROP CONSTRAINT planted_pkey; "
            "ALTER TABLE planted ALTER tenant_id DROP NOT NULL"
        ),
        "planted",
        "tenant_id is not a uuid that is always there",
    ),
    "tenant as text": ("CREATE TABLE worded (tenant_id text PRIMARY KEY)", "worded", "tenant_id is not a uuid"),
    "no primary key": (
        "ALTER TABLE planted DROP CONSTRAINT planted_tenant_id_other_id_fkey, DROP CONSTRAINT planted_pkey",
        "planted",
        "primary key does not begin with tenant_id",
    ),
    "tenant second in the key": (
        (
            "ALTER TABLE planted DROP CONSTRAINT planted_tenant_id_other_id_fkey, DROP CONSTRAINT planted_pkey, "
            "ADD PRIMARY KEY (id, tenant_id)"
        ),
        "planted",
        "primary key does not begin with tenant_id",
    ),
    "simple foreign key": (
        "ALTER TABLE planted ADD UNIQUE (id), ADD CONSTRAINT loose FOREIGN KEY (other_id) REFERENCES planted (id)",
        "planted",
        "foreign key loose",
    ),
    "foreign key with another tenant": (
        (
            "ALTER TABLE planted ADD CONSTRAINT crossed FOREIGN KEY (other_id, tenant_id) "
            "REFERENCES planted (tenant_id, id)"
        ),
        "planted",
        "foreign key crossed",
    ),
    "tenant by another column": (
        "ALTER TABLE planted ADD CONSTRAINT loose FOREIGN KEY (other_id) REFERENCES tenants",
        "planted",
        "foreign key loose",
    ),
    "foreign key from outside": (
        "ALTER TABLE users ADD favourite uuid CONSTRAINT loose REFERENCES tenants",
        "users",
        "foreign key loose",
    ),
    "unique across tenants": (
        "ALTER TABLE planted ADD CONSTRAINT wide UNIQUE (user_id)",
        "planted",
        "unique index wide",
    ),
    "unique expression": ("CREATE UNIQUE INDEX wide ON planted ((id::text))", "planted", "unique index wide"),
    "unique and partial": ("CREATE UNIQUE INDEX wide ON planted (id) WHERE id IS NULL", "planted", "unique index wide"),
    "exclusion": (
        "ALTER TABLE planted ADD CONSTRAINT wide EXCLUDE (user_id WITH =)",
        "planted",
        "unique index wide",
    ),
    "not enabled": ("ALTER TABLE planted DISABLE ROW LEVEL SECURITY", "planted", "not enabled"),
    "not forced": ("ALTER TABLE planted NO FORCE ROW LEVEL SECURITY", "planted", "not forced"),
    "person table not forced": ("ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY", "sessions", "not forced"),
    "no policy": ("DROP POLICY planted_walls ON planted", "planted", "has 0 policies"),
    "second policy": ("CREATE POLICY more ON planted USING (true)", "planted", "has 2 policies"),
    "restrictive": (
        f"DROP POLICY planted_walls ON planted; {NAMED} AS RESTRICTIVE USING ({WALL}) WITH CHECK ({WALL})",
        "planted",
        "has 0 policies",
    ),
    "for one command": (
        f"DROP POLICY planted_walls ON planted; {NAMED} FOR SELECT USING ({WALL})",
        "planted",
        "policy planted_walls",
    ),
    "for one role": (f"ALTER POLICY planted_walls ON planted TO {rls.APP_ROLE}", "planted", "policy planted_walls"),
    "open to all": ("ALTER POLICY planted_walls ON planted USING (true)", "planted", "policy planted_walls"),
    "open to writes": ("ALTER POLICY planted_walls ON planted WITH CHECK (true)", "planted", "policy planted_walls"),
    "no check": (
        f"DROP POLICY planted_walls ON planted; {NAMED} USING ({WALL})",
        "planted",
        "policy planted_walls",
    ),
    "or else": (
        f"ALTER POLICY planted_walls ON planted USING ({WALL} OR other_id IS NULL)",
        "planted",
        "policy planted_walls",
    ),
    "once per row": (
        "ALTER POLICY planted_walls ON planted USING (tenant_id = util.current_tenant())",
        "planted",
        "policy planted_walls",
    ),
    "another column": (
        "ALTER POLICY planted_walls ON planted USING (other_id = (SELECT util.current_tenant()))",
        "planted",
        "policy planted_walls",
    ),
    "an unsigned setting": (
        "ALTER POLICY planted_walls ON planted USING (tenant_id = (SELECT current_setting('app.tenant')::uuid))",
        "planted",
        "policy planted_walls",
    ),
    "a look-alike function": (
        (
            "CREATE FUNCTION public.current_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'; "
            "ALTER POLICY planted_walls ON planted USING (tenant_id = (SELECT public.current_tenant()))"
        ),
        "planted",
        "policy planted_walls",
    ),
    "a look-alike operator": (
        (
            "CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne); "
            "ALTER POLICY planted_walls ON planted USING (tenant_id OPERATOR(public.=) (SELECT util.current_tenant()))"
        ),
        "planted",
        "policy planted_walls",
    ),
    "the person for the tenant": (
        "ALTER POLICY sessions_walls ON sessions USING (user_id = (SELECT util.current_tenant()))",
        "sessions",
        "policy sessions_walls",
    ),
    "guarded and open": (f"GRANT UPDATE ON audit_logs TO {rls.APP_ROLE}", "audit_logs", "UPDATE without asking"),
    "guarded and open in a column": (
        f"GRANT UPDATE (role_key) ON member_roles TO {rls.APP_ROLE}",
        "member_roles",
        "UPDATE without asking",
    ),
    "guarded and open to inserts": (f"GRANT INSERT ON audit_logs TO {rls.APP_ROLE}", "audit_logs", "INSERT without"),
    "guarded and open to deletes": (f"GRANT DELETE ON tenants TO {rls.APP_ROLE}", "tenants", "DELETE without asking"),
    "no restriction": ("DROP POLICY roles_insert ON roles", "roles", "INSERT without asking"),
    "a restriction that asks nothing": ("ALTER POLICY roles_delete ON roles USING (true)", "roles", "DELETE without"),
    "a restriction of another command": (
        (
            "DROP POLICY roles_delete ON roles; "
            "CREATE POLICY roles_delete ON roles AS RESTRICTIVE FOR SELECT USING (util.is_system())"
        ),
        "roles",
        "DELETE without asking",
    ),
    "a restriction that lets through": (
        "DROP POLICY roles_delete ON roles; CREATE POLICY roles_delete ON roles FOR DELETE USING (util.is_system())",
        "roles",
        "DELETE without asking",
    ),
    "a restriction of one role": (f"ALTER POLICY roles_delete ON roles TO {rls.APP_ROLE}", "roles", "DELETE without"),
    "a restriction by a look-alike": (
        (
            "CREATE FUNCTION public.user_has_permission(uuid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'; "
            "ALTER POLICY roles_delete ON roles USING (public.user_has_permission(tenant_id, 'roles.manage'))"
        ),
        "roles",
        "DELETE without asking",
    ),
    "invoker's permissions": (
        "ALTER FUNCTION util.granted_permissions(uuid) SECURITY INVOKER",
        "util.granted_permissions(uuid)",
        "not a SECURITY DEFINER function any more",
    ),
    "no touch": ("DROP TRIGGER planted_touch ON planted", "planted", "updated_at"),
    "touch switched off": ("ALTER TABLE planted DISABLE TRIGGER planted_touch", "planted", "updated_at"),
    "touch after the fact": (
        (
            "DROP TRIGGER planted_touch ON planted; "
            "CREATE TRIGGER planted_touch AFTER UPDATE ON planted FOR EACH ROW EXECUTE FUNCTION util.touch()"
        ),
        "planted",
        "updated_at",
    ),
    "touch at times": (
        (
            "DROP TRIGGER planted_touch ON planted; CREATE TRIGGER planted_touch BEFORE UPDATE ON planted "
            "FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION util.touch()"
        ),
        "planted",
        "updated_at",
    ),
    "touch of a column": (
        (
            "DROP TRIGGER planted_touch ON planted; "
            "CREATE TRIGGER planted_touch BEFORE UPDATE OF id ON planted FOR EACH ROW EXECUTE FUNCTION util.touch()"
        ),
        "planted",
        "updated_at",
    ),
    "vector without index": ("DROP INDEX planted_nearest", "planted", "column embedding"),
    "vector of another index": (
        (
            "DROP INDEX planted_nearest; "
            "CREATE INDEX planted_nearest ON planted USING ivfflat (embedding vector_cosine_ops)"
        ),
        "planted",
        "column embedding",
    ),
    "vector of another size": ("ALTER TABLE planted ADD small vector(384)", "planted", "column small"),
    "embedding that is none": ("ALTER TABLE tasks ADD embedding real[]", "tasks", "column embedding"),
    "truncate": (f"GRANT TRUNCATE ON planted TO {rls.APP_ROLE}", "planted", "TRUNCATE to the application role"),
    "references": (f"GRANT REFERENCES ON planted TO {rls.APP_ROLE}", "planted", "REFERENCES to the application role"),
    "trigger": (f"GRANT TRIGGER ON planted TO {rls.APP_ROLE}", "planted", "TRIGGER to the application role"),
    "column references": (f"GRANT REFERENCES (id) ON planted TO {rls.APP_ROLE}", "planted", "REFERENCES to the app"),
    "grant option": (f"GRANT SELECT ON planted TO {rls.APP_ROLE} WITH GRANT OPTION", "planted", "SELECT to the app"),
    "public": ("GRANT SELECT ON planted TO PUBLIC", "planted", "SELECT to everybody"),
    "writing a system table": (f"GRANT UPDATE ON signing_keys TO {rls.APP_ROLE}", "signing_keys", "holds UPDATE"),
    "reading a system table": (f"GRANT SELECT ON alembic_version TO {rls.APP_ROLE}", "alembic_version", "holds SELECT"),
    "owned table": (
        f"ALTER TABLE planted OWNER TO {rls.APP_ROLE}",
        "table public.planted",
        "belongs to the application",
    ),
    "owned function": (
        f"ALTER FUNCTION util.touch() OWNER TO {rls.APP_ROLE}",
        "function util.touch()",
        "belongs to the",
    ),
    "superuser": (f"ALTER ROLE {rls.APP_ROLE} SUPERUSER", rls.APP_ROLE, "is a superuser"),
    "bypassing": (f"ALTER ROLE {rls.APP_ROLE} BYPASSRLS", rls.APP_ROLE, "above row-level security"),
    "creating roles": (f"ALTER ROLE {rls.APP_ROLE} CREATEROLE", rls.APP_ROLE, "able to create roles"),
    "creating databases": (f"ALTER ROLE {rls.APP_ROLE} CREATEDB", rls.APP_ROLE, "able to create databases"),
    "replicating": (f"ALTER ROLE {rls.APP_ROLE} REPLICATION", rls.APP_ROLE, "able to replicate"),
    "member": (f"GRANT pg_read_all_data TO {rls.APP_ROLE}", rls.APP_ROLE, "a member of another role"),
    "no role": (f"ALTER ROLE {rls.APP_ROLE} RENAME TO somebody", rls.APP_ROLE, "does not exist"),
    "view": ("CREATE VIEW seen AS SELECT * FROM planted", "seen", "its owner's rights"),
    "view in util": ("CREATE VIEW util.seen AS SELECT * FROM planted", "seen", "its owner's rights"),
    "materialized view": ("CREATE MATERIALIZED VIEW seen AS SELECT * FROM planted", "seen", "its owner's rights"),
    "rule": ("CREATE RULE act AS ON UPDATE TO planted DO ALSO SELECT 1", "planted", "rule act"),
    "definer with a path": (
        f"{DEFINER} SET search_path = public AS 'SELECT 1'; {CLOSED}",
        "util.planted()",
        "no empty search_path",
    ),
    "definer without a path": (f"{DEFINER} AS 'SELECT 1'; {CLOSED}", "util.planted()", "no empty search_path"),
    "definer for everybody": (
        f"{DEFINER} SET search_path = '' AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION util.planted() TO PUBLIC",
        "util.planted()",
        "everybody may call",
    ),
    "definer of a superuser": (
        f"{DEFINER} SET search_path = '' AS 'SELECT 1'; {CLOSED}; ALTER FUNCTION util.planted() OWNER TO postgres",
        "util.planted()",
        "does not belong to the owner role",
    ),
    "definer in public": (
        "CREATE FUNCTION planted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "public.planted()",
        "everybody may call",
    ),
    "invoker's context": (
        "ALTER FUNCTION util.current_tenant() SECURITY INVOKER",
        "util.current_tenant()",
        "not a SECURITY DEFINER function any more",
    ),
    "keys to read": (f"GRANT SELECT ON util.context_keys TO {rls.APP_ROLE}", "util.context_keys", "reached by the"),
    "keys for all": ("GRANT SELECT (id) ON util.context_keys TO PUBLIC", "util.context_keys", "reached by the"),
    "keys to delete": (f"GRANT DELETE ON util.context_keys TO {rls.APP_ROLE}", "util.context_keys", "(DELETE)"),
    "no keys": ("DROP TABLE util.context_keys", "util.context_keys", "missing"),
    "table elsewhere": (
        f"CREATE SCHEMA side; CREATE TABLE side.t (a int); GRANT SELECT ON side.t TO {rls.APP_ROLE}",
        "side.t",
        "reached by the application role",
    ),
    "schema to write": (f"GRANT CREATE ON SCHEMA public TO {rls.APP_ROLE}", "public", "CREATE"),
    "schema for all to write": ("GRANT CREATE ON SCHEMA util TO PUBLIC", "util", "CREATE"),
    "another schema": (f"CREATE SCHEMA side; GRANT USAGE ON SCHEMA side TO {rls.APP_ROLE}", "side", "USAGE"),
    "sequence": (f"CREATE SEQUENCE numbers; GRANT USAGE ON numbers TO {rls.APP_ROLE}", "public.numbers", "USAGE"),
    "temporary objects": (f"GRANT TEMPORARY ON DATABASE this_database TO {rls.APP_ROLE}", "this_database", "TEMPORARY"),
    "schemas of its own": ("GRANT CREATE ON DATABASE this_database TO PUBLIC", "this_database", "CREATE"),
}
