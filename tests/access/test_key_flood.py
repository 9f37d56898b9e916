"""What tokens of strangers cost: counted before the database is asked, and never the connections of everybody else."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.domains.access.key_tokens import MARK, STRANGERS_AT_ONCE, KeyMaker, KeyOrSession
from backend.kernel.db.database import Database
from backend.settings import Settings
from crypto import Keyring, MasterKey, hash_token, new_token
from tests.access.kit import Team, team_of
from tests.conftest import SignIn
from tests.kernel.edge_app import Tokens, edge_client, tight_policies

LOOKUP = "util.use_api_key"


def bogus() -> str:
    """A key as they were before keys had a MAC, which nobody made."""
    return f"{MARK}{uuid4().hex[:8]}_{new_token()}"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def lookups(db: Database) -> Iterator[Counter[str]]:
    """How many statements and connections of the pool are used for keys, and how many connections at once."""
    seen: Counter[str] = Counter()

    def used(*arguments: object) -> None:
        seen["statements"] += LOOKUP in str(arguments[2])

    def out(*_: object) -> None:
        seen["connections"] += 1
        seen["now"] += 1
        seen["at once"] = max(seen["at once"], seen["now"])

    def back(*_: object) -> None:
        seen["now"] -= 1

    engine = db.engine.sync_engine
    listeners = (
        ("before_cursor_execute", used, engine),
        ("checkout", out, engine.pool),
        ("checkin", back, engine.pool),
    )
    for name, listener, target in listeners:
        event.listen(target, name, listener)
    try:
        yield seen
    finally:
        for name, listener, target in listeners:
            event.remove(target, name, listener)


def keys_of(db: Database, settings: Settings) -> KeyOrSession:
    return KeyOrSession(db, Tokens(), KeyMaker(Keyring(settings.master_keys)))


async def made_before(team: Team, owner: AsyncConnection) -> str:
    """A key without a MAC."""
    made = await team.owner.request("POST", "/api-keys", json={"name": "Old", "permissions": ["dashboard.read"]})
    secret = bogus()
    await owner.execute(
        text("UPDATE api_keys SET token_hash = :hash WHERE id = :id"),
        {"hash": hash_token(secret), "id": UUID(made.json()["api_key"]["id"])},
    )
    await owner.commit()
    return secret


async def test_an_address_asks_about_few_unknown_keys(settings: Settings, db: Database) -> None:
    policies = tight_policies(lookups=5)
    async with edge_client(settings, db, policies=policies, keys=keys_of(db, settings)) as client:
        with lookups(db) as seen:
            answers = await asyncio.gather(*(client.get("/things", headers=bearer(bogus())) for _ in range(60)))
        session = await client.get("/things", headers=bearer(f"user-{uuid4()}"))
    assert Counter(answer.status_code for answer in answers) == {401: 5, 429: 55}
    assert (seen["statements"], seen["connections"]) == (5, 5)
    assert seen["at once"] <= STRANGERS_AT_ONCE
    assert session.status_code == 200  # nobody else at the address is kept out


async def test_strangers_of_many_addresses_take_few_connections(settings: Settings, db: Database) -> None:
    async with edge_client(settings, db, keys=keys_of(db, settings)) as client:
        with lookups(db) as seen:
            answers = await asyncio.gather(*(client.get("/things", headers=bearer(bogus())) for _ in range(60)))
            assert {answer.status_code for answer in answers} == {401}
            assert (seen["statements"], seen["at once"]) == (60, STRANGERS_AT_ONCE)
            more = await asyncio.gather(*(client.get("/things", headers=bearer(bogus())) for _ in range(120)))
        assert Counter(answer.status_code for answer in more)[503] > 0  # the rest does not wait without end


async def test_what_costs_nothing(settings: Settings, db: Database) -> None:
    """Tokens of another form, and those that were refused a moment ago."""
    known = bogus()
    shapes = ("ocs_", "ocs_x", f"ocs_{'a' * 8}_{'b' * 42}", f"{bogus()}=", f"OCS_{known[4:]}", f"{known}.{known}")
    async with edge_client(settings, db, policies=tight_policies(lookups=1), keys=keys_of(db, settings)) as client:
        assert (await client.get("/things", headers=bearer(known))).status_code == 401
        with lookups(db) as seen:
            for token in (*shapes, known, known):
                assert (await client.get("/things", headers=bearer(token))).status_code == 401, token
        assert not seen["statements"]


async def test_good_keys_pass_whatever_strangers_do(
    someone: SignIn, settings: Settings, db: Database, owner: AsyncConnection
) -> None:
    team = await team_of(db, someone)
    made = await team.owner.request("POST", "/api-keys", json={"name": "New", "permissions": ["dashboard.read"]})
    new, old = made.json()["secret"], await made_before(team, owner)
    async with edge_client(settings, db, policies=tight_policies(lookups=2), keys=keys_of(db, settings)) as client:
        assert (await client.get("/things", headers=bearer(old))).status_code == 200
        assert (await client.get("/things", headers=bearer(bogus()))).status_code == 401
        assert (await client.get("/things", headers=bearer(bogus()))).status_code == 429
        with lookups(db) as seen:
            for token in (new, old, new, old):
                assert (await client.get("/things", headers=bearer(token))).status_code == 200
        assert seen["statements"] == 4  # revocation is noticed at once, so that each use asks


def test_keys_are_known_by_every_living_master_key(settings: Settings) -> None:
    (first,) = settings.master_keys
    second = MasterKey("second", b"s" * 32)
    secret = KeyMaker(Keyring([first])).draw().secret
    assert KeyMaker(Keyring([second, first])).made(secret)
    assert not KeyMaker(Keyring([second])).made(secret)
    assert not KeyMaker(Keyring([first])).made(secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    assert not KeyMaker(Keyring([first])).made(bogus())
