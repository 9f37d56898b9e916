"""Tokens and tickets: renewed once, used once, forgotten in time."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from frontend.platform import runtime
from frontend.platform.edge import content_security_policy
from frontend.platform.last_companies import remembered, remembering
from frontend.platform.server import server_config
from frontend.platform.session import sign_in_address
from frontend.platform.session_routes import relative_path, session_routes
from frontend.platform.settings import WebSettings, WebSettingsError, clerk_host
from module_sdk.api.client import ApiClient, ApiError, SessionCookie
from tests.frontend.fake_api import World, create_fake
from tests.frontend.kit import visitor

COOKIE = SessionCookie(name="ocsuite_session", value="secret-value", max_age=3600, header="")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def api_with(world: World) -> ApiClient:
    transport = httpx.ASGITransport(app=create_fake(world))  # type: ignore[arg-type]  # Litestar is an ASGI app
    return ApiClient("http://api.test", http=httpx.AsyncClient(transport=transport))


async def test_many_askers_cause_one_renewal_and_the_last_seconds_another() -> None:
    world, clock = World(sessions={"s1": "ada@example.com"}), Clock()
    cache, api = runtime.AccessTokens(clock), api_with(world)
    tokens = await asyncio.gather(*(cache.get(api, "s1") for _ in range(20)))
    assert len(set(tokens)) == 1
    assert world.renewals == 1
    clock.now += 49.9
    assert await cache.get(api, "s1") == tokens[0]
    clock.now += 0.2
    assert await cache.get(api, "s1") != tokens[0]
    assert world.renewals == 2


async def test_dropped_token_is_asked_for_again_and_an_ended_session_is_refused() -> None:
    world = World(sessions={"s1": "ada@example.com"})
    cache, api = runtime.AccessTokens(), api_with(world)
    await cache.get(api, "s1")
    world.sessions.clear()
    cache.drop("s1")
    with pytest.raises(ApiError):
        await cache.get(api, "s1")


def test_ticket_works_once_and_for_thirty_seconds() -> None:
    clock = Clock()
    tickets = runtime.Tickets(clock)
    name = tickets.issue(COOKIE, "/dashboard")
    redeemed = tickets.redeem(name)
    assert redeemed is not None
    assert redeemed.cookie == COOKIE
    assert tickets.redeem(name) is None
    late = tickets.issue(COOKIE, "/")
    clock.now += 30
    assert tickets.redeem(late) is None


def test_nothing_held_shows_itself_in_a_log() -> None:
    cache = runtime.AccessTokens()
    assert "secret-value" not in repr(COOKIE)
    assert "secret-value" not in repr(cache)
    assert runtime.fingerprint("secret-value") != "secret-value"


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/a\nb", "/a\\b"]
)
def test_only_paths_of_this_site_are_gone_to(path: str) -> None:
    assert relative_path(path) == "/"


def test_paths_of_this_site_are_gone_to() -> None:
    assert relative_path("/chat/1?q=a%20b#c") == "/chat/1?q=a%20b#c"


def settings(**environ: str) -> WebSettings:
    return WebSettings.load({"OCSUITE_DATA_DIR": "data", **environ})


def test_adopting_sets_the_cookie_once_and_only_from_this_site() -> None:
    run = runtime.Runtime(settings(OCSUITE_ENV="production"))
    client = visitor(session_routes(run))
    name = run.tickets.issue(COOKIE, "/settings")
    refused = client.get(f"/session/adopt?ticket={name}", headers={"Sec-Fetch-Site": "cross-site"})
    assert "set-cookie" not in refused.headers
    adopted = client.get(f"/session/adopt?ticket={name}", headers={"Sec-Fetch-Site": "same-origin"})
    assert adopted.status_code == 303
    assert adopted.headers["location"] == "/settings"
    cookie = adopted.headers["set-cookie"]
    assert all(
        part in cookie
        for part in ("ocsuite_session=secret-value", "HttpOnly", "SameSite=lax", "Secure", "Max-Age=3600")
    )
    assert "set-cookie" not in client.get(f"/session/adopt?ticket={name}").headers


def test_ending_needs_a_ticket() -> None:
    run = runtime.Runtime(settings())
    client = visitor(session_routes(run))
    assert "set-cookie" not in client.get("/session/end").headers
    ended = client.get(f"/session/end?ticket={run.tickets.issue(None, '/sign-in')}")
    assert 'ocsuite_session="";' in ended.headers["set-cookie"]
    assert "Secure" not in ended.headers["set-cookie"]


def test_session_is_read_from_a_cookie_header() -> None:
    assert runtime.session_value("a=b; ocsuite_session=xyz; c=d") == "xyz"
    assert runtime.session_value("") is None
    assert runtime.session_value("other=1") is None


def test_policy_names_the_inline_scripts_and_allows_no_evaluation() -> None:
    policy = content_security_policy(b"<script>alert(1)</script>", clerk_host="", tls=True)
    assert "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "upgrade-insecure-requests" in policy


def test_settings_refuse_what_is_no_port_and_no_key() -> None:
    assert settings(OCSUITE_API_PORT="8123").api_url == "http://127.0.0.1:8123"
    assert settings().data_dir == Path("data").resolve()
    for address in ("http://h:70000", "http://h:x", "ftp://h", "h:8000", "http://"):
        with pytest.raises(WebSettingsError, match="OCSUITE_API_URL"):
            settings(OCSUITE_API_URL=address)
    for text in ("0", "65536", "x", "-1", "\uff11", "9" * 5000):
        with pytest.raises(WebSettingsError, match="OCSUITE_WEB_PORT"):
            settings(OCSUITE_WEB_PORT=text)
    assert clerk_host("pk_test_Y2xldmVyLWNhdC0xMi5jbGVyay5hY2NvdW50cy5kZXYk") == "clever-cat-12.clerk.accounts.dev"
    for key in ("pk_test_", "pk_test_???", "pk_test_aHR0cHM6Ly9ldmlsIA"):
        with pytest.raises(WebSettingsError, match="CLERK_PUBLISHABLE_KEY"):
            clerk_host(key)


def test_proxies_are_networks() -> None:
    loaded = WebSettings.load({"OCSUITE_TRUSTED_PROXIES": "172.30.0.7/24, 10.0.0.1"})
    assert loaded.trusted_proxies == ("172.30.0.0/24", "10.0.0.1/32")
    assert loaded.forward_client_address
    assert not WebSettings.load({}).forward_client_address
    with pytest.raises(WebSettingsError, match="OCSUITE_TRUSTED_PROXIES"):
        WebSettings.load({"OCSUITE_TRUSTED_PROXIES": "everybody"})


async def test_a_visitor_behind_trusted_proxies_is_known_by_their_own_address() -> None:
    """Otherwise all visitors would share the proxy's address, and with it its rate limits."""
    seen: list[object] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["client"])

    settings = WebSettings.load({"OCSUITE_TRUSTED_PROXIES": "172.30.0.0/24"})
    config = server_config(settings, app)
    config.load()
    forwarded = [(b"x-forwarded-for", b"6.6.6.6, 203.0.113.9, 172.30.0.9")]

    async def nothing(*_: object) -> Any:
        return None

    for peer in ("172.30.0.5", "198.51.100.1"):
        scope = {
            "type": "http",
            "client": (peer, 1),
            "scheme": "http",
            "headers": forwarded,
            "method": "GET",
            "path": "/",
        }
        await config.loaded_app(scope, nothing, nothing)
    assert seen == [("203.0.113.9", 0), ("198.51.100.1", 1)]


def clerk_token(**claims: str) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{payload}.signature"


def test_clerk_tokens_are_clerks_and_no_longer_than_the_api_accepts() -> None:
    held, token = runtime.ClerkTokens(), clerk_token(sub="user_1", sid="sess_1")
    held.put("browser", token + "t" * (runtime.MAX_TOKEN_CHARS - len(token)))
    assert held.get("browser")
    for refused in (token + "t" * runtime.MAX_TOKEN_CHARS, "", "t", "a.b.c", clerk_token(sid="sess_1")):
        held.put("browser", token)
        held.put("browser", refused)
        assert held.get("browser") is None
    held.put("", token)
    assert held.get("") is None


def test_clerks_session_is_the_browsers_and_ends_with_its_account() -> None:
    run = runtime.Runtime(settings(OCSUITE_ENV="production", CLERK_PUBLISHABLE_KEY="pk_test_x"))
    cookie = f"{run.browser_cookie}=b1"
    first = clerk_token(sub="user_1", sid="sess_1")
    run.clerk.put("b1", first)
    session = run.session_of(cookie)
    assert session is not None
    assert run.clerk.token(session) == first
    assert run.session_of(f"{run.browser_cookie}=b2") is None
    assert run.session_of("") is None
    assert "b1" not in session
    run.clerk.put("b1", f"{first}2")
    assert run.session_of(cookie) == session
    run.clerk.put("b1", clerk_token(sub="user_2", sid="sess_2"))
    assert run.session_of(cookie) not in (None, session)
    assert run.clerk.token(session) == ""


def test_hosts_are_the_same_as_the_apis() -> None:
    hosts = settings(OCSUITE_WEB_ORIGINS="http://box.test:3000").hosts
    assert hosts == frozenset({"localhost", "127.0.0.1", "[::1]", "box.test"})
    assert settings(OCSUITE_WEB_HOST="0.0.0.0").hosts is None
    assert settings(OCSUITE_ENV="production").hosts is None


@pytest.mark.parametrize("name", ["OCSUITE_WEB_ORIGINS", "OCSUITE_API_URL"])
@pytest.mark.parametrize("text", ["app.example.com", "http://127.0.0.1:70000", "http://[::1", "ftp://app.example.com"])
def test_settings_refuse_what_is_no_address(name: str, text: str) -> None:
    with pytest.raises(WebSettingsError, match=f"^{name}: "):
        settings(**{name: text})


def test_way_back_is_bounded() -> None:
    assert relative_path("/" + "x" * 2047) != "/"
    assert relative_path("/" + "x" * 2048) == "/"
    assert sign_in_address("/audit", "x" * 3000, "expired") == "/sign-in?reason=expired"
    assert sign_in_address("/audit", "q=1", "") == "/sign-in?next=%2Faudit%3Fq%3D1"


def test_a_browser_remembers_the_last_company_of_a_few_accounts() -> None:
    text = ""
    for number in range(7):
        text = remembering(remembered(text), f"user-{number}", f"company-{number}")
    assert remembered(text) == {f"user-{number}": f"company-{number}" for number in range(2, 7)}
    assert remembered(remembering(remembered(text), "user-3", "company-9"))["user-3"] == "company-9"
    for odd in ("x", "[]", '{"a":1}', '{"a":' * 5000):
        assert remembered(odd) == {}


def test_server_takes_the_protocols_it_is_given() -> None:
    class Guarded(asyncio.Protocol):
        pass

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return None

    config = server_config(settings(), app, http=Guarded, ws="websockets")
    assert config.http is Guarded
    assert config.ws == "websockets"
    assert config.ws_max_size == 128 * 1024
