"""Clerk mode against a provider of our own: tokens, first sight, outages."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from backend.domains.identity.clerk import NAMELESS, line
from backend.domains.identity.wiring import ClerkIdentity
from tests.identity.conftest import Api, Run
from tests.identity.kit import PARTY, JwksServer, claims, header, jwk, rs256, rsa_key, token


@pytest.fixture
async def server() -> AsyncIterator[JwksServer]:
    async with JwksServer().running() as running:
        yield running


def pointing_at(server: JwksServer) -> dict[str, str]:
    return {"CLERK_ISSUER": server.issuer, "CLERK_AUTHORIZED_PARTIES": PARTY, "CLERK_PUBLISHABLE_KEY": "pk_test_x"}


@pytest.fixture
async def clerk(run: Run, server: JwksServer) -> AsyncIterator[Api]:
    async with run(**pointing_at(server)) as api:
        yield api


def session(server: JwksServer, **changes: Any) -> str:
    return token(claims(**{"iss": server.issuer, "sub": f"user_{uuid4().hex}", **changes}))


async def test_person_is_stored_on_first_sight(clerk: Api, server: JwksServer) -> None:
    text = session(server, email="ada@example.com", name="Ada Lovelace")
    me = (await clerk.get("/me", text)).json()
    assert (me["user"]["email"], me["user"]["full_name"]) == ("ada@example.com", "Ada Lovelace")
    assert me["memberships"][0]["role"] == "owner"
    assert (await clerk.get("/whoami", text)).json()["user_id"] == me["user"]["id"]
    rows = await clerk.sql("SELECT issuer, subject FROM users WHERE id::text = :id", id=me["user"]["id"])
    assert [row.issuer for row in rows] == [server.issuer]
    assert rows[0].subject.startswith("user_")


async def test_twenty_first_sights_at_once_make_one_person(clerk: Api, server: JwksServer) -> None:
    subject = f"user_{uuid4().hex}"
    tokens = [session(server, sub=subject, sid=f"sess_{n}") for n in range(20)]
    answers = await asyncio.gather(*(clerk.get("/whoami", text) for text in tokens))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["user_id"] for answer in answers}) == 1
    assert await clerk.sql("SELECT count(*) FROM users WHERE subject = :s", s=subject) == [(1,)]


async def test_the_same_subject_of_another_issuer_is_somebody_else(clerk: Api, run: Run, server: JwksServer) -> None:
    subject = f"user_{uuid4().hex}"
    first = (await clerk.get("/whoami", session(server, sub=subject))).json()["user_id"]
    async with JwksServer().running() as other, run(**pointing_at(other)) as api:
        second = (await api.get("/whoami", session(other, sub=subject))).json()["user_id"]
        assert (await api.get("/whoami", session(server, sub=subject))).status_code == 401
    assert first != second


@pytest.mark.parametrize(
    ("given", "email", "name"),
    [
        ({}, None, NAMELESS),
        ({"email": "ada@example.com"}, "ada@example.com", "ada"),
        ({"name": "  Ada\x00\n\tLovelace\u2028 ", "email": None}, None, "Ada Lovelace"),
        ({"name": {"first": "Ada"}, "email": ["x"]}, None, NAMELESS),
        ({"name": "A" * 1500, "email": "b" * 300 + "@example.com"}, None, "A" * 120),
    ],
)
async def test_names_of_every_kind(
    clerk: Api, server: JwksServer, given: dict[str, Any], email: str | None, name: str
) -> None:
    user = (await clerk.get("/me", session(server, **given))).json()["user"]
    assert (user["email"], user["full_name"]) == (email, name)


async def test_an_address_follows_clerks(clerk: Api, server: JwksServer) -> None:
    subject = f"user_{uuid4().hex}"

    async def address(sid: str, **given: Any) -> str | None:
        answer = await clerk.get("/me", session(server, sub=subject, sid=sid, **given))
        found: str | None = answer.json()["user"]["email"]
        return found

    assert await address("sess_1", email="ada@example.com") == "ada@example.com"
    assert await address("sess_2", email="ada@lovelace.example") == "ada@lovelace.example"
    assert await address("sess_3") == "ada@lovelace.example"  # a token that says nothing changes nothing
    assert await address("sess_4", email="c" * 300 + "@example.com") == "ada@lovelace.example"
    assert await address("sess_5", email="ada@example.com") == "ada@example.com"


def test_line_keeps_no_control_characters_or_surrogates() -> None:
    assert line("a\ud800b\u0085c", 10) == "a b c"
    assert line(None, 10) == ""


async def test_refused_tokens_store_nobody(clerk: Api, server: JwksServer) -> None:
    before = await clerk.sql("SELECT count(*) FROM users")
    refused = [
        session(server, sts="pending"),
        session(server, azp="https://evil.example"),
        session(server, azp=...),
        session(server, exp=1),
        token(claims(iss=server.issuer), header(), rs256(rsa_key("foreign"))),
        token(claims(iss=server.issuer), header(kid="foreign"), rs256(rsa_key("foreign"))),
    ]
    for text in refused:
        answer = await clerk.get("/whoami", text)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert await clerk.sql("SELECT count(*) FROM users") == before


async def test_people_deleted_here_come_back_as_new(run: Run, server: JwksServer) -> None:
    subject = f"user_{uuid4().hex}"
    async with run(**pointing_at(server)) as api:
        first = (await api.get("/me", session(server, sub=subject))).json()["user"]["id"]
        await api.sql("DELETE FROM users WHERE subject = :s", s=subject)
        answer = await api.get("/me", session(server, sub=subject, sid="sess_2"))
        assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")
    async with run(**pointing_at(server)) as api:
        assert (await api.get("/me", session(server, sub=subject))).json()["user"]["id"] != first


async def test_provider_is_asked_once_for_many_requests(clerk: Api, server: JwksServer) -> None:
    await asyncio.gather(*(clerk.get("/whoami", session(server)) for _ in range(10)))
    assert server.hits == 1


async def test_rotation_at_the_provider(run: Run, server: JwksServer) -> None:
    async with run(**pointing_at(server)) as api:
        assert (await api.get("/whoami", session(server))).status_code == 200
        server.keys = [jwk("one"), jwk("two")]
        assert isinstance(api.identity, ClerkIdentity)
        api.identity.keys._tried_at = float("-inf")  # the pause between fetches is over
        text = token(claims(iss=server.issuer), header(kid="two"), rs256(rsa_key("two")))
        assert (await api.get("/whoami", text)).status_code == 200


async def test_provider_away_from_the_start_is_503_and_not_401(run: Run) -> None:
    server = JwksServer()
    async with server.running():
        pass
    async with run(**pointing_at(server)) as api:
        answer = await api.get("/whoami", session(server))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert (await api.http.get("/open")).status_code == 200
        assert (await api.http.get("/whoami")).status_code == 401


async def test_provider_that_goes_away_is_not_noticed(run: Run) -> None:
    server = JwksServer()
    async with server.running(), run(**pointing_at(server)) as api:
        assert (await api.get("/whoami", session(server))).status_code == 200
        server.status = 500
        assert (await api.get("/whoami", session(server))).status_code == 200


async def test_organisation_grants_nothing_but_is_known(clerk: Api, server: JwksServer) -> None:
    text = session(server, o={"id": "org_1", "rol": "admin", "slg": "acme"})
    assert (await clerk.identity.authenticator.authenticate(text)).organisation_id == "org_1"
    older = session(server, v=..., org_id="org_1", org_role="org:admin", org_slug="acme")
    assert (await clerk.identity.authenticator.authenticate(older)).organisation_id == "org_1"
