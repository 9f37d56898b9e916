"""Paging, health, metrics, telemetry, and the API document."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backend.kernel.db.database import Database, driver_url
from backend.kernel.errors import ValidationFailed
from backend.kernel.http.health import NotReadyError
from backend.kernel.http.paging import TimeKey, decode_cursor, encode_cursor, page_of
from backend.kernel.observe.telemetry import Telemetry
from backend.settings import Settings
from tests.kernel.edge_app import bearer, edge_client

KEY = TimeKey(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), uuid4())


def test_cursors_round_trip() -> None:
    cursor = encode_cursor(KEY)
    assert cursor.isascii()
    assert "=" not in cursor
    assert decode_cursor(cursor, TimeKey) == KEY
    assert decode_cursor(None, TimeKey) is None


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        decode_cursor(text, TimeKey)


@pytest.mark.parametrize("other", [("2026", 1), [], {"a": 1}, (KEY[0],), (*KEY, 1), (KEY[1], KEY[0])])
def test_cursors_of_other_lists_are_refused(other: object) -> None:
    with pytest.raises(ValidationFailed):
        decode_cursor(encode_cursor(other), TimeKey)


def test_pages_neither_skip_nor_repeat() -> None:
    rows, seen, after = list(range(23)), list[int](), -1
    while True:
        page = page_of([row for row in rows if row > after][: 5 + 1], 5, key=lambda row: row, item=lambda row: row)
        seen += page.items
        if page.next_cursor is None:
            break
        after = decode_cursor(page.next_cursor, int) or 0
    assert seen == rows


async def test_ready(settings: Settings, db: Database) -> None:
    async with edge_client(settings, db) as client:
        answer = await client.get("/health/ready")
        assert (await client.get("/health/live")).json() == {"status": "ok", "parts": {}}
    assert answer.status_code == 200, answer.text
    parts = answer.json()["parts"]
    assert {name: part["status"] for name, part in parts.items()} == {"database": "ok", "redis": "ok"}
    assert all(0 < part["ms"] < 2000 for part in parts.values())


async def test_those_who_ask_for_readiness_at_the_same_time_share_one_check(settings: Settings, db: Database) -> None:
    asked, release = 0, asyncio.Event()

    async def slow() -> None:
        nonlocal asked
        asked += 1
        await release.wait()

    async with edge_client(settings, db, checks={"slow": slow}) as client:
        waiting = [asyncio.create_task(client.get("/health/ready")) for _ in range(20)]
        for _ in range(1000):  # turns of the loop, of which a request takes a few until it waits
            await asyncio.sleep(0)
        release.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
        assert asked == 1
        assert (await client.get("/health/ready")).status_code == 200
        assert asked == 2


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_moments_that_no_database_holds_are_no_cursor(at: str) -> None:
    with pytest.raises(ValidationFailed):
        decode_cursor(encode_cursor((at, str(KEY.id))), TimeKey)


@pytest.mark.parametrize(
    ("url", "query"),
    [
        (
            "postgresql://u:p@db/x?sslmode=verify-full&application_name=a",
            {"ssl": "verify-full", "application_name": "a"},
        ),
        ("postgres://u:p@db/x", {}),
    ],
)
def test_database_urls_as_hosters_give_them(url: str, query: dict[str, str]) -> None:
    made = driver_url(url)
    assert (made.drivername, made.password, dict(made.query)) == ("postgresql+asyncpg", "p", query)


async def test_not_ready_says_which_part(settings: Settings, db: Database) -> None:
    async def models() -> None:
        raise NotReadyError("no model loaded")

    away = replace(settings, redis_url="redis://:hunter2@127.0.0.1:1/0")
    async with edge_client(away, db, head="9999", checks={"models": models}) as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    parts = answer.json()["parts"]
    assert parts["models"]["reason"] == "no model loaded"
    assert parts["redis"]["reason"] == "ConnectionError"
    assert parts["database"]["reason"].endswith("not 9999")
    assert "hunter2" not in answer.text


async def test_metrics_count_templates_and_name_nobody(settings: Settings, db: Database) -> None:
    user, thing = uuid4(), uuid4()
    async with edge_client(settings, db) as client:
        await client.get(f"/things/{thing}", headers=bearer(user))
        await client.get(f"/nowhere/{uuid4()}")
        await client.request("BREW", "/things")
        text = (await client.get("/metrics")).text
    assert 'ocsuite_http_requests_total{method="GET",route="/things/{thing_id}",status="200"}' in text
    assert 'route="(unmatched)",status="404"' in text
    assert 'method="other"' in text
    assert "BREW" not in text
    assert "ocsuite_http_response_start_seconds_bucket" in text
    assert 'ocsuite_db_connections{state="idle"}' in text
    assert "ocsuite_http_requests_in_flight 1.0" in text
    assert str(user) not in text
    assert str(thing) not in text


async def test_spans_carry_route_and_no_credentials(settings: Settings, db: Database) -> None:
    exporter = InMemorySpanExporter()
    telemetry = Telemetry("http://collector.invalid", environment="test", exporter=exporter)
    async with edge_client(settings, db) as client:
        client.app.asgi_handler = telemetry.wrap(client.app.asgi_handler)
        await client.get("/things", headers={**bearer(), "Cookie": "session=hunter2"})
        await client.get("/health/live")
    telemetry.close()
    (span,) = exporter.get_finished_spans()
    assert "GET" in span.name
    assert "hunter2" not in str(dict(span.attributes or {}))
    assert "Bearer" not in str(dict(span.attributes or {}))


async def test_the_document_tells_everything(settings: Settings, db: Database) -> None:
    async with edge_client(settings, db) as client:
        document = (await client.get("/schema/openapi.json")).json()
        assert (await client.get("/schema/swagger")).json()["code"] == "not_found"
    assert document["openapi"].startswith("3.1")
    assert document["info"] == {"title": "OCSuite API", "version": "1.2.3"} | document["info"]
    acts, sign_up = document["paths"]["/acts"]["post"], document["paths"]["/sign-up"]["post"]
    assert acts["security"] == [{"bearer": []}]
    assert sign_up["security"] == []
    assert {parameter["name"] for parameter in acts["parameters"]} == {"Idempotency-Key"}
    assert set(acts["responses"]) >= {"201", "400", "401", "409", "413", "415", "422", "429", "500", "503"}
    assert set(sign_up["responses"]["409"]["content"]["application/problem+json"]["examples"]) == {"email_taken"}
    assert sign_up["x-rate-limit"][-1]["policy"] == "auth"
    assert "404" in document["paths"]["/things/{thing_id}"]["get"]["responses"]
    email = document["components"]["schemas"]["SignUp"]["properties"]["email"]
    assert email["examples"] == ["ada@example.com"]
    assert_references_resolve(document, document)


def assert_references_resolve(node: object, document: dict[str, object]) -> None:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            target: object = document
            for part in reference.removeprefix("#/").split("/"):
                assert isinstance(target, dict)
                assert part in target, reference
                target = target[part]
        for child in node.values():
            assert_references_resolve(child, document)
    elif isinstance(node, list):
        for child in node:
            assert_references_resolve(child, document)
