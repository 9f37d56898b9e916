"""The client against a real HTTP server: what it sends, what it makes of answers, and what it does when none comes."""

import gzip
import json
import socket

import httpx
import pytest

from module_sdk.api.client import ApiClient, ApiError, ApiUnavailable, TenantClient, UnexpectedReplyError
from module_sdk.api.csuite import ChatRequest
from module_sdk.api.identity import SignIn, SignUp
from module_sdk.api.tenants import TenantCreate
from tests.module_sdk.fake_api import Answer, FakeApi, not_found, problem, reply
from tests.module_sdk.samples import CONVERSATION, MESSAGE, SAID, SIGNED_IN, TENANT, TENANT_ROW, USER

COOKIE = "ocsuite_session=s3cr3t; HttpOnly; Path=/; SameSite=Lax; Max-Age=3600"


async def test_signing_in_gives_the_token_and_the_cookie(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", "/auth/sign-in", reply(SIGNED_IN, headers=[("set-cookie", "a=b"), ("set-cookie", COOKIE)]))
    session = await api.sign_in(SignIn(email="ada@example.com", password="correct horse"))
    assert session.signed_in.access_token == "a.b.c"
    assert session.signed_in.user.full_name == "Ada"
    assert (session.cookie.name, session.cookie.value, session.cookie.max_age) == ("ocsuite_session", "s3cr3t", 3600)
    assert session.cookie.header == COOKIE
    assert "s3cr3t" not in repr(session)
    sent = fake.seen[0]
    assert json.loads(sent.body) == {"email": "ada@example.com", "password": "correct horse"}
    assert sent.headers["content-type"] == "application/json"
    assert "authorization" not in sent.headers


async def test_signing_up_refreshing_and_signing_out(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", "/auth/sign-up", reply(SIGNED_IN, 201, [("set-cookie", COOKIE)]))
    fake.queue("POST", "/auth/token", reply({"access_token": "d.e.f", "expires_in": 60}))
    gone = "ocsuite_session=; HttpOnly; Max-Age=0"
    fake.queue("POST", "/auth/sign-out", Answer(204, headers=[("set-cookie", gone)]))
    session = await api.sign_up(SignUp(email="ada@example.com", password="correct horse battery", full_name="Ada"))
    renewal = await api.refresh(session.cookie.pair)
    assert (renewal.token.access_token, renewal.cookie) == ("d.e.f", None)
    ended = await api.sign_out(session.cookie.pair)
    assert ended is not None
    assert (ended.value, ended.max_age) == ("", 0)
    assert [seen.headers.get("cookie") for seen in fake.seen] == [None, *["ocsuite_session=s3cr3t"] * 2]


async def test_a_session_without_its_cookie_is_refused(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", "/auth/sign-in", reply(SIGNED_IN, headers=[("set-cookie", "theme=dark")]))
    with pytest.raises(UnexpectedReplyError, match="cookie"):
        await api.sign_in(SignIn(email="a@b.c", password="x"))


async def test_a_shared_http_client_keeps_people_apart(fake: FakeApi) -> None:
    fake.queue("POST", "/auth/sign-in", reply(SIGNED_IN, headers=[("set-cookie", COOKIE)]))
    fake.queue("GET", "/me", reply({"user": USER, "memberships": []}))
    async with httpx.AsyncClient(headers={"Authorization": "Bearer other"}, cookies={"old": "cookie"}) as http:
        ada, bob = ApiClient(fake.url, http=http, token="ada"), ApiClient(fake.url, http=http)
        await ada.sign_in(SignIn(email="a@b.c", password="x"))
        await ada.me()
        await bob.me()
        await ada.aclose()
        assert not http.is_closed
    assert [seen.headers.get("authorization") for seen in fake.seen[1:]] == ["Bearer ada", None]
    assert all("cookie" not in seen.headers for seen in fake.seen)


async def test_stopping_and_deleting(fake: FakeApi, api: ApiClient) -> None:
    acme: TenantClient = api.for_tenant(TENANT)
    fake.queue("DELETE", f"/c-suite/conversations/{CONVERSATION}", Answer(204))
    fake.queue("POST", f"/c-suite/messages/{MESSAGE}/stop", reply({**SAID, "status": "stopped"}, 202))
    await acme.delete_conversation(CONVERSATION)
    assert (await acme.stop(MESSAGE)).status == "stopped"
    assert [seen.method for seen in fake.seen] == ["DELETE", "POST"]


async def test_a_problem_becomes_an_api_error(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("GET", "/me", problem(429, "rate_limited", [("retry-after", "7")]))
    with pytest.raises(ApiError) as caught:
        await api.me()
    assert (caught.value.problem.code, caught.value.problem.status, caught.value.retry_after) == (
        "rate_limited",
        429,
        7.0,
    )
    assert len(fake.seen) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(502, b"<html>", [("content-type", "text/html")]), ApiUnavailable),
        (Answer(500, b"oops", [("content-type", "text/plain")]), UnexpectedReplyError),
        (Answer(302, b"", [("location", "/elsewhere")]), UnexpectedReplyError),
        (Answer(400, b"{", [("content-type", "application/problem+json")]), UnexpectedReplyError),
        (Answer(200, b"{}"), UnexpectedReplyError),
        (Answer(200, b"not json"), UnexpectedReplyError),
        (Answer(200, b'"\xff"'), UnexpectedReplyError),
        (Answer(200, b"{}", [("content-encoding", "gzip")]), UnexpectedReplyError),
    ],
)
async def test_answers_outside_the_contract(
    fake: FakeApi, api: ApiClient, answer: Answer, error: type[Exception]
) -> None:
    fake.queue("GET", "/me", answer)
    with pytest.raises(error):
        await api.me()


async def test_compressed_answers_are_read(fake: FakeApi, api: ApiClient) -> None:
    body = gzip.compress(json.dumps({"user": USER, "memberships": []}).encode())
    fake.queue("GET", "/me", Answer(200, body, [("content-encoding", "gzip")]))
    assert (await api.me()).memberships == []


async def test_a_stopped_api_is_unavailable_and_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with ApiClient(f"http://127.0.0.1:{port}") as api:
        with pytest.raises(ApiUnavailable, match="cannot be reached") as caught:
            await api.me()
    assert not caught.value.may_have_arrived


async def test_a_silent_api_is_unavailable(fake: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("module_sdk.api.client.transport.REQUEST_TIMEOUT", httpx.Timeout(0.1))
    fake.queue("GET", "/me", Answer(200, b"{", hang=True))
    async with ApiClient(fake.url) as api:
        with pytest.raises(ApiUnavailable, match="in time") as caught:
            await api.me()
    assert caught.value.may_have_arrived


async def test_only_repeatable_requests_are_repeated(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("GET", "/me", Answer(cut=True), reply({"user": USER, "memberships": []}))
    fake.queue("POST", "/tenants", Answer(cut=True), reply(TENANT_ROW))
    fake.queue("DELETE", f"/c-suite/conversations/{CONVERSATION}", Answer(cut=True), Answer(204))
    await api.me()
    await api.create_tenant(TenantCreate(name="Acme"), idempotency_key="k1")
    with pytest.raises(ApiUnavailable):
        await api.for_tenant(TENANT).delete_conversation(CONVERSATION)
    assert [seen.method for seen in fake.seen] == ["GET", "GET", "POST", "POST", "DELETE"]
    assert [seen.headers["idempotency-key"] for seen in fake.requests("POST", "/tenants")] == ["k1", "k1"]


async def test_an_expired_token_is_replaced_once(fake: FakeApi, api: ApiClient) -> None:
    tokens = iter(["old", "new", "newer", "newest"])

    async def provider() -> str:
        return next(tokens)

    fake.queue(
        "GET", "/me", problem(401, "session_expired"), reply({"user": USER, "memberships": []}), problem(401, "x")
    )
    ada = api.with_token(provider)
    await ada.me()
    assert [seen.headers["authorization"] for seen in fake.seen] == ["Bearer old", "Bearer new"]
    with pytest.raises(ApiError):
        await ada.me()
    assert len(fake.seen) == 4


async def test_a_refused_fixed_token_is_not_tried_again(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("GET", "/me", problem(401, "unauthenticated"))
    with pytest.raises(ApiError):
        await api.me()
    assert len(fake.seen) == 1


async def test_derived_clients_leave_the_first_as_it_is(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("GET", "/me", reply({"user": USER, "memberships": []}))
    await api.with_headers({"X-Forwarded-For": "192.0.2.1"}).with_token("other").me()
    async with api.with_token(None) as anonymous:
        await anonymous.me()
    await api.me()
    assert [seen.headers.get("authorization") for seen in fake.seen] == ["Bearer other", None, "Bearer tok"]
    assert [seen.headers.get("x-forwarded-for") for seen in fake.seen] == ["192.0.2.1", None, None]


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://x:99999", "http://x/?q=1", "localhost:8000"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"base_url|[Pp]ort"):
        ApiClient(url)


@pytest.mark.parametrize("secret", ["a\r\nX-Admin: 1", "ü", "a\x00b"])
async def test_nothing_smuggles_a_header(api: ApiClient, secret: str) -> None:
    with pytest.raises(ValueError, match="'Authorization'") as caught:
        api.with_token(secret)
    assert secret not in str(caught.value)
    with pytest.raises(ValueError, match="'X-Y'"):
        api.with_headers({"X-Y": secret})
    with pytest.raises(ValueError, match="'Cookie'"):
        await api.refresh(secret)


async def test_a_prefix_is_kept_and_segments_are_quoted(fake: FakeApi) -> None:
    fake.queue("POST", "/api/c-suite/a%2Fb%3F/chat", not_found())
    async with ApiClient(fake.url + "/api/") as api:
        with pytest.raises(ApiError):
            await anext(api.for_tenant(TENANT).chat(ChatRequest(message="x"), executive="a/b?"))
    assert fake.seen[0].path == "/api/c-suite/a%2Fb%3F/chat"
