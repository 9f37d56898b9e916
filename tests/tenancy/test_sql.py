"""Arbitrary SQL as the application role, as after an injection: nothing that it can say moves to another tenant."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from backend.kernel.db.tenancy import TenantContext
from backend.registry import declarations
from backend.settings import Settings
from tests.tenancy.kit import TABLES, WRITES, App, Tenant, key_of, of

DENIED = [
    # become somebody else
    "SET ROLE ocsuite_owner", "SET ROLE postgres", "SET SESSION AUTHORIZATION ocsuite_owner",
    "SET LOCAL SESSION AUTHORIZATION postgres", "SELECT set_config('role', 'ocsuite_owner', false)",
    "SELECT set_config('session_authorization', 'postgres', true)", "GRANT ocsuite_owner TO ocsuite_app",
    "ALTER ROLE ocsuite_app BYPASSRLS", "ALTER ROLE ocsuite_app SUPERUSER", "ALTER ROLE ocsuite_owner PASSWORD 'x'",
    "CREATE ROLE thief", "REASSIGN OWNED BY ocsuite_owner TO ocsuite_app",
    # lift the walls
    "ALTER TABLE messages DISABLE ROW LEVEL SECURITY", "ALTER TABLE messages NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE messages OWNER TO ocsuite_app", "DROP POLICY messages_walls ON messages",
    "ALTER POLICY messages_walls ON messages USING (true)", "CREATE POLICY open ON messages USING (true)",
    "DROP TABLE messages", "ALTER TABLE messages DISABLE TRIGGER ALL",
    "CREATE RULE open AS ON INSERT TO messages DO ALSO SELECT 1",
    "CREATE TRIGGER open BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION util.touch()",
    "CREATE INDEX open ON messages (content)", "CREATE STATISTICS open ON id, content FROM messages",
    "COMMENT ON TABLE messages IS 'x'",
    "ALTER DEFAULT PRIVILEGES FOR ROLE ocsuite_owner GRANT ALL ON TABLES TO PUBLIC",
    "SET session_replication_role = replica", "CREATE PUBLICATION open FOR ALL TABLES",
    # read or change the keys and what verifies
    "SELECT * FROM util.context_keys", "SELECT id FROM util.context_keys", "TABLE util.context_keys",
    "INSERT INTO util.context_keys VALUES ('mine', '', '')", "UPDATE util.context_keys SET id = id",
    "DELETE FROM util.context_keys", "LOCK TABLE util.context_keys", "COPY util.context_keys TO STDOUT",
    "DROP FUNCTION util.current_tenant() CASCADE", "ALTER FUNCTION util.current_tenant() SET search_path = public",
    "ALTER FUNCTION util.current_tenant() OWNER TO ocsuite_app", "ALTER FUNCTION util.current_tenant() LEAKPROOF",
    "ALTER FUNCTION util.current_tenant() SECURITY INVOKER", "ALTER SCHEMA util RENAME TO gone",
    "CREATE OR REPLACE FUNCTION util.current_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
    "SELECT util.touch()", "CREATE FUNCTION util.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    # things of one's own, above all functions that see rows before the policy does
    "CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RETURN true; END'",
    "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE sql COST 0.0001 AS 'SELECT true'",
    "CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_eq)",
    "CREATE OPERATOR pg_temp.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_eq)",
    "CREATE TEMP TABLE messages (tenant_id uuid)", "CREATE TEMP VIEW messages AS SELECT 1",
    "CREATE TEMP TABLE uuid (a int)", "CREATE DOMAIN pg_temp.uuid AS pg_catalog.uuid",
    "CREATE DOMAIN public.d AS int", "CREATE TABLE public.mine (a int)", "SELECT 1 AS a INTO mine",
    "CREATE VIEW public.mine AS SELECT * FROM messages", "CREATE SCHEMA mine",
    "CREATE SCHEMA IF NOT EXISTS ocsuite_app",
    "CREATE MATERIALIZED VIEW mine AS SELECT 1", "CREATE SEQUENCE mine",
    "CREATE AGGREGATE mine (int) (SFUNC = int4pl, STYPE = int)",
    "CREATE CAST (uuid AS int) WITH INOUT", "CREATE EXTENSION dblink", "CREATE EXTENSION postgres_fdw",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION util.touch()",
    "CREATE FOREIGN DATA WRAPPER mine",
    "DO $$ BEGIN EXECUTE 'SET ROLE ocsuite_owner'; END $$",
    "DO $$ BEGIN EXECUTE 'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS ''SELECT 1'''; END $$",
    # the server's own files, logs, settings, statistics and large objects
    "SELECT pg_read_file('pg_hba.conf')", "SELECT pg_ls_dir('.')", "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT lo_import('/etc/passwd')", "SELECT * FROM pg_authid", "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_hba_file_rules", "SELECT pg_reload_conf()", "CHECKPOINT",
    "ALTER DATABASE ocsuite SET row_security = off", "LOAD 'auto_explain'", "SET log_statement = 'all'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ocsuite_owner' OR usename IS NULL",
]  # fmt: skip
"""Refused outright."""

INEFFECTIVE = [
    "SET search_path = pg_temp, public, util, pg_catalog", "SET LOCAL search_path = ''", "RESET ROLE",
    "RESET SESSION AUTHORIZATION", "SET ROLE NONE", "SET LOCAL ROLE ocsuite_app", "SET ROLE ocsuite_app",
    "SET constraint_exclusion = on", "SET LOCAL plan_cache_mode = force_generic_plan", "SET enable_indexscan = off",
    "SET default_transaction_read_only = on", "SET LOCAL debug_parallel_query = on", "SET row_security = on",
    "DISCARD PLANS", "GRANT ALL ON messages TO PUBLIC", "ANALYZE messages", "RESET ALL",
    "SELECT set_config('ocsuite.tenant_id', '{theirs}', false)", "SET LOCAL app.current_tenant = '{theirs}'",
    "SET ocsuite.other = '{theirs}'", "SET LOCAL \"request.jwt.claims\" = '{{\"tenant_id\": \"{theirs}\"}}'",
    "DO $$ BEGIN PERFORM set_config('ocsuite.tenant', '{theirs}', true); END $$",
]  # fmt: skip
"""Allowed, and without any effect on what is seen."""

FORGING = [
    "SET LOCAL ocsuite.context = '{theirs}'", "SELECT set_config('ocsuite.context', '{theirs}', true)",
    "SELECT set_config('ocsuite.context', replace(current_setting('ocsuite.context'), '{ours}', '{theirs}'), true)",
    """DO $$ BEGIN PERFORM set_config('ocsuite.context', overlay(current_setting('ocsuite.context')
    placing '{theirs}' from position('{ours}' in current_setting('ocsuite.context'))), true); END $$""",
    """WITH forged AS MATERIALIZED (SELECT set_config('ocsuite.context',
    replace(current_setting('ocsuite.context'), '{ours}', '{theirs}'), true)) SELECT * FROM forged""",
    "SET LOCAL ocsuite.context TO DEFAULT", "RESET ocsuite.context",
]  # fmt: skip
"""Change the context into one that opens nothing."""

DENIALS = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidGrantOperationError,
    asyncpg.InvalidSchemaNameError,  # no temporary schema, and no right to make one
)


async def _seen(sql: asyncpg.Connection) -> set[UUID]:
    union = " UNION ".join(f"SELECT {key_of(table)} FROM public.{table}" for table in TABLES)
    return {row[0] for row in await sql.fetch(union)}


@pytest.fixture
async def inside(app: App, ours: Tenant) -> AsyncIterator[App]:
    """An open transaction in our tenant's context."""
    async with app.acting(of(ours)):
        yield app


@pytest.mark.parametrize("statement", DENIED)
async def test_what_would_lift_a_wall_is_denied(inside: App, ours: Tenant, statement: str) -> None:
    await inside.refused(statement, DENIALS)
    assert await _seen(inside.sql) == {ours.id}


async def test_the_server_cannot_be_set(app: App) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.sql.execute("ALTER SYSTEM SET log_statement = 'all'")


@pytest.mark.parametrize("statement", INEFFECTIVE)
async def test_settings_do_not_move(inside: App, ours: Tenant, theirs: Tenant, statement: str) -> None:
    await inside.sql.execute(statement.format(ours=ours.id, theirs=theirs.id))
    assert await _seen(inside.sql) == (set() if statement == "RESET ALL" else {ours.id})


@pytest.mark.parametrize("statement", FORGING)
async def test_the_context_cannot_be_rewritten(inside: App, ours: Tenant, theirs: Tenant, statement: str) -> None:
    await inside.sql.execute(statement.format(ours=ours.id.hex, theirs=theirs.id.hex))
    assert await _seen(inside.sql) == set()


async def test_switching_row_security_off_makes_statements_fail(inside: App, ours: Tenant) -> None:
    await inside.sql.execute("SET LOCAL row_security = off")
    for table in TABLES:
        await inside.refused(f"SELECT * FROM {table}")
        await inside.refused(f"DELETE FROM {table}")


async def test_changing_the_context_within_a_statement_opens_nothing(inside: App, ours: Tenant, theirs: Tenant) -> None:
    rows = await inside.sql.fetch(
        "SELECT set_config('ocsuite.context', replace(current_setting('ocsuite.context'), $1, $2), true), tenant_id "
        "FROM messages, generate_series(1, 3)",
        ours.id.hex,
        theirs.id.hex,
    )
    assert {row["tenant_id"] for row in rows} <= {ours.id}
    assert await _seen(inside.sql) == set()


async def test_a_prepared_plan_asks_for_the_context_each_time(app: App, ours: Tenant, theirs: Tenant) -> None:
    for mode in ("force_generic_plan", "force_custom_plan", "auto"):
        await app.sql.execute(f"SET plan_cache_mode = {mode}")
        driver = await app.sql.prepare("SELECT tenant_id FROM messages WHERE content LIKE $1")
        await app.sql.execute(f"PREPARE kept_{mode} AS SELECT tenant_id FROM messages")
        for _ in range(8):
            for tenant in (ours, theirs):
                async with app.acting(of(tenant)) as sql:
                    assert {row[0] for row in await driver.fetch("marker%")} == {tenant.id}
                    assert {row[0] for row in await sql.fetch(f"EXECUTE kept_{mode}")} == {tenant.id}
            for context in (None, app.expired(of(theirs))):
                async with app.acting(context) as sql:
                    assert await driver.fetch("marker%") == []
                    assert await sql.fetch(f"EXECUTE kept_{mode}") == []


async def test_the_context_may_change_within_a_transaction(app: App, ours: Tenant, theirs: Tenant) -> None:
    async with app.acting(of(ours)) as sql:
        statement = await sql.prepare("SELECT tenant_id FROM messages")
        assert [row[0] for row in await statement.fetch()] == [ours.id]
        await app.use(of(theirs))
        assert [row[0] for row in await statement.fetch()] == [theirs.id]
        await app.use("")
        assert await statement.fetch() == []


async def test_a_rolled_back_savepoint_takes_its_context_along(app: App, ours: Tenant, theirs: Tenant) -> None:
    async with app.acting(of(ours)) as sql:
        await sql.execute("SAVEPOINT before")
        await app.use(of(theirs))
        await sql.execute("ROLLBACK TO before")
        assert await _seen(sql) == {ours.id}


async def test_cursors_show_one_tenant_and_end(app: App, ours: Tenant, theirs: Tenant) -> None:
    async with app.acting(of(ours)) as sql:
        await sql.execute("DECLARE c CURSOR FOR SELECT tenant_id FROM messages, generate_series(1, 3)")
        await app.use("")  # the context counts when the first row is asked for
        assert await sql.fetch("FETCH ALL c") == []
        await app.use(of(ours))
        await sql.execute("DECLARE d CURSOR FOR SELECT tenant_id FROM messages, generate_series(1, 3)")
        assert [row[0] for row in await sql.fetch("FETCH 1 d")] == [ours.id]
        await app.use(of(theirs))
        assert [row[0] for row in await sql.fetch("FETCH ALL d")] == [ours.id] * 2
    with pytest.raises(asyncpg.InvalidCursorNameError):
        await app.sql.fetch("FETCH ALL c")


async def test_notifications_carry_nothing(app: App, all_seeing: asyncpg.Connection, ours: Tenant) -> None:
    """Whoever knows a channel's name can listen, so that nothing in the database may notify."""
    sources = await all_seeing.fetch(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname IN ('public', 'util') AND p.prosrc ~* 'notify'"
    )
    assert sources == []


async def test_the_activity_view_shows_no_parameters(
    app: App, settings: Settings, ours: Tenant, theirs: Tenant
) -> None:
    victim = App(await asyncpg.connect(settings.database_url), app.keyring)
    try:
        async with victim.acting(of(theirs)) as sql:
            await sql.fetch("SELECT * FROM messages WHERE content = $1", theirs.mark)
            async with app.acting(of(ours)) as spy:
                seen = await spy.fetch("SELECT a::text FROM pg_stat_activity a")
        assert any(str(sql.get_server_pid()) in row[0] for row in seen)
        assert not any(theirs.mark in row[0] for row in seen)
    finally:
        await victim.sql.close()


async def test_errors_show_no_values_of_other_tenants(inside: App, ours: Tenant, theirs: Tenant) -> None:
    collide = f"UPDATE tenants SET slug = 's-{theirs.id.hex}'"
    error = await inside.refused(collide, asyncpg.UniqueViolationError)
    assert isinstance(error, asyncpg.UniqueViolationError)
    assert error.detail is None or theirs.mark not in error.detail
    assert str(theirs.id) not in repr(vars(error))
    error = await inside.refused("UPDATE messages SET status = 'nonsense'", asyncpg.CheckViolationError)
    assert isinstance(error, asyncpg.CheckViolationError)
    assert theirs.mark not in repr(vars(error))


async def test_waiting_for_a_row_that_is_not_ours_is_impossible(
    app: App, all_seeing: asyncpg.Connection, ours: Tenant, theirs: Tenant
) -> None:
    """Locks do not tell of rows behind the wall: nothing waits for a row that another tenant holds."""
    async with all_seeing.transaction():
        await all_seeing.execute("SELECT FROM messages WHERE tenant_id = $1 FOR UPDATE", theirs.id)
        async with app.acting(of(ours)) as sql:
            await sql.execute("SET LOCAL lock_timeout = '1s'")
            assert await sql.execute("UPDATE messages SET content = content") == "UPDATE 1"
            assert await sql.execute(f"DELETE FROM messages WHERE tenant_id = '{theirs.id}'") == "DELETE 0"


async def test_definer_functions_answer_for_the_context_alone(inside: App, ours: Tenant, theirs: Tenant) -> None:
    sql = inside.sql
    assert [row[0] for row in await sql.fetch("SELECT * FROM util.search_conversations(ARRAY['marker'])")] == [
        ours.conversation
    ]
    for words in (["marker' | '"], ["marker:*"], ["_"], ["\u0301"], [theirs.mark], ["a' | 'marker"], [None], []):
        found = await sql.fetch("SELECT * FROM util.search_conversations($1)", words)
        assert {row[0] for row in found} <= {ours.conversation}, words
    assert await sql.fetchval("SELECT util.find_user('test', $1)", str(uuid4())) is None


@pytest.mark.parametrize("role", ["viewer", "nobody"])
async def test_who_lacks_the_permission_writes_no_guarded_table(
    app: App, all_seeing: asyncpg.Connection, ours: Tenant, role: str
) -> None:
    """A viewer, and a context of the tenant in the name of somebody who is no member."""
    other = Tenant(id=ours.id)
    await all_seeing.execute(
        "INSERT INTO users (id, issuer, subject, full_name) VALUES ($1, 'test', $2, 'V')", other.user, str(other.user)
    )
    if role == "viewer":
        await all_seeing.execute(other.insert("tenant_members"))
        await all_seeing.execute(other.insert("member_roles").replace("'owner'", "'viewer'"))
    try:
        async with app.acting(of(other)) as sql:
            for table in sorted(declarations().guarded_tables):
                await _refused_inserts(app, other, table)
                if "UPDATE" in WRITES[table]:
                    assert await sql.execute(f"UPDATE {table} SET {key_of(table)} = {key_of(table)}") == "UPDATE 0"
                if "DELETE" in WRITES[table]:
                    mine = f"user_id <> '{other.user}'" if table == "tenant_members" else "true"  # anybody may leave
                    assert await sql.execute(f"DELETE FROM {table} WHERE {mine}") == "DELETE 0"
            assert await sql.execute("UPDATE api_keys SET revoked_at = now()") == "UPDATE 0"
            assert await sql.execute("UPDATE tenants SET name = 'x'") == "UPDATE 0"
            for table in ("audit_logs", "audit_seals", "audit_verifications"):
                assert await sql.fetchval(f"SELECT count(*) FROM {table}") == 0
    finally:
        await all_seeing.execute("DELETE FROM users WHERE id = $1", other.user)


async def _refused_inserts(app: App, actor: Tenant, table: str) -> None:
    """Rows that would break no constraint, for everybody and for oneself."""
    statement = actor.insert(table)
    if table == "tenants":  # founding another company is everybody's right, in a context of its own
        statement = statement.replace(str(actor.id), str(Tenant().id))
    for role in ("owner", "admin", "viewer"):
        await app.refused(statement.replace("'owner'", f"'{role}'"))


async def test_an_owner_neither_speaks_for_others_nor_hurries_a_deletion(
    app: App, all_seeing: asyncpg.Connection, ours: Tenant, theirs: Tenant
) -> None:
    async with app.acting(of(ours)) as sql:
        await sql.execute("DELETE FROM tenant_deletions")
        mine = ours.insert("tenant_deletions")
        await app.refused(mine.replace(str(ours.user), str(theirs.user)))
        await app.refused(mine.replace("7 days", "23 hours"), asyncpg.CheckViolationError)
        await app.refused(mine.replace("(tenant_id", "(requested_at, tenant_id").replace("VALUES (", "VALUES (now(), "))
        await app.refused(f"SELECT util.erase_tenant('{ours.id}', '{uuid4()}')")
        assert await sql.execute(mine) == "INSERT 0 1"
    async with app.acting(TenantContext(ours.id, None)) as sql:
        await app.refused(mine)
        assert await sql.fetchval("SELECT util.erase_tenant($1, $2)", ours.id, uuid4()) is False
        assert await sql.fetchval("SELECT count(*) FROM tenants") == 1
        await app.refused("SELECT * FROM util.tenant_tables()")
