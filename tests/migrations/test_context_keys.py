"""The database verifies what the live master keys sign, and nothing else, through a rotation."""

import asyncpg
from sqlalchemy import text

from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.migrate import hmac_pads, migrate
from crypto import Keyring, MasterKey
from tests.migrations.kit import connected
from tests.tenancy.kit import App

OLD, NEW = MasterKey("old", b"\x01" * 32), MasterKey("new", b"\x02" * 32)


async def _believed(app_url: str, key: MasterKey) -> bool:
    """Whether a context signed under a master key opens its tenant."""
    app = App(await asyncpg.connect(app_url), Keyring((key,)))
    context = TenantContext(new_id(), None)
    async with app.acting(context) as sql:
        found = await sql.fetchval("SELECT util.current_tenant()")
    await app.sql.close()
    assert found in {None, context.tenant_id}
    return found is not None


async def _stored(owner_url: str) -> dict[str, tuple[bytes, bytes]]:
    async with connected(owner_url) as connection:
        rows = await connection.execute(text("SELECT id, inner_pad, outer_pad FROM util.context_keys"))
        return {row.id: (row.inner_pad, row.outer_pad) for row in rows}


async def test_keys_follow_a_rotation(database_url_pair: tuple[str, str]) -> None:
    app_url, url = database_url_pair
    for live in ((OLD,), (NEW, OLD), (NEW,), (OLD, NEW), (OLD,)):
        await migrate(url, Keyring(live))
        assert set(await _stored(url)) == {key.id for key in live}
        assert [await _believed(app_url, key) for key in (OLD, NEW)] == [OLD in live, NEW in live]


async def test_a_key_that_kept_its_name_is_replaced(database_url_pair: tuple[str, str]) -> None:
    app_url, url = database_url_pair
    await migrate(url, Keyring((OLD,)))
    before = await _stored(url)
    namesake = MasterKey(OLD.id, b"\x03" * 32)
    await migrate(url, Keyring((namesake,)))
    assert await _stored(url) != before
    assert await _believed(app_url, namesake)
    assert not await _believed(app_url, OLD)


async def test_the_stored_keys_are_not_the_master_keys(database_url_pair: tuple[str, str]) -> None:
    _, url = database_url_pair
    await migrate(url, Keyring((NEW,)))
    ((inner, outer),) = (await _stored(url)).values()
    assert (inner, outer) != hmac_pads(b"\x02" * 32)
    assert bytes(byte ^ 0x36 for byte in inner) == bytes(byte ^ 0x5C for byte in outer)
