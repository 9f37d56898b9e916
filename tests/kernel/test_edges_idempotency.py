"""A POST sent again with its key acts once and is answered as the first time."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import UserContext
from backend.kernel.errors import RequestInFlight
from backend.kernel.http.idempotency import Claim, Kept, claim, finish
from backend.settings import Settings
from tests.kernel.edge_app import Acts, bearer, edge_client

BODY = {"message": "hello"}


async def new_user(db: Database) -> UUID:
    user_id = uuid4()
    async with db.transaction(UserContext(user_id)) as session:
        await session.execute(
            text("INSERT INTO users (id, issuer, subject, full_name) VALUES (:id, 'test', :subject, 'Ada')"),
            {"id": user_id, "subject": str(user_id)},
        )
    return user_id


def open_acts(status: int = 201) -> Acts:
    acts = Acts(status=status)
    acts.gate.set()
    return acts


def keyed(user_id: UUID, key: str = "first-key", **headers: str) -> dict[str, str]:
    return {**bearer(user_id), "Idempotency-Key": key, **headers}


async def test_the_first_answer_is_repeated(settings: Settings, db: Database) -> None:
    acts, user = open_acts(), await new_user(db)
    async with edge_client(settings, db, acts=acts) as client:
        first = await client.post("/acts", json=BODY, headers=keyed(user))
        second = await client.post("/acts", json=BODY, headers=keyed(user))
        without = await client.post("/acts", json=BODY, headers=bearer(user))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert without.json()["number"] == 2


@pytest.mark.parametrize(
    ("body", "query", "headers"),
    [({"message": "other"}, "", {}), (BODY, "?x=1", {}), (BODY, "", {"X-Tenant-Id": str(uuid4())})],
    ids=["body", "query", "tenant"],
)
async def test_another_request_with_the_same_key(
    settings: Settings, db: Database, body: dict[str, str], query: str, headers: dict[str, str]
) -> None:
    acts, user = open_acts(), await new_user(db)
    async with edge_client(settings, db, acts=acts) as client:
        await client.post("/acts", json=BODY, headers=keyed(user))
        other = await client.post(f"/acts{query}", json=body, headers=keyed(user, **headers))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert acts.count == 1


async def test_keys_belong_to_a_person(settings: Settings, db: Database) -> None:
    acts, ada, eve = open_acts(), await new_user(db), await new_user(db)
    async with edge_client(settings, db, acts=acts) as client:
        await client.post("/acts", json=BODY, headers=keyed(ada))
        answer = await client.post("/acts", json={"message": "mine"}, headers=keyed(eve))
    assert answer.json() == {"number": 2, "message": "mine"}


async def test_in_flight(settings: Settings, db: Database) -> None:
    acts, user = Acts(), await new_user(db)
    async with edge_client(settings, db, acts=acts) as client:
        first = asyncio.create_task(client.post("/acts", json=BODY, headers=keyed(user)))
        await acts.entered.wait()
        second = await client.post("/acts", json=BODY, headers=keyed(user))
        acts.gate.set()
        assert (await first).status_code == 201
        third = await client.post("/acts", json=BODY, headers=keyed(user))
    assert (second.status_code, second.json()["code"]) == (409, "request_in_flight")
    assert 1 <= int(second.headers["retry-after"]) <= 60
    assert third.headers["idempotency-replayed"] == "true"
    assert acts.count == 1


async def test_twenty_at_once_act_once(settings: Settings, db: Database) -> None:
    acts, user = open_acts(), await new_user(db)
    async with edge_client(settings, db, acts=acts) as client:
        answers = await asyncio.gather(*(client.post("/acts", json=BODY, headers=keyed(user)) for _ in range(20)))
    assert acts.count == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


async def test_server_errors_are_not_kept(settings: Settings, db: Database) -> None:
    acts, user = open_acts(status=500), await new_user(db)
    async with edge_client(settings, db, acts=acts) as client:
        assert (await client.post("/acts", json=BODY, headers=keyed(user))).status_code == 500
        acts.status = 201
        again = await client.post("/acts", json=BODY, headers=keyed(user))
    assert again.status_code == 201
    assert acts.count == 2


async def test_a_refused_body_leaves_the_key_free(settings: Settings, db: Database) -> None:
    acts, user = open_acts(), await new_user(db)
    async with edge_client(settings, db, acts=acts) as client:
        assert (await client.post("/acts", json={"mesage": "hi"}, headers=keyed(user))).status_code == 422
        assert (await client.post("/acts", json=BODY, headers=keyed(user))).status_code == 201


@pytest.mark.parametrize("key", ["short", "x" * 256, "with space", "t\tab-in-it", ""])
async def test_malformed_keys(settings: Settings, db: Database, key: str) -> None:
    acts = open_acts()
    async with edge_client(settings, db, acts=acts) as client:
        answer = await client.post("/acts", json=BODY, headers=keyed(uuid4(), key))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "header.Idempotency-Key"
    assert acts.count == 0


async def expire_lock(owner: AsyncConnection, user_id: UUID) -> None:
    await owner.execute(
        text("UPDATE idempotency_keys SET locked_until = now() - interval '1 second' WHERE user_id = :user"),
        {"user": user_id},
    )
    await owner.commit()


async def test_a_dead_claimants_lock_gives_way_and_fences_it_off(db: Database, owner: AsyncConnection) -> None:
    user, print_ = await new_user(db), b"f" * 32
    async with db.transaction(UserContext(user)) as session:
        dead = await claim(session, user, "a-key-here", print_)
    async with db.transaction(UserContext(user)) as session:
        with pytest.raises(RequestInFlight):
            await claim(session, user, "a-key-here", print_)
    await expire_lock(owner, user)
    async with db.transaction(UserContext(user)) as session:
        heir = await claim(session, user, "a-key-here", print_)
    assert isinstance(dead, Claim)
    assert isinstance(heir, Claim)
    async with db.transaction(UserContext(user)) as session:
        await finish(session, dead, Kept(201, {}, b"late"))
        await finish(session, heir, Kept(201, {"content-type": "text/plain"}, b"in time"))
    async with db.transaction(UserContext(user)) as session:
        assert await claim(session, user, "a-key-here", print_) == Kept(201, {"content-type": "text/plain"}, b"in time")


async def test_kept_answers_are_invisible_to_others(db: Database) -> None:
    ada, eve = await new_user(db), await new_user(db)
    async with db.transaction(UserContext(ada)) as session:
        await claim(session, ada, "a-key-here", b"f" * 32)
    async with db.transaction(UserContext(eve)) as session:
        rows = (await session.execute(text("SELECT count(*) FROM idempotency_keys"))).scalar()
    assert rows == 0
