"""As the application role in one tenant's context: no statement reads, writes or probes another tenant's rows."""

import io
from uuid import uuid4

import asyncpg
import pytest

from backend.kernel.db.tenancy import TenantContext
from tests.tenancy.kit import ALL, ROWS, SYSTEM_WRITTEN, TABLES, WRITES, App, Tenant, key_of, of

Owner = asyncpg.Connection

every_table = pytest.mark.parametrize("table", TABLES)


async def _rows(owner: Owner, table: str, tenant: Tenant) -> list[str]:
    query = f"SELECT to_jsonb(r)::text FROM {table} r WHERE {key_of(table)} = $1 ORDER BY 1"
    return [row[0] for row in await owner.fetch(query, tenant.id)]


async def test_every_tenant_table_is_attacked(all_seeing: Owner) -> None:
    tables = await all_seeing.fetch(
        "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace "
        "AND (a.attname = 'tenant_id' OR c.relname = 'tenants')"
    )
    assert {row[0] for row in tables} == set(ROWS)


async def test_the_application_role_may_write_what_is_listed(app: App) -> None:
    query = "SELECT string_agg(c, ' ') FROM unnest($1::text[]) c WHERE has_table_privilege(current_user, $2, c)"
    found = {table: await app.sql.fetchval(query, ALL.split(), table) or "" for table in TABLES}
    assert found == WRITES
    query = """SELECT c.relname || '.' || a.attname || ' ' || x.privilege_type
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x
      WHERE c.relnamespace = 'public'::regnamespace"""
    assert {row[0] for row in await app.sql.fetch(query)} == {
        "api_keys.revoked_at UPDATE",
        "tenant_deletions.tenant_id INSERT",
        "tenant_deletions.requested_by INSERT",
        "tenant_deletions.erase_after INSERT",
        "tenants.name UPDATE",
        "tenants.slug UPDATE",
    }


@every_table
async def test_reads_see_one_tenant(app: App, ours: Tenant, theirs: Tenant, table: str) -> None:
    key = key_of(table)
    async with app.acting(of(ours)) as sql:
        assert {row[0] for row in await sql.fetch(f"SELECT {key} FROM {table}")} == {ours.id}
        assert await sql.fetch(f"SELECT * FROM {table} WHERE {key} = $1", theirs.id) == []
        locked = f"SELECT * FROM {table} WHERE {key} = '{theirs.id}' FOR UPDATE"
        if "UPDATE" in WRITES[table]:
            assert await sql.fetch(locked) == []
        elif table not in {"api_keys", "tenants"}:  # whoever may update a column may lock
            await app.refused(locked)
        assert await sql.fetchval(f"SELECT count(*) FROM {table} r WHERE r::text LIKE '%{theirs.id}%'") == 0
        assert await sql.fetchval(f"SELECT count(*) FROM ONLY {table} WHERE {key} <> $1", ours.id) == 0


@every_table
async def test_inserts_into_another_tenant_are_refused(app: App, ours: Tenant, theirs: Tenant, table: str) -> None:
    async with app.acting(of(ours)):
        error = await app.refused(theirs.insert(table))
        assert theirs.mark not in str(error)
        assert ("row-level security" in str(error)) == ("INSERT" in WRITES[table] or table == "tenant_deletions")
        await app.refused(f"{theirs.insert(table)} ON CONFLICT DO NOTHING")
        await app.refused(f"WITH made AS ({theirs.insert(table)} RETURNING *) SELECT * FROM made")


@every_table
async def test_updates_and_deletes_do_not_reach_another_tenant(
    app: App, all_seeing: Owner, ours: Tenant, theirs: Tenant, table: str
) -> None:
    key, before = key_of(table), await _rows(all_seeing, table, theirs)
    assert before
    async with app.acting(of(ours)) as sql:
        update = f"UPDATE {table} SET {key} = {key}"
        if "UPDATE" in WRITES[table]:
            changed = await sql.fetch(f"{update} RETURNING {key}")
            assert {row[0] for row in changed} == (set() if table in SYSTEM_WRITTEN else {ours.id})
        await _without_effect(app, "UPDATE", table, f"{update} WHERE {key} = '{theirs.id}'")
        await _without_effect(app, "DELETE", table, f"DELETE FROM {table} WHERE {key} = '{theirs.id}'")
        both = (
            f"WITH gone AS (DELETE FROM {table} WHERE {key} = '{theirs.id}' RETURNING *), "
            f"changed AS (UPDATE {table} SET {key} = {key} WHERE {key} = '{theirs.id}' RETURNING *) "
            "SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM changed)"
        )
        if WRITES[table] == ALL:
            assert await sql.fetchval(both) == 0
        else:
            await app.refused(both)
        await app.refused(f"TRUNCATE {table} CASCADE")
        if table == "tenants":
            changed = await sql.fetch("UPDATE tenants SET name = name RETURNING id")
            assert {row[0] for row in changed} == {ours.id}
            await app.refused("UPDATE tenants SET members_max = 1000")
    # The system changes what members may not.
    async with app.acting(TenantContext(ours.id, None) if table in SYSTEM_WRITTEN else of(ours)):
        await app.refused(f"UPDATE {table} SET {key} = '{theirs.id}'")
        await app.refused(f"UPDATE {table} SET {key} = '{uuid4()}'")
    assert await _rows(all_seeing, table, theirs) == before


async def _without_effect(app: App, command: str, table: str, statement: str) -> None:
    """Assert that a statement about another tenant's rows finds none, or is not allowed in the first place."""
    if command in WRITES[table]:
        assert await app.sql.execute(statement) == f"{command} 0"
    else:
        await app.refused(statement)


@every_table
async def test_merge_does_not_reach_another_tenant(app: App, ours: Tenant, theirs: Tenant, table: str) -> None:
    key = key_of(table)
    columns = ROWS[table].partition(" VALUES ")[0]
    merge = f"MERGE INTO {table} r USING (VALUES ('{theirs.id}'::uuid)) s (t) ON r.{key} = s.t"
    values = theirs.insert(table).partition(" VALUES ")[2]
    async with app.acting(of(ours)) as sql:
        for action in ("DELETE", f"UPDATE SET {key} = r.{key}"):
            if action.split()[0] in WRITES[table]:
                assert await sql.execute(f"{merge} WHEN MATCHED THEN {action}") == "MERGE 0"
            else:
                await app.refused(f"{merge} WHEN MATCHED THEN {action}")
        await app.refused(f"{merge} WHEN NOT MATCHED THEN INSERT {columns} VALUES {values}")
        stolen = (
            f"MERGE INTO {table} r USING (VALUES (1)) s (t) ON true WHEN MATCHED THEN UPDATE SET {key} = '{theirs.id}'"
        )
        if table not in SYSTEM_WRITTEN:
            await app.refused(stolen)
        all_rows = f"MERGE INTO {table} r USING (VALUES (1)) s (t) ON false "
        everything = f"{all_rows} WHEN NOT MATCHED BY SOURCE AND {key} <> '{ours.id}' THEN DELETE"
        if "DELETE" in WRITES[table]:
            assert await sql.execute(everything) == "MERGE 0"
        else:
            await app.refused(everything)
    async with app.acting(TenantContext(ours.id, None)):
        await app.refused(stolen)


@every_table
async def test_copy_gives_one_tenant_and_takes_nothing(app: App, ours: Tenant, theirs: Tenant, table: str) -> None:
    async with app.acting(of(ours)) as sql:
        for source in (f"SELECT * FROM {table}", f"TABLE {table}"):
            out = io.BytesIO()
            await sql.copy_from_query(source, output=out)
            assert str(ours.id).encode() in out.getvalue()
            assert str(theirs.id).encode() not in out.getvalue()
        out = io.BytesIO()
        await sql.copy_from_table(table, output=out)
        assert str(ours.id).encode() in out.getvalue()
        assert str(theirs.id).encode() not in out.getvalue()
        refusal = asyncpg.FeatureNotSupportedError if "INSERT" in WRITES[table] else asyncpg.InsufficientPrivilegeError
        with pytest.raises(refusal):
            await sql.copy_to_table(table, source=io.BytesIO(b""))


async def test_upserts_do_not_reach_another_tenant(app: App, ours: Tenant, theirs: Tenant) -> None:
    async with app.acting(of(ours)) as sql:
        taken = (
            f"INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
            f"VALUES ('{ours.id}', 'x', 's-{theirs.id.hex}', 1, 1, 1) ON CONFLICT (slug)"
        )
        # A conflict on a slug is the one thing that tenants learn of one another: that it is taken.
        assert await sql.fetch(f"{taken} DO NOTHING RETURNING *") == []
        for change in ("name = 'stolen'", f"id = '{ours.id}'", "slug = tenants.slug"):
            error = await app.refused(f"{taken} DO UPDATE SET {change} RETURNING *")
            assert theirs.mark not in str(error)
        own = ours.insert("messages").replace(str(ours.message), str(theirs.message))
        assert await sql.execute(f"{own} ON CONFLICT (tenant_id, id) DO UPDATE SET content = 'x'") == "INSERT 0 1"
        assert await sql.fetchval("SELECT content FROM messages WHERE id = $1", theirs.message) == ours.mark


async def test_composite_foreign_keys_tell_nothing_of_another_tenant(
    app: App, all_seeing: Owner, ours: Tenant, theirs: Tenant
) -> None:
    keys = await all_seeing.fetch(
        "SELECT f.conname, f.conrelid::regclass::text AS child, f.confrelid::regclass::text AS parent, "
        "a.attname AS column, b.attname AS target "
        "FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[2] "
        "JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[2] "
        "WHERE f.contype = 'f' AND array_length(f.conkey, 1) > 1 AND f.connamespace = 'public'::regnamespace"
    )
    assert {key["child"] for key in keys} >= {"messages", "role_permissions", "member_roles", "invitation_roles"}
    for key in keys:
        child, parent, target = key["child"], key["parent"], key["target"]
        values = await all_seeing.fetch(f"SELECT {key['column']} FROM {child} WHERE tenant_id = $1", ours.id)
        own = [f"'{row[0]}'" for row in values if f"'{row[0]}'" in ours.insert(child)]
        foreign = await all_seeing.fetchval(
            f"SELECT {target} FROM {parent} WHERE tenant_id = $1 "
            f"AND {target} NOT IN (SELECT {target} FROM {parent} WHERE tenant_id = $2)",
            theirs.id,
            ours.id,
        )
        assert foreign is not None
        answers = []
        async with app.acting(of(ours)):
            for aim in (foreign, uuid4()):
                point = f"UPDATE {child} SET {key['column']} = '{aim}'"
                if "UPDATE" not in WRITES[child]:
                    point = ours.insert(child).replace(own[0], f"'{aim}'")
                # A key is made for oneself alone: the policy comes before the foreign key.
                wanted = asyncpg.InsufficientPrivilegeError if child == "api_keys" else asyncpg.ForeignKeyViolationError
                error = await app.refused(point, wanted)
                assert isinstance(error, asyncpg.PostgresError)
                answers.append((str(error), error.detail, error.hint, error.constraint_name))
        assert answers[0] == answers[1], key["conname"]
        assert str(theirs.id) not in repr(answers)


async def test_deleting_a_tenant_takes_its_own_rows_alone(app: App, all_seeing: Owner, theirs: Tenant) -> None:
    victim = Tenant()
    await victim.store(all_seeing)
    before = {table: await _rows(all_seeing, table, theirs) for table in TABLES}
    await all_seeing.execute(
        "UPDATE tenant_deletions SET requested_at = now() - interval '8 days', erase_after = now() "
        "WHERE tenant_id = $1",
        victim.id,
    )
    async with app.sql.transaction():
        await app.use(of(victim))
        await app.refused("DELETE FROM tenants")
        await app.refused(f"SELECT util.erase_tenant('{victim.id}', '{uuid4()}')")
        await app.use(TenantContext(theirs.id, None))
        await app.refused(f"SELECT util.erase_tenant('{victim.id}', '{uuid4()}')")
        await app.use(TenantContext(victim.id, None))
        assert await app.sql.fetchval("SELECT util.erase_tenant($1, $2)", victim.id, uuid4())
    assert {table: await _rows(all_seeing, table, victim) for table in TABLES} == {table: [] for table in TABLES}
    assert {table: await _rows(all_seeing, table, theirs) for table in TABLES} == before


async def test_people_see_their_own_identity_alone(app: App, ours: Tenant, theirs: Tenant) -> None:
    async with app.acting(of(ours)) as sql:
        assert [row["id"] for row in await sql.fetch("SELECT id FROM users")] == [ours.user]
        assert await sql.execute(f"UPDATE users SET full_name = 'x' WHERE id = '{theirs.user}'") == "UPDATE 0"
        assert await sql.execute(f"DELETE FROM users WHERE id = '{theirs.user}'") == "DELETE 0"
        session = "INSERT INTO sessions (id, user_id, token_hash, expires_at) VALUES ('{}', '{}', '\\x00', now())"
        await app.refused(session.format(uuid4(), theirs.user))
        mine = await sql.fetch("SELECT tenant_id FROM util.my_memberships()")
        assert [row["tenant_id"] for row in mine] == [ours.id]


async def test_statistics_and_estimates_tell_nothing_of_another_tenant(app: App, ours: Tenant, theirs: Tenant) -> None:
    async with app.acting(of(ours)) as sql:
        # Postgres hides the statistics of a table with row-level security from everybody whom it applies to …
        assert await sql.fetchval("SELECT count(*) FROM pg_stats WHERE tablename = ANY ($1)", TABLES) == 0
        for catalog in ("pg_statistic", "pg_statistic_ext_data"):
            await app.refused(f"SELECT * FROM {catalog}")
        # … and a condition that is not leakproof is estimated without looking into them: the same for either text.
        plans = []
        for tenant in (theirs, Tenant()):
            lines = await sql.fetch(f"EXPLAIN SELECT * FROM messages WHERE content LIKE '{tenant.mark}%'")
            plans.append([line[0].replace(tenant.mark, "?").replace(tenant.mark[:-1], "?") for line in lines])
        assert plans[0] == plans[1]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 / (CASE WHEN content LIKE '{mark}%' THEN 0 ELSE 1 END) FROM messages",
        "SELECT count(*) FROM messages WHERE CAST(content AS integer) = 0 AND tenant_id = '{tenant}'",
        "SELECT count(*) FROM tenants WHERE 1 / (CASE WHEN id = '{tenant}' THEN 0 ELSE 1 END) = 1",
        "SELECT count(*) FROM messages WHERE xmlparse(content content) IS NULL AND tenant_id = '{tenant}'",
        "SELECT * FROM messages WHERE tenant_id = '{tenant}' AND content ~ '(.*)\\1{{99}}'",
    ],
)
async def test_conditions_that_fail_are_not_tried_on_rows_behind_the_wall(
    app: App, ours: Tenant, theirs: Tenant, statement: str
) -> None:
    async with app.acting(of(ours)) as sql:
        await sql.execute(statement.format(mark=theirs.mark, tenant=theirs.id))


async def test_audit_times_are_kept_by_the_database(app: App, ours: Tenant) -> None:
    async with app.acting(of(ours)) as sql:
        ((made, touched),) = await sql.fetch("SELECT created_at, updated_at FROM conversations")
        (row,) = await sql.fetch(
            "UPDATE conversations SET title = 'x', created_at = '2001-01-01', updated_at = '2001-01-01' "
            "RETURNING created_at, updated_at, now()"
        )
        assert row["created_at"] == made
        assert row["updated_at"] == row["now"] > touched
