"""Only a context that the application signed, for this tenant, this backend and now, opens anything."""

import time
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backend.kernel.db.tenancy import ANONYMOUS, ContextSigner, TenantContext, UserContext
from backend.settings import Settings
from crypto import Keyring, MasterKey
from tests.tenancy.kit import TABLES, App, Tenant, key_of, of

NOTHING = [
    "", " ", ".", "......", "v2", "v2.......", "v2.local-1......" + "0" * 64, "'", "''", "\\", "%s", "{}", "null",
    "NULL", "0" * 65, "0" * 66, "." * 66, "." * 500, "v2." * 100, "ü" * 200, "\U0001f600" * 70, "\n" * 80, "-" * 66,
    "v2.local-1.not-a-uuid.nor-this.nor-that.soon.never." + "f" * 64, "x" * 100_000, "." * 100_000,
]  # fmt: skip
"""Texts that are no context at all."""


async def seen(sql: asyncpg.Connection) -> set[UUID]:
    """The tenants of every row that the context shows."""
    union = " UNION ".join(f"SELECT {key_of(table)} FROM {table}" for table in TABLES)
    return {row[0] for row in await sql.fetch(union)}


async def closed(app: App, context: str | None, ours: Tenant) -> None:
    """Assert that a text opens nothing, and raises nothing but the refusal of a write."""
    async with app.acting(context) as sql:
        assert await sql.fetchval("SELECT util.current_tenant()") is None
        assert await sql.fetchval("SELECT util.current_user()") is None
        assert await sql.fetchval("SELECT util.current_api_key()") is None
        assert not await sql.fetchval("SELECT util.is_system()")
        assert await seen(sql) == set()
        assert await sql.fetch("SELECT * FROM users") == []
        assert await sql.fetch("SELECT * FROM util.my_memberships()") == []
        assert await sql.fetch("SELECT * FROM util.search_conversations(ARRAY['marker'])") == []
        assert await sql.execute("UPDATE messages SET content = 'x'") == "UPDATE 0"
        assert await sql.execute("DELETE FROM conversations") == "DELETE 0"
        await app.refused("DELETE FROM tenants")
        await app.refused(ours.insert("messages"))
        await app.refused(f"INSERT INTO users (id, issuer, subject, full_name) VALUES ('{uuid4()}', 'i', 's', 'n')")


async def test_a_signed_context_opens_its_own_tenant(app: App, ours: Tenant, theirs: Tenant) -> None:
    for tenant in (ours, theirs):
        async with app.acting(of(tenant)) as sql:
            assert await seen(sql) == {tenant.id}
            assert await sql.fetchval("SELECT util.current_user()") == tenant.user
    async with app.acting(TenantContext(ours.id, None)) as sql:
        assert await seen(sql) == {ours.id}
        assert await sql.fetchval("SELECT util.current_user()") is None


async def test_a_persons_context_opens_no_tenant(app: App, ours: Tenant) -> None:
    async with app.acting(UserContext(ours.user)) as sql:
        assert await seen(sql) == set()
        assert [row[0] for row in await sql.fetch("SELECT id FROM users")] == [ours.user]


async def test_an_absent_context_opens_nothing(app: App, ours: Tenant) -> None:
    await closed(app, None, ours)
    async with app.acting(of(ours)):
        pass
    # Once it was set and has ended with its transaction, Postgres remembers the setting as an empty text.
    assert await app.sql.fetchval("SELECT current_setting('ocsuite.context', true)") == ""
    await closed(app, None, ours)
    assert app.sign(ANONYMOUS) == ""


@pytest.mark.parametrize("text", NOTHING, ids=range(len(NOTHING)))
async def test_garbage_opens_nothing(app: App, ours: Tenant, text: str) -> None:
    await closed(app, text, ours)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
async def test_any_text_opens_nothing(app: App, text: str) -> None:
    async with app.acting(text) as sql:
        assert await sql.fetchval("SELECT util.current_tenant() IS NULL AND util.current_user() IS NULL")


async def test_every_changed_character_opens_nothing(app: App, ours: Tenant) -> None:
    context = app.sign(of(ours))
    for place, letter in enumerate(context):
        for other in {"0", "1", "f", ".", "-"} - {letter}:
            changed = context[:place] + other + context[place + 1 :]
            async with app.acting(changed) as sql:
                assert await sql.fetchval("SELECT util.current_tenant()") is None, changed


async def test_a_context_without_mac_opens_nothing(app: App, ours: Tenant, keyring: Keyring) -> None:
    """Too few parts must not make the comparison NULL, and so neither true nor false."""
    backend, until = app.sql.get_server_pid(), int(time.time()) + 60
    start = f"v2.{keyring.key_ids[0]}.{ours.id.hex}.{ours.user.hex}."
    for tail in ("", f".{until:0>40}", f".{until:0>30}.{backend:0>30}", f".{until}.{backend}." + " " * 64):
        await closed(app, start + tail, ours)


async def test_every_truncation_and_addition_opens_nothing(app: App, ours: Tenant) -> None:
    context = app.sign(of(ours))
    cuts = [context[:end] for end in range(len(context))] + [context[start:] for start in range(1, len(context))]
    additions = [context + more for more in (".", "0", " ", "." + context, context[-65:])] + [" " + context]
    for changed in cuts + additions:
        async with app.acting(changed) as sql:
            assert await sql.fetchval("SELECT util.current_tenant()") is None, changed


async def test_parts_of_two_contexts_do_not_mix(app: App, ours: Tenant, theirs: Tenant) -> None:
    mine, foreign = app.sign(of(ours)).split("."), app.sign(of(theirs)).split(".")
    for swapped in range(2, 8):
        mixed = [*mine[:swapped], foreign[swapped], *mine[swapped + 1 :]]
        if mixed != mine:
            await closed(app, ".".join(mixed), ours)
    upper = [*mine[:2], mine[2].upper(), *mine[3:]]
    await closed(app, ".".join(upper), ours)
    await closed(app, ".".join([*mine[:2], mine[3], mine[2], *mine[4:]]), ours)


async def test_other_keys_sign_nothing(app: App, ours: Tenant, keyring: Keyring) -> None:
    here = app.sql.get_server_pid()
    for key_id in (keyring.key_ids[0], "other", "local-2"):
        forger = Keyring((MasterKey(key_id, b"\x07" * 32),))
        await closed(app, ContextSigner(forger, time.time).sign(of(ours), here), ours)
    renamed = app.sign(of(ours)).replace(keyring.key_ids[0], "other")
    await closed(app, renamed, ours)


async def test_an_expired_context_opens_nothing(app: App, ours: Tenant) -> None:
    await closed(app, app.expired(of(ours)), ours)
    async with app.acting(app.sign(of(ours), age=50)) as sql:
        assert await seen(sql) == {ours.id}


async def test_a_context_is_of_no_use_in_another_backend(app: App, ours: Tenant) -> None:
    await closed(app, app.sign(of(ours), backend=app.sql.get_server_pid() + 1), ours)


async def test_a_foreign_context_read_from_the_activity_view_is_of_no_use(
    app: App, ours: Tenant, theirs: Tenant, settings: Settings
) -> None:
    victim = App(await asyncpg.connect(settings.database_url), app.keyring)
    try:
        await victim.sql.execute(f"BEGIN; SET LOCAL ocsuite.context = '{victim.sign(of(theirs))}'")
        spied = await app.sql.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", victim.sql.get_server_pid())
        stolen = spied.split("'")[1]
        assert theirs.id.hex in stolen
        await closed(app, stolen, ours)
    finally:
        await victim.sql.close()
