"""Local accounts through HTTP."""

import asyncio
import base64
import hashlib
import io
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from argon2 import PasswordHasher

import crypto
from backend.domains.identity.cookies import COOKIE_SECONDS, SessionCookies
from backend.domains.identity.service import default_attempts
from backend.kernel.limits.limiter import Limit
from tests.identity.conftest import ORIGIN, PASSWORD, ROOMY, Api, Run, address, cookie_of, on_behalf_of


async def test_the_whole_way(api: Api) -> None:
    email = address()
    signed_up = await api.sign_up(email, full_name="Ada Lovelace")
    assert signed_up.status_code == 201
    body = signed_up.json()
    assert set(body) == {"access_token", "expires_in", "user"}
    assert body["expires_in"] == 60
    me = (await api.get("/me", body["access_token"])).json()
    assert me["user"] == body["user"]
    assert (me["user"]["email"], me["user"]["full_name"]) == (email, "Ada Lovelace")
    assert me["memberships"] == [
        {
            "tenant": {"id": "00000000-0000-0000-0000-000000000001", "name": "Acme", "slug": "acme"},
            "role": "owner",
            "roles": ["owner"],
            "permissions": ["chat.use"],
            "erase_after": None,
        }
    ]
    signed_in = await api.sign_in(email)
    assert signed_in.status_code == 200
    renewed = await api.with_cookie("/auth/token", cookie_of(signed_in))
    assert renewed.status_code == 200
    assert set(renewed.json()) == {"access_token", "expires_in"}
    who = (await api.get("/whoami", renewed.json()["access_token"])).json()
    assert who["user_id"] == who["log"] == me["user"]["id"]


async def test_stored_is_neither_password_nor_token(api: Api) -> None:
    email = address()
    token = cookie_of(await api.sign_up(email))
    ((found,),) = await api.sql("SELECT password_hash FROM user_credentials WHERE email = :email", email=email)
    assert found.startswith("$argon2id$")
    sessions = await api.sql(
        "SELECT token_hash FROM sessions s JOIN users u ON u.id = s.user_id WHERE email = :e", e=email
    )
    assert sessions == [(hashlib.sha256(token.encode()).digest(),)]


async def test_addresses_are_compared_without_regard_to_case(api: Api) -> None:
    email = address()
    assert (await api.sign_up("A" + email)).status_code == 201
    taken = await api.sign_up("a" + email.upper())
    assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")
    assert (await api.sign_in("a" + email)).json()["user"]["email"] == "A" + email
    count = await api.sql("SELECT count(*) FROM users WHERE lower(email) = :email", email="a" + email)
    assert count == [(1,)]


async def test_racing_sign_ups_make_one_account(api: Api) -> None:
    email = address()
    answers = await asyncio.gather(*(api.sign_up(email) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert await api.sql("SELECT count(*) FROM users WHERE email = :email", email=email) == [(1,)]


async def test_address_of_a_newer_unicode_is_refused_and_not_a_fault(api: Api) -> None:
    """The database lowers U+10D50 (Unicode 16), Python 3.11 does not know it."""
    answer = await api.sign_up("\U00010d50" + address())
    assert answer.status_code in {201, 422}


REFUSED_SIGN_UPS: list[dict[str, Any]] = [
    {"password": "short"},
    {"password": "x" * 257},
    {"password": "nul\x00nul\x00nul\x00"},
    {"email": "no-at.example.com"},
    {"email": "a b@example.com"},
    {"email": "a@example.com\x00"},
    {"full_name": ""},
    {"full_name": "   "},
    {"full_name": "line\nbreak"},
    {"full_name": 5},
    {"admin": True},
]


@pytest.mark.parametrize("changes", REFUSED_SIGN_UPS)
async def test_refused_sign_up_writes_nothing(api: Api, changes: dict[str, Any]) -> None:
    before = await api.sql("SELECT count(*) FROM users")
    answer = await api.sign_up(**changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert "set-cookie" not in answer.headers
    assert await api.sql("SELECT count(*) FROM users") == before


async def test_unknown_address_and_wrong_password_look_alike(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    email = address()
    await api.sign_up(email)
    work: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: bytes) -> bool:
        work.append(stored.rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    wrong = await api.sign_in(email, "wrong password", headers={"X-Request-Id": "same-request-id"})
    unknown = await api.sign_in(address(), "wrong password", headers={"X-Request-Id": "same-request-id"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == "wrong_credentials"
    assert wrong.content == unknown.content
    assert without_counts(wrong) == without_counts(unknown)
    assert len(work) == 2
    assert work[0] == work[1]


def without_counts(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "ratelimit"}


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every password is wrong without looking; for tests about how often one may try."""
    monkeypatch.setattr(crypto, "verify_password", lambda stored, password: False)


@pytest.mark.usefixtures("no_work")
async def test_throttle_per_account_also_for_accounts_that_do_not_exist(run: Run) -> None:
    few = ROOMY._replace(sign_in_per_account=Limit(f"test-{address()}", 3, 60))
    async with run(attempts=few) as api:
        email, unknown = address(), address()
        await api.sign_up(email)
        for who in (email, unknown):
            answers = [await api.sign_in(who, "wrong password") for _ in range(3)]
            assert [answer.status_code for answer in answers] == [401, 401, 401]
        refused = [await api.sign_in(email), await api.sign_in(email.upper()), await api.sign_in(unknown)]
        for answer in refused:
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
            assert 0 < int(answer.headers["retry-after"]) <= 66
        assert refused[0].json()["extra"] == refused[2].json()["extra"]
        assert (await api.sign_in(address(), "wrong password")).status_code == 401


async def test_strangers_keep_no_owner_out(run: Run) -> None:
    """Whoever signed in before from an address has attempts of their own there; all other places share theirs."""
    few = ROOMY._replace(sign_in_per_account=Limit(f"test-{address()}", 3, 60))
    async with run(attempts=few) as api:
        email = address()
        home, stranger, elsewhere = (on_behalf_of(api, f"203.0.113.{number}") for number in (1, 2, 3))
        async with home, stranger, elsewhere:

            async def tried(client: httpx.AsyncClient, password: str = PASSWORD) -> int:
                body = {"email": email, "password": password}
                return (await client.post("/auth/sign-in", json=body)).status_code

            body = {"email": email, "password": PASSWORD, "full_name": "Ada Lovelace"}
            assert (await home.post("/auth/sign-up", json=body)).status_code == 201
            guesses = [await tried(stranger, "wrong password") for _ in range(4)]
            assert guesses == [401, 401, 401, 429]
            assert await tried(home) == 200
            assert await tried(elsewhere) == 429
            # Guessing is bounded at a known place too.
            assert [await tried(home, "wrong password") for _ in range(3)] == [401, 401, 429]


async def test_a_place_is_known_by_signing_in_there(run: Run) -> None:
    few = ROOMY._replace(sign_in_per_account=Limit(f"test-{address()}", 2, 60))
    async with run(attempts=few) as api:
        email = address()
        await api.sign_up(email)
        async with on_behalf_of(api, "203.0.113.4") as office, on_behalf_of(api, "203.0.113.5") as stranger:
            right, wrong = ({"email": email, "password": word} for word in (PASSWORD, "wrong password"))
            assert (await office.post("/auth/sign-in", json=right)).status_code == 200
            codes = [(await stranger.post("/auth/sign-in", json=wrong)).status_code for _ in range(2)]
            assert codes == [401, 429]
            assert (await office.post("/auth/sign-in", json=right)).status_code == 200


@pytest.mark.usefixtures("no_work")
async def test_throttle_per_client_and_not_of_other_clients(run: Run) -> None:
    few = ROOMY._replace(
        sign_in_per_client=Limit(f"test-{address()}", 2, 60), sign_up_per_client=Limit(f"test-{address()}", 1, 60)
    )
    async with run(attempts=few) as api:
        assert (await api.sign_up()).status_code == 201
        assert (await api.sign_up()).status_code == 429
        codes = [(await api.sign_in(address(), "wrong password")).status_code for _ in range(3)]
        assert codes == [401, 401, 429]
        async with on_behalf_of(api, "203.0.113.9") as other:
            body = {"email": address(), "password": "wrong password"}
            assert (await other.post("/auth/sign-in", json=body)).status_code == 401


async def test_redis_holds_no_address(api: Api) -> None:
    email = address()
    await api.sign_in(email, "wrong password")
    keys = await api.redis.execute("KEYS", "*")
    assert any(b"limit" in key for key in keys)
    assert not any(email.encode() in key for key in keys)


async def test_cookie_attributes(run: Run, api: Api) -> None:
    value = (await api.sign_up()).headers["set-cookie"]
    attributes = {part.strip().lower() for part in value.split(";")[1:]}
    assert attributes == {"httponly", "samesite=lax", "path=/", f"max-age={COOKIE_SECONDS}"}
    assert len(cookie_of(await api.sign_up())) == 43


def test_cookie_is_secure_outside_local_mode() -> None:
    assert SessionCookies(secure=True).carrying("x").secure
    assert SessionCookies(secure=True).removed().secure


async def test_sign_out_ends_session_and_access_at_once(api: Api) -> None:
    signed_up = await api.sign_up()
    cookie, token = cookie_of(signed_up), signed_up.json()["access_token"]
    other = await api.sign_in(signed_up.json()["user"]["email"])
    assert (await api.get("/me", token)).status_code == 200
    signed_out = await api.with_cookie("/auth/sign-out", cookie)
    assert (signed_out.status_code, signed_out.content) == (204, b"")
    removal = signed_out.headers["set-cookie"].lower()
    assert removal.startswith(('ocsuite_session="";', "ocsuite_session=;"))
    assert {"max-age=0", "path=/", "httponly"} <= {part.strip() for part in removal.split(";")}
    refused = [await api.get("/me", token), await api.with_cookie("/auth/token", cookie)]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")
    assert (await api.with_cookie("/auth/sign-out", cookie)).status_code == 204
    assert (await api.get("/me", other.json()["access_token"])).status_code == 200
    assert (await api.with_cookie("/auth/token", cookie_of(other))).status_code == 200


async def test_sign_out_while_redis_is_away_ends_the_session(api: Api) -> None:
    signed_up = await api.sign_up()
    await api.redis.close()
    assert (await api.with_cookie("/auth/sign-out", cookie_of(signed_up))).status_code == 204
    assert (await api.with_cookie("/auth/token", cookie_of(signed_up))).status_code == 401
    assert (await api.get("/me", signed_up.json()["access_token"])).status_code == 200


@pytest.mark.parametrize("cookie", [None, "", "unknown", "x" * 5000, "caf\xe9"])
async def test_cookies_that_open_nothing(api: Api, cookie: str | None) -> None:
    answer = await api.with_cookie("/auth/token", cookie)
    assert answer.status_code == 401
    assert answer.json()["code"] == ("session_expired" if cookie else "unauthenticated")
    assert (await api.with_cookie("/auth/sign-out", cookie)).status_code == 204


async def test_session_of_a_deleted_person(api: Api) -> None:
    signed_up = await api.sign_up()
    await api.sql("DELETE FROM users WHERE id = :id", id=UUID(signed_up.json()["user"]["id"]))
    for answer in (
        await api.with_cookie("/auth/token", cookie_of(signed_up)),
        await api.get("/me", signed_up.json()["access_token"]),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")
    assert (await api.sign_in(signed_up.json()["user"]["email"])).json()["code"] == "wrong_credentials"


async def test_session_slides_once_a_day_and_ends_unused(api: Api) -> None:
    signed_up = await api.sign_up()
    cookie, who = cookie_of(signed_up), UUID(signed_up.json()["user"]["id"])
    assert "set-cookie" not in (await api.with_cookie("/auth/token", cookie)).headers
    move = "UPDATE sessions SET expires_at = now() + make_interval(days => :days) WHERE user_id = :who"
    await api.sql(move, days=10, who=who)
    renewed = await api.with_cookie("/auth/token", cookie)
    assert cookie_of(renewed) == cookie
    ((days,),) = await api.sql("SELECT expires_at - now() FROM sessions WHERE user_id = :who", who=who)
    assert 29.9 < days.total_seconds() / 86400 <= 30
    await api.sql(move, days=-1, who=who)
    assert (await api.with_cookie("/auth/token", cookie)).json()["code"] == "session_expired"


FOREIGN = ["https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost:3001", ""]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_other_sites_cannot_use_the_cookie(api: Api, origin: str) -> None:
    signed_up = await api.sign_up()
    cookie = cookie_of(signed_up)
    body = {"email": signed_up.json()["user"]["email"], "password": PASSWORD}
    answers = [
        await api.with_cookie("/auth/token", cookie, Origin=origin),
        await api.with_cookie("/auth/sign-out", cookie, Origin=origin),
        await api.http.post("/auth/sign-in", json=body, headers={"Origin": origin}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "set-cookie" not in answer.headers
    assert (await api.with_cookie("/auth/token", cookie, Origin=ORIGIN)).status_code == 200


async def test_token_names_the_party(api: Api) -> None:
    cookie = cookie_of(await api.sign_up())
    for headers, party in (({"Origin": ORIGIN}, ORIGIN), ({}, api.settings.api_url)):
        token = (await api.with_cookie("/auth/token", cookie, **headers)).json()["access_token"]
        payload = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert claims["azp"] == party
        assert set(claims) == {"azp", "exp", "iat", "iss", "nbf", "sid", "sts", "sub", "v"}
        assert claims["exp"] - claims["iat"] == 60
        assert claims["v"] == 2


async def test_bodies_must_be_json(api: Api) -> None:
    """A form of another site can send text, but not application/json."""
    text = '{"email": "a@example.com", "password": "correct horse battery"}'
    answer = await api.http.post("/auth/sign-in", content=text, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_nothing_secret_is_logged(log: io.BytesIO, run: Run) -> None:
    async with run() as api:
        signed_up = await api.sign_up()
        token, cookie = signed_up.json()["access_token"], cookie_of(signed_up)
        renewed = (await api.with_cookie("/auth/token", cookie)).json()["access_token"]
        await api.get("/me", token)
        await api.get("/me", token[:-4] + "AAAA")
        await api.sign_in(address(), "a very wrong password")
        await api.redis.close()
        await api.with_cookie("/auth/sign-out", cookie)
    text = log.getvalue().decode()
    assert text.count('"event":"request"') == 6
    assert '"event":"revocation_not_shared"' in text
    assert f'"user_id":"{signed_up.json()["user"]["id"]}"' in text
    for secret in (token, renewed, cookie, PASSWORD, "a very wrong password", token.split(".")[2]):
        assert secret not in text


async def test_clerk_mode_has_no_accounts(run: Run) -> None:
    clerk = {
        "CLERK_ISSUER": "http://127.0.0.1:1",
        "CLERK_AUTHORIZED_PARTIES": "https://app.example.com",
        "CLERK_PUBLISHABLE_KEY": "pk_test",
    }
    async with run(**clerk) as api:
        answers = [await api.sign_up(), await api.sign_in(address())]
        answers += [await api.with_cookie(path, "x") for path in ("/auth/token", "/auth/sign-out")]
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.usefixtures("no_work")
async def test_the_products_limits_hold_by_default(run: Run) -> None:
    async with run(attempts=None) as api:
        unknown = address()
        codes = [(await api.sign_in(unknown, "wrong password")).status_code for _ in range(21)]
        assert codes == [401] * 20 + [429]
    assert (
        default_attempts(local=False).sign_in_per_client.quota < default_attempts(local=True).sign_in_per_client.quota
    )


async def test_addresses_that_look_alike_are_one_account(api: Api) -> None:
    email = address()
    name, _, domain = email.partition("@")
    assert (await api.sign_up(f"in{name}@{domain}")).status_code == 201
    assert (await api.sign_up(f"sj{name}@{domain}")).status_code == 201
    # Dotless i in Latin alone, and a whole word in Cyrillic: nothing about them is mixed.
    assert (await api.sign_up("хаос@" + domain)).status_code == 201
    for alike in (f"ın{name}@{domain}", "xaoc@" + domain):
        taken = await api.sign_up(alike)
        assert (taken.status_code, taken.json()["code"]) == (409, "email_taken"), alike
    assert (await api.sign_in(f"ın{name}@{domain}")).status_code == 401, "one that looks alike is not the same"


@pytest.mark.parametrize(
    "email", ["\u0430da@example.com", "ａda@example.com", "a\u200bda@example.com", "a\U000e0041@b.cd"]
)
async def test_addresses_that_mislead_are_refused(api: Api, email: str) -> None:
    answer = await api.sign_up(email)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["path"] for error in answer.json()["errors"]] == ["$.email"]


async def test_a_persons_name_is_kept_as_it_is_seen(api: Api) -> None:
    answer = await api.sign_up(full_name=" Ada\u202e \u200bLove\u00adlace ")
    assert answer.json()["user"]["full_name"] == "Ada Lovelace"
    nameless = await api.sign_up(full_name="\u3164\u200b")
    assert (nameless.status_code, nameless.json()["errors"][0]["path"]) == (422, "$.full_name")
