"""The rules of :mod:`backend.kernel.db.rls_walk`: each is a query on ``pg_catalog`` that returns what breaks it."""

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """``query`` returns ``subject`` and ``detail`` of each fault; ``what`` has a place for the detail."""

    what: str
    mend: str
    query: str


# Before every rule: what the caller gave, ours of the schemas, and the tables of public with kind and key column.
TABLES: Final = """
WITH given AS (
  SELECT CAST(:app AS text) AS app, to_regrole(:app)::oid AS app_oid,
         CAST(:person_tables AS text[]) AS person_tables, CAST(:person_keys AS text[]) AS person_keys,
         CAST(:system_tables AS text[]) AS system_tables, CAST(:unique_across AS text[]) AS unique_across,
         CAST(:guarded AS text[]) AS guarded),
schemas AS (
  SELECT n.oid, n.nspname AS name FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
extras AS (SELECT d.classid, d.objid FROM pg_depend d WHERE d.deptype = 'e'),
sorted AS (
  SELECT c.*, CASE
      WHEN c.relname = ANY (given.system_tables) THEN 'system'
      WHEN c.relname = ANY (given.person_tables) THEN 'person'
      WHEN c.relname = 'tenants' OR EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
        THEN 'tenant' END AS kind,
    CASE WHEN c.relname = 'tenants' THEN 'id' ELSE COALESCE(
      given.person_keys[array_position(given.person_tables, c.relname::text)], 'tenant_id') END AS key
  FROM pg_class c, given
  WHERE c.relkind IN ('r', 'p', 'f') AND c.relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM extras e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)),
tables AS (
  SELECT s.*, s.relname::text AS name, a.attnum AS key_number, a.attnotnull, a.atttypid
  FROM sorted s LEFT JOIN pg_attribute a ON a.attrelid = s.oid AND a.attname = s.key AND NOT a.attisdropped),
walled AS (SELECT * FROM tables WHERE kind IN ('tenant', 'person'))
"""

SHAPE: Final = (
    Rule(
        "neither a tenant's table, nor listed as a person's or the system's",
        "give it tenant_id and rls.tenant_table, or list it in backend/kernel/db/rls_walk.py with a reason",
        "SELECT name AS subject, '' AS detail FROM tables WHERE kind IS NULL",
    ),
    Rule(
        "{} is not a uuid that is always there",
        "make the column uuid NOT NULL",
        """SELECT name AS subject, key AS detail FROM walled
        WHERE key_number IS NULL OR NOT attnotnull OR atttypid <> 'uuid'::regtype""",
    ),
    Rule(
        "the primary key does not begin with {}",
        "make it PRIMARY KEY (tenant_id, …)",
        """SELECT t.name AS subject, t.key AS detail FROM tables t WHERE t.kind = 'tenant' AND NOT EXISTS (
          SELECT FROM pg_constraint p WHERE p.conrelid = t.oid AND p.contype = 'p' AND p.conkey[1] = t.key_number)""",
    ),
    Rule(
        "foreign key {} points into tenants' rows without carrying the tenant",
        "make it FOREIGN KEY (tenant_id, …) REFERENCES … (tenant_id, …)",
        """SELECT t.name AS subject, f.conname AS detail
        FROM tables t JOIN pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f'
          JOIN tables other ON other.oid = f.confrelid AND other.kind = 'tenant'
        WHERE t.kind IS DISTINCT FROM 'tenant' OR NOT EXISTS (
          SELECT FROM generate_subscripts(f.conkey, 1) place
          WHERE f.conkey[place] = t.key_number AND f.confkey[place] = other.key_number)""",
    ),
    Rule(
        "unique index {} does not begin with the tenant, so that it tells what other tenants have",
        "put tenant_id first, or list the index in backend/kernel/db/rls_walk.py with a reason",
        """SELECT t.name AS subject, c.relname AS detail
        FROM given, tables t JOIN pg_index i ON i.indrelid = t.oid AND (i.indisunique OR i.indisexclusion)
          JOIN pg_class c ON c.oid = i.indexrelid
        WHERE t.kind = 'tenant' AND i.indkey[0] <> t.key_number AND c.relname <> ALL (given.unique_across)""",
    ),
    Rule(
        "updated_at is not kept by the database",
        "CREATE TRIGGER … BEFORE UPDATE … FOR EACH ROW EXECUTE FUNCTION util.touch()",
        """SELECT t.name AS subject, '' AS detail FROM tables t
          JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'updated_at' AND NOT a.attisdropped
        WHERE NOT EXISTS (
          SELECT FROM pg_trigger g WHERE g.tgrelid = t.oid AND g.tgfoid = to_regprocedure('util.touch()')::oid
            AND g.tgtype & 19 = 19 AND g.tgenabled IN ('O', 'A') AND g.tgqual IS NULL AND g.tgattr = ''::int2vector)""",
    ),
    Rule(
        "column {} is no vector(1536) with an HNSW index",
        "make it vector(1536) and CREATE INDEX … USING hnsw",
        """SELECT t.name AS subject, a.attname AS detail FROM tables t
          JOIN pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped JOIN pg_type y ON y.oid = a.atttypid
        WHERE (y.typname = 'vector' OR a.attname = 'embedding')
          AND NOT (y.typname = 'vector' AND a.atttypmod = 1536 AND EXISTS (
            SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
            WHERE i.indrelid = t.oid AND m.amname = 'hnsw' AND i.indkey[0] = a.attnum
              AND i.indisvalid AND i.indpred IS NULL))""",
    ),
)

WALLS: Final = (
    Rule(
        "row-level security is not {}",
        "ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        """SELECT name AS subject, CASE WHEN relrowsecurity THEN 'forced' ELSE 'enabled' END AS detail FROM walled
        WHERE NOT (relrowsecurity AND relforcerowsecurity)""",
    ),
    Rule(
        "has {} policies that let rows through instead of one",
        "drop every policy but the one that rls.tenant_table or rls.user_table makes; rls.restrict makes no other such",
        """SELECT w.name AS subject, count(p.oid) AS detail
        FROM walled w LEFT JOIN pg_policy p ON p.polrelid = w.oid AND p.polpermissive
        GROUP BY w.name HAVING count(p.oid) <> 1""",
    ),
    Rule(
        "policy {} is not the one for all commands and roles that compares the row with the verified context",
        "make the policy again with rls.tenant_table or rls.user_table",
        """SELECT w.name AS subject, p.polname AS detail FROM walled w JOIN pg_policy p ON p.polrelid = w.oid,
          LATERAL (SELECT format(
            CASE w.kind WHEN 'tenant' THEN '(%I = ( SELECT util.current_tenant() AS current_tenant))'
              ELSE '(%I = ( SELECT util."current_user"() AS "current_user"))' END, w.key) AS condition) wanted
        WHERE p.polpermissive AND (p.polcmd <> '*' OR p.polroles <> '{0}'::oid[]
          OR pg_get_expr(p.polqual, w.oid) IS DISTINCT FROM wanted.condition
          OR pg_get_expr(p.polwithcheck, w.oid) IS DISTINCT FROM wanted.condition)""",
    ),
    Rule(
        "lets the application role {} without asking for a permission",
        "REVOKE the privilege, or add rls.restrict for the command",
        """SELECT t.name AS subject, c.privilege AS detail
        FROM given, tables t,
          LATERAL (VALUES ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) c (privilege, letter)
        WHERE t.name = ANY (given.guarded) AND to_regprocedure('util.user_has_permission(uuid,text)') IS NOT NULL
          AND (has_table_privilege(given.app, t.oid, c.privilege)
            OR c.privilege <> 'DELETE' AND has_any_column_privilege(given.app, t.oid, c.privilege))
          AND NOT EXISTS (
            SELECT FROM pg_policy p, LATERAL (SELECT COALESCE(pg_get_expr(p.polqual, t.oid), '')
              || COALESCE(pg_get_expr(p.polwithcheck, t.oid), '')) e (text)
            WHERE p.polrelid = t.oid AND NOT p.polpermissive AND p.polcmd = c.letter AND p.polroles = '{0}'::oid[]
              AND e.text ~ 'util\\.(user_has_permission|is_system|current_api_key)\\(')""",
    ),
    Rule(
        "rule {} would act with the owner's rights",
        "drop the rule",
        """SELECT t.name AS subject, r.rulename AS detail FROM tables t JOIN pg_rewrite r ON r.ev_class = t.oid""",
    ),
    Rule(
        "a view that reads with its owner's rights{}",
        "create it WITH (security_invoker = true); a materialized view cannot be walled in",
        """SELECT c.relname AS subject, '' AS detail FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
        WHERE c.relkind IN ('v', 'm')
          AND (c.relkind = 'm' OR NOT COALESCE(c.reloptions && '{security_invoker=true,security_invoker=on}', false))
          AND NOT EXISTS (SELECT FROM extras e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)""",
    ),
    Rule(
        "a SECURITY DEFINER function that {}",
        "SET search_path = '', owned by the owner role; then rls.allow_function",
        """SELECT p.oid::regprocedure::text AS subject, f.fault AS detail
        FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace,
          LATERAL (VALUES
            (NOT COALESCE(p.proconfig @> ARRAY['search_path=""'], false), 'has no empty search_path'),
            (EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) x WHERE x.grantee = 0),
              'everybody may call'),
            (p.proowner IS DISTINCT FROM (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'util'),
              'does not belong to the owner role')) f (present, fault)
        WHERE p.prosecdef AND f.present
          AND NOT EXISTS (SELECT FROM extras e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)""",
    ),
    Rule(
        "is not a SECURITY DEFINER function any more{}",
        "run the migration that makes it",
        """SELECT wanted.name AS subject, '' AS detail
        FROM (VALUES ('util.current_tenant()'), ('util."current_user"()')) wanted (name)
          LEFT JOIN pg_proc p ON p.oid = to_regprocedure(wanted.name)::oid
        WHERE NOT COALESCE(p.prosecdef, false)
        UNION ALL
        SELECT p.oid::regprocedure::text, '' FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
        WHERE s.name = 'util' AND p.proname IN ('current_api_key', 'granted_permissions', 'user_has_permission')
          AND NOT p.prosecdef""",
    ),
)

PRIVILEGES: Final = (
    Rule(
        "is {}",
        "ALTER ROLE … NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION; REVOKE its memberships",
        """SELECT given.app AS subject, f.fault AS detail FROM given JOIN pg_roles r ON r.oid = given.app_oid,
          LATERAL (VALUES (r.rolsuper, 'a superuser'), (r.rolbypassrls, 'above row-level security'),
            (r.rolcreaterole, 'able to create roles'), (r.rolcreatedb, 'able to create databases'),
            (r.rolreplication, 'able to replicate'),
            (EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid), 'a member of another role')
          ) f (present, fault) WHERE f.present""",
    ),
    Rule(
        "belongs to the application role, which could lift its walls{}",
        "ALTER … OWNER TO the owner role",
        """SELECT pg_describe_object(d.classid, d.objid, 0) AS subject, '' AS detail FROM given, pg_shdepend d
        WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = given.app_oid AND d.deptype = 'o' AND d.dbid IN (
          0, (SELECT oid FROM pg_database WHERE datname = current_database()))""",
    ),
    Rule(
        "grants {}",
        "REVOKE it; the application role gets no more than SELECT, INSERT, UPDATE, DELETE, and PUBLIC nothing",
        """SELECT t.name AS subject,
          x.privilege_type || CASE x.grantee WHEN 0 THEN ' to everybody' ELSE ' to the application role' END AS detail
        FROM given, tables t LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attacl IS NOT NULL,
          LATERAL (SELECT * FROM aclexplode(t.relacl) UNION SELECT * FROM aclexplode(a.attacl)) x
        WHERE x.grantee = 0 OR x.grantee = given.app_oid AND (
          x.is_grantable OR x.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))""",
    ),
    Rule(
        "can be reached by the application role although it is outside public ({})",
        "REVOKE ALL ON … FROM the application role and PUBLIC",
        """SELECT c.oid::regclass::text AS subject, p.privilege AS detail
        FROM given, pg_class c JOIN schemas s ON s.oid = c.relnamespace AND s.name <> 'public',
          unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p (privilege)
        WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND (has_table_privilege(given.app, c.oid, p.privilege)
          OR p.privilege NOT IN ('DELETE', 'TRUNCATE') AND has_any_column_privilege(given.app, c.oid, p.privilege))""",
    ),
    Rule(
        "is missing{}: nothing can be verified",
        "run `ocsuite migrate`",
        "SELECT 'util.context_keys' AS subject, '' AS detail WHERE to_regclass('util.context_keys') IS NULL",
    ),
    Rule(
        "a sequence of which the application role has {}",
        "use UUIDv7 ids made in Python; a shared counter tells what other tenants do",
        """SELECT c.oid::regclass::text AS subject, p.privilege AS detail
        FROM given, pg_class c JOIN schemas s ON s.oid = c.relnamespace,
          unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p (privilege)
        WHERE c.relkind = 'S' AND has_sequence_privilege(given.app, c.oid, p.privilege)""",
    ),
    Rule(
        "a schema on which the application role has {}",
        "REVOKE it; the application role has USAGE of public and util alone",
        """SELECT s.name AS subject, p.privilege AS detail
        FROM given, schemas s, unnest(ARRAY['CREATE', 'USAGE']) p (privilege)
        WHERE has_schema_privilege(given.app, s.oid, p.privilege)
          AND NOT (p.privilege = 'USAGE' AND s.name IN ('public', 'util'))""",
    ),
    Rule(
        "a database in which the application role may use {}",
        "REVOKE ALL ON DATABASE … FROM PUBLIC; GRANT CONNECT alone: temporary objects could stand in for ours",
        """SELECT current_database()::text AS subject, p.privilege AS detail
        FROM given, unnest(ARRAY['CREATE', 'TEMPORARY']) p (privilege)
        WHERE has_database_privilege(given.app, current_database()::text, p.privilege)""",
    ),
)

RULES: Final = (*SHAPE, *WALLS, *PRIVILEGES)
