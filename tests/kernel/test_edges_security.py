"""Hosts, origins, body sizes and the headers of every answer."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from backend.kernel.db.database import Database
from backend.kernel.http.security import hosts_of
from backend.settings import Settings
from tests.kernel.edge_app import Client, bearer, edge_client

OURS = "https://app.example.com"


@pytest.fixture
async def client(settings: Settings, db: Database) -> AsyncIterator[Client]:
    hosted = replace(settings, env="staging", web_origins=frozenset({OURS}), metrics_token="a-token-for-metrics")
    async with edge_client(hosted, db) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/things", "/nowhere", "/health/live", "/faults/bug", "/schema/openapi.json"])
async def test_headers_of_every_answer(client: Client, path: str) -> None:
    headers = (await client.get(path, headers=bearer())).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["strict-transport-security"].startswith("max-age=63072000")
    assert headers["cache-control"] == "no-store"
    assert headers["vary"] == "Origin"
    assert len(headers.get_list("x-request-id")) == 1


async def test_no_hsts_on_a_developers_machine(settings: Settings, db: Database) -> None:
    async with edge_client(settings, db) as local:
        assert "strict-transport-security" not in (await local.get("/health/live")).headers


async def test_cors_for_our_origin(client: Client) -> None:
    answer = await client.get("/things", headers={**bearer(), "Origin": OURS})
    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "ratelimit" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", OURS + ".evil.example", OURS.upper(), "*"])
async def test_no_cors_for_others(client: Client, origin: str) -> None:
    answer = await client.get("/things", headers={**bearer(), "Origin": origin})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_preflight(client: Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-tenant-id"}
    ours = await client.options("/acts", headers={"Origin": OURS, **asked})
    others = await client.options("/acts", headers={"Origin": "https://evil.example", **asked})
    assert ours.status_code == others.status_code == 204
    assert "x-tenant-id" in ours.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in others.headers
    assert "access-control-allow-methods" not in others.headers


async def test_errors_are_readable_by_our_page(client: Client) -> None:
    answer = await client.get("/nowhere", headers={"Origin": OURS})
    assert answer.headers["access-control-allow-origin"] == OURS


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": OURS}, 422),
        ({"Sec-Fetch-Site": "same-origin"}, 422),
        ({}, 422),
    ],
)
async def test_cookies_act_for_our_pages_alone(client: Client, headers: dict[str, str], status: int) -> None:
    answer = await client.post("/sign-up", json={}, headers={"Cookie": "session=x", **headers})
    assert answer.status_code == status


async def test_foreign_pages_may_still_use_bearer_tokens_without_cookies(client: Client) -> None:
    answer = await client.post("/sign-up", json={}, headers={"Origin": "https://partner.example"})
    assert answer.status_code == 422


async def test_chunked_bodies_are_counted(client: Client) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(64):
            read += 1
            yield b" " * 65_536

    answer = await client.post("/sign-up", content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert answer.json()["extra"] == {"max_bytes": 1_048_576}


async def test_exactly_the_limit_is_accepted(client: Client) -> None:
    body = b'{"email":1}'.ljust(1_048_576)
    answer = await client.post("/sign-up", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8000"])
async def test_rebound_names_are_refused_locally(settings: Settings, db: Database, host: str) -> None:
    async with edge_client(settings, db) as local:
        answer = await local.get("/health/live", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "wrong_host")
        for fine in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
            assert (await local.get("/health/live", headers={"Host": fine})).status_code == 200


def test_hosted_names_belong_to_the_proxy(settings: Settings) -> None:
    assert hosts_of(replace(settings, env="production")) is None
    assert hosts_of(replace(settings, api_host="0.0.0.0")) is None


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(token.encode()).decode()}


@pytest.mark.parametrize(
    ("client_address", "headers", "status"),
    [
        (("203.0.113.9", 5), {}, 401),
        (("203.0.113.9", 5), {"Authorization": "Bearer a-token-for-metrics"}, 200),
        (("203.0.113.9", 5), {"Authorization": "Bearer a-token-for-metricz"}, 401),
        (("203.0.113.9", 5), basic("a-token-for-metrics"), 401),
        (("203.0.113.9", 5), {"X-Forwarded-For": "127.0.0.1"}, 401),
        (("127.0.0.1", 5), {"X-Forwarded-For": "203.0.113.9"}, 401),
        (("127.0.0.1", 5), {}, 200),
    ],
)
async def test_metrics_are_not_for_everybody(
    client: Client, client_address: tuple[str, int], headers: dict[str, str], status: int
) -> None:
    app = client.app.asgi_handler

    async def from_there(scope: Any, receive: Any, send: Any) -> None:
        scope["client"] = client_address
        await app(scope, receive, send)

    client.app.asgi_handler = from_there
    assert (await client.get("/metrics", headers=headers)).status_code == status
