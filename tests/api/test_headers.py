"""What every answer of every operation carries, good or bad, and which pages may read it."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.settings import Settings
from tests.api.operations import Operation, operations
from tests.conftest import SignIn

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-site",
    "cache-control": "no-store",
}
OURS = "http://localhost:3000"
FOREIGN = "https://evil.example"


@pytest.fixture
def ours(settings: Settings) -> str:
    """An origin of the web app."""
    return next(iter(settings.web_origins))


async def answers(client: httpx.AsyncClient, operation: Operation, **headers: str) -> list[httpx.Response]:
    """To a request without a token or a body, and to one of a method that the path lacks."""
    path = operation.at({}, str(uuid4()))
    return [
        await client.request(operation.method, path, headers=headers),
        await client.request("TRACE", path, headers=headers),
    ]


async def test_every_answer_is_guarded_and_has_an_id(document: dict[str, Any], api_url: str) -> None:
    async with httpx.AsyncClient(base_url=api_url) as client:
        found = [await client.get("/nowhere"), await client.get("/%00"), await client.get("/metrics")]
        found += [await client.get("/schema/openapi.json"), await client.options("/me")]
        for operation in operations(document):
            found += await answers(client, operation)
    assert {answer.status_code for answer in found} >= {200, 204, 401, 404, 405, 422}
    for answer in found:
        name = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        assert {key: answer.headers.get(key) for key in SECURITY} == SECURITY, name
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"]), name
        assert "access-control-allow-origin" not in answer.headers, name
        assert "strict-transport-security" not in answer.headers, "a promise that a developer's machine cannot keep"
        assert "origin" in answer.headers["vary"].lower(), name


async def test_request_ids_come_back(document: dict[str, Any], api_url: str) -> None:
    sent = f"test.{uuid4().hex}"
    async with httpx.AsyncClient(base_url=api_url, headers={"X-Request-Id": sent}) as client:
        for operation in operations(document):
            for answer in await answers(client, operation):
                assert answer.headers["x-request-id"] == sent
                if answer.headers.get("content-type") == "application/problem+json":
                    assert answer.json()["request_id"] == sent


async def test_only_our_pages_may_read(document: dict[str, Any], api_url: str, ours: str) -> None:
    async with httpx.AsyncClient(base_url=api_url) as client:
        for operation in operations(document):
            for answer in await answers(client, operation, Origin=ours):
                assert answer.headers["access-control-allow-origin"] == ours
                assert answer.headers["access-control-allow-credentials"] == "true"
                assert "x-request-id" in answer.headers["access-control-expose-headers"]
            for origin in (FOREIGN, "null", ours + ".evil.example", ours.replace("http", "https"), ours.upper()):
                for answer in await answers(client, operation, Origin=origin):
                    assert not [key for key in answer.headers if key.startswith("access-control")], origin


async def test_preflight(document: dict[str, Any], api_url: str, ours: str) -> None:
    async with httpx.AsyncClient(base_url=api_url) as client:
        for operation in operations(document):
            wanted = {"Access-Control-Request-Method": operation.method}
            path = operation.at({}, str(uuid4()))
            allowed = await client.options(path, headers={"Origin": ours, **wanted})
            assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, ours)
            assert operation.method in allowed.headers["access-control-allow-methods"].split(", ")
            named = {name.strip() for name in allowed.headers["access-control-allow-headers"].split(",")}
            needed = {parameter["name"].lower() for parameter in operation.parameters("header")}
            assert needed | {"authorization", "content-type"} <= named
            refused = await client.options(path, headers={"Origin": FOREIGN, **wanted})
            assert not [key for key in refused.headers if key.startswith("access-control")]


async def test_options_name_every_method_of_a_path(document: dict[str, Any], api_url: str, someone: SignIn) -> None:
    person = await someone()
    for path, methods in document["paths"].items():
        answer = await person.http.options(re.sub(r"\{\w+\}", str(uuid4()), path))
        assert set(answer.headers["allow"].split(", ")) == {method.upper() for method in methods} | {"OPTIONS"}, path


async def test_health_and_metrics_name_nobody(api_url: str, someone: SignIn) -> None:
    member = await (await someone()).found()
    await member.request("GET", "/dashboard")
    async with httpx.AsyncClient(base_url=api_url) as client:
        assert (await client.get("/health/live")).json() == {"status": "ok", "parts": {}}
        ready = await client.get("/health/ready")
        metrics = (await client.get("/metrics")).text
    assert ready.status_code == 200
    assert {name: part["status"] for name, part in ready.json()["parts"].items()} == {"database": "ok", "redis": "ok"}
    assert "ratelimit" not in ready.headers
    assert 'ocsuite_http_requests_total{method="GET",route="/dashboard",status="200"}' in metrics
    for name in (member.tenant_id, member.person.user_id, member.tenant_id.hex, member.person.user_id.hex):
        assert str(name) not in metrics
