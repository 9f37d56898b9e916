"""Where one is signed in, ending it, and what is stored of oneself."""

import json
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from backend.domains.identity.account_sessions import device
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import UserContext
from tests.account.conftest import Account, Open, refusal
from tests.support.people import Member, Person
from tests.support.sse import ask

FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)


async def listed(account: Account) -> list[dict[str, object]]:
    answer = await account.http.get("/me/sessions")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [(FIREFOX, "Firefox on Ubuntu"), (SAFARI, "Mobile Safari on iOS"), ("", ""), ("curl/8.5.0", "curl")],
)
def test_devices_are_told_in_words(user_agent: str, words: str) -> None:
    assert device(user_agent) == words


async def test_sessions_are_listed_with_device_and_place(opened: Open) -> None:
    ada = await opened()
    phone = await ada.enter(**{"User-Agent": SAFARI})
    items = await listed(phone)
    assert [item["current"] for item in items] == [True, False]
    assert (items[0]["device"], items[0]["address"]) == ("Mobile Safari on iOS", "127.0.0.1")
    assert set(items[0]) == {"id", "current", "device", "address", "created_at", "last_seen_at"}
    assert [item["current"] for item in await listed(ada)] == [False, True]


async def test_being_seen_is_noted_at_most_once_a_minute(opened: Open, db: Database) -> None:
    ada = await opened()

    async def seen(statement: str) -> object:
        async with db.transaction(UserContext(ada.user_id)) as session:
            return (await session.execute(text(f"{statement} RETURNING last_seen_at, address"))).one()

    before = await seen("UPDATE sessions SET last_seen_at = now() - interval '50 seconds', address = 'before'")
    assert await ada.renews()
    assert await seen("UPDATE sessions SET ended_at = NULL") == before
    before = await seen("UPDATE sessions SET last_seen_at = now() - interval '70 seconds'")
    assert await ada.renews()
    after = await seen("UPDATE sessions SET ended_at = NULL")
    assert after[0] > before[0]  # type: ignore[index]  # a row
    assert after[1] == "127.0.0.1"  # type: ignore[index]  # a row


async def test_one_session_is_ended_or_all_others_or_all(opened: Open) -> None:
    ada = await opened()
    phone, tablet, laptop = await ada.enter(), await ada.enter(), await ada.enter()
    mine = next(item["id"] for item in await listed(phone) if item["current"])
    assert (await ada.http.delete(f"/me/sessions/{mine}")).status_code == 204
    assert [await phone.renews(), await tablet.renews()] == [False, True]
    assert refusal(await phone.http.get("/me")) == (401, "session_expired")
    assert refusal(await ada.http.delete(f"/me/sessions/{mine}")) == (404, "not_found")
    assert (await ada.http.post("/me/sessions/end", json={})).status_code == 204
    assert [await ada.renews(), await tablet.renews(), await laptop.renews()] == [True, False, False]
    assert len(await listed(ada)) == 1
    assert (await ada.http.post("/me/sessions/end", json={"which": "all"})).status_code == 204
    assert not await ada.renews()


async def test_somebody_else_s_session_is_like_none(opened: Open) -> None:
    ada, eve = await opened(), await opened()
    theirs = (await listed(ada))[0]["id"]
    foreign, unknown = [await eve.http.delete(f"/me/sessions/{one}") for one in (theirs, uuid4())]
    assert refusal(foreign) == refusal(unknown) == (404, "not_found")
    assert await ada.renews()


async def test_the_download_has_what_is_one_s_own_in_every_company(opened: Open) -> None:
    ada, grace = await opened(), await opened(full_name="Grace Hopper")
    companies = [await ada.found("First Venture"), await ada.found("Second Venture")]
    hers = await grace.found("Not Ada's")
    for account, tenant_id, words in (
        (ada, companies[0], "words in the first"),
        (ada, companies[1], "words in the second"),
        (grace, hers, "words of another"),
    ):
        await ask(Member(Person(account.user_id, account.cookie, account.http), tenant_id), words)
    answer = await ada.http.get("/me/export")
    assert answer.headers["content-type"] == "application/json"
    found = json.loads(answer.content)
    assert (found["format"], found["person"]["email"]) == ("ocsuite.account/1", ada.email)
    assert [session["address"] for session in found["sessions"]] == ["127.0.0.1"]
    assert [UUID(company["membership"]["tenant"]["id"]) for company in found["companies"]] == companies
    said = [[talk["messages"][0]["content"] for talk in company["conversations"]] for company in found["companies"]]
    assert said == [["words in the first"], ["words in the second"]]
    assert all(len(talk["messages"]) == 2 for company in found["companies"] for talk in company["conversations"])
    for secret in ("words of another", grace.email, ada.cookie, "password_hash", "$argon2id"):
        assert secret not in answer.text
