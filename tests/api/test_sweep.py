"""Every operation of the document, so that a new one is covered by itself, against every kind of bad input.

Each is answered with the problem document that the operation documents, never a 500, and writes nothing.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.domains.identity.local import LocalTokens
from backend.domains.identity.signing import SigningKeys
from backend.kernel.db.database import Database
from backend.kernel.http.traits import DEFAULT_MAX_BODY
from backend.settings import Settings
from crypto import Keyring
from module_sdk.api.problems import Problem
from tests.api.operations import Operation, operations
from tests.conftest import SignIn
from tests.support.people import Member
from tests.support.sse import ask

LONG = "a" * 20_000
Counts = Callable[[], Awaitable[dict[str, tuple[int, int]]]]
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """One bad request: what is wrong, how it is sent, and the codes that may answer."""

    name: str
    codes: set[str]
    path: str
    headers: dict[str, str | bytes] = field(default_factory=dict)
    content: bytes | None = None
    method: str = ""


@dataclass
class Scene:
    """A member with a conversation, a stranger, and what a right request needs."""

    member: Member
    stranger: Member
    values: dict[str, str]
    token: str

    async def renew(self) -> None:
        """A fresh token: one lives for 60 seconds."""
        http = self.member.person.http
        renewed = await http.post("/auth/token", headers={"Cookie": f"ocsuite_session={self.member.person.cookie}"})
        assert renewed.status_code == 200, renewed.text
        self.token = f"Bearer {renewed.json()['access_token']}"

    def path(self, operation: Operation) -> str:
        return operation.at(self.values, str(uuid4()))

    def headers(self, operation: Operation) -> dict[str, str | bytes]:
        """Those of a right request."""
        found: dict[str, str | bytes] = {}
        if not operation.public:
            found["Authorization"] = self.token
        if any(parameter["name"] == "X-Tenant-Id" for parameter in operation.parameters("header")):
            found["X-Tenant-Id"] = str(self.member.tenant_id)
        return found


@pytest.fixture
async def scene(someone: SignIn) -> Scene:
    member, stranger = await (await someone()).found(), await (await someone("Eve")).found("Elsewhere")
    started = (await ask(member))[0].data
    values = {
        "tenant_id": str(member.tenant_id),
        "executive": "ceo",
        "conversation_id": started["conversation"]["id"],
        "message_id": started["message"]["id"],
    }
    return Scene(member, stranger, values, member.person.http.headers["Authorization"])


@pytest.fixture
async def counts(owner: AsyncConnection) -> Counts:
    """Rows of every table, and how often any row was written."""
    tables = (
        await owner.execute(
            text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
        )
    ).scalars()
    query = " UNION ALL ".join(
        f"SELECT '{name}', count(*), coalesce(sum(t.xmin::text::bigint), 0) FROM {name} t" for name in tables
    )

    async def count() -> dict[str, tuple[int, int]]:
        found = {row[0]: (row[1], row[2]) for row in await owner.execute(text(query))}
        await owner.rollback()
        return found

    return count


def example(operation: Operation) -> dict[str, Any]:
    assert operation.body is not None
    found: dict[str, Any] = operation.body["example"]
    return found


def bad_bodies(operation: Operation) -> Iterator[tuple[str, set[str], bytes]]:
    """Bodies that no contract takes."""
    good = example(operation)
    malformed, refused = {"malformed_json"}, {"validation_failed"}
    yield "empty", refused, b""
    yield "cut off", malformed, json.dumps(good).encode()[:-1]
    yield "two documents", malformed, b"{}{}"
    yield "not JSON", malformed, b"name=Acme"
    yield "not UTF-8", malformed, b'{"\xff\xfe": 1}'
    yield "NaN", malformed, b'{"name": NaN}'
    yield "single quotes", malformed, b"{'name': 'Acme'}"
    yield "a raw control character", malformed, b'{"name": "\x00"}'
    yield "half a surrogate pair", malformed, b'{"name": "\\ud800"}'
    yield "nested deeply", malformed | refused, b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield "a huge number", malformed | refused, b'{"name": ' + b"9" * 5000 + b"}"
    yield "a huge exponent", malformed | refused, b'{"name": 1e999999}'
    for wrong in (b"null", b"true", b"1", b'"text"', b"[]"):
        yield f"the type of {wrong.decode()}", refused, wrong
    yield "an unknown field", refused, json.dumps(good | {"is_admin": True}).encode()
    yield "an unknown field twice", refused, json.dumps(good)[:-1].encode() + b', "__proto__": {}, "__proto__": 1}'
    for name, value in good.items():
        yield from bad_fields(name, value, good)


def bad_fields(name: str, value: Any, good: dict[str, Any]) -> Iterator[tuple[str, set[str], bytes]]:
    """One field made wrong, the others right."""
    wrong: dict[str, Any] = {"an object": {"$ne": 1}, "a number": 10**30, "a list of lists": [[["x"]]], "false": False}
    if isinstance(value, str):
        wrong |= {"over-long text": LONG, "a NUL": "a\x00b", "an escape": "a\x1b[31mb", "a C1 control": "a\x85b"}
    if isinstance(value, list):
        wrong |= {"too many items": value * 500, "null among items": [None], "a NUL among items": ["\x00"]}
    for kind, bad in wrong.items():
        yield f"{kind} as {name}", {"validation_failed"}, json.dumps(good | {name: bad}).encode()
    twice = json.dumps(good)[:-1].encode() + f', "{name}": {{}}}}'.encode()
    yield f"{name} twice, wrong at last", {"validation_failed"}, twice


def bad_requests(
    operation: Operation, scene: Scene, expired: str, forged: list[str], methods: set[str]
) -> Iterator[Bad]:
    """Everything wrong that an operation of this shape can be sent."""
    path, headers = scene.path(operation), scene.headers(operation)
    body = None if operation.body is None else json.dumps(example(operation)).encode()
    right = headers | (JSON if body is not None else {})
    if body is not None:
        for name, codes, content in bad_bodies(operation):
            yield Bad(f"body: {name}", codes, path, right, content)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x"):
            yield Bad(f"content type {kind!r}", {"unsupported_media_type"}, path, right | {"Content-Type": kind}, body)
        yield Bad("too large", {"payload_too_large"}, path, right, b" " * (DEFAULT_MAX_BODY + 1))
    if not operation.public:
        for token in [None, "", "Bearer", "Basic YTpi", "Bearer x.y.z", f"Bearer {LONG}", *forged]:
            sent = {name: value for name, value in right.items() if name != "Authorization"}
            sent |= {} if token is None else {"Authorization": token}
            yield Bad(f"token {str(token)[:40]!r}", {"unauthenticated"}, path, sent, body)
        yield Bad(
            "expired token", {"unauthenticated", "session_expired"}, path, right | {"Authorization": expired}, body
        )
    if "X-Tenant-Id" in headers:
        yield Bad("no tenant", {"tenant_required"}, path, {k: v for k, v in right.items() if k != "X-Tenant-Id"}, body)
        for tenant in (str(scene.stranger.tenant_id), str(uuid4())):
            yield Bad("foreign tenant", {"not_found"}, path, right | {"X-Tenant-Id": tenant}, body)
        for garbage in (b"", b"x", b"../..", b"' OR 1=1 --", b"\xff\xfe", b"a" * 6000):
            yield Bad(f"tenant {garbage[:9]!r}", {"validation_failed"}, path, right | {"X-Tenant-Id": garbage}, body)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods:
        yield Bad(f"method {method}", {"method_not_allowed"}, path, right, body, method)
    yield from bad_places(operation, scene, right, body)


def bad_places(operation: Operation, scene: Scene, right: dict[str, str | bytes], body: bytes | None) -> Iterator[Bad]:
    """Paths, queries and further headers."""
    path = scene.path(operation)
    for parameter in operation.parameters("path"):
        for value in (str(uuid4()), "x", "0", "%00", "%ff", "..%2f..", "a" * 5000, "%F0%9F%9A%80", "%27%20OR%201=1"):
            bad = operation.at(scene.values | {parameter["name"]: value}, value)
            yield Bad(f"{parameter['name']} {value[:9]}", {"not_found"}, bad, right, body)
    for parameter in operation.parameters("query"):
        for value in BAD_QUERIES[parameter["name"]]:
            bad = f"{path}?{parameter['name']}={value}"
            yield Bad(f"{parameter['name']}={value[:9]}", {"validation_failed"}, bad, right, body)
    for parameter in operation.parameters("header"):
        for header in BAD_HEADERS.get(parameter["name"], ()):
            sent = right | {parameter["name"]: header}
            yield Bad(f"{parameter['name']}: {header[:9]!r}", {"validation_failed"}, path, sent, body)
    if operation.method not in {"GET", "HEAD"}:
        foreign = right | {"Origin": "https://evil.example", "Cookie": "ocsuite_session=x"}
        yield Bad("foreign page with a cookie", {"forbidden"}, path, foreign, body)
    for end in ("/x", "/.git/config", "%2e%2e"):
        yield Bad(f"unknown path …{end}", {"not_found"}, f"/nowhere{path}{end}", right, body)


BAD_QUERIES = {
    "cursor": ["", "x", "!!!!", "%00", "%ff", "AAAA", "gqM", "a" * 600, "k88AAAAA"],
    "limit": ["", "0", "-1", "101", "1.5", "x", "%00", "9" * 400, "NaN"],
    "q": ["", "%00", "a" * 201],
    "through": ["", "x", "%00"],
    "actor": ["", "x", "%00", "1", "null"],
    "action": ["%00", "a" * 101],
    "resource": ["%00", "a" * 201],
    "outcome": ["", "x", "SUCCEEDED", "null"],
    "after": ["", "x", "%00", "yesterday", "null", "1760000000", "2026-01-01T00:00:00"],
    "before": ["", "x", "%00", "tomorrow", "null", "1760000000", "9999-99-99T00:00:00Z"],
    "format": ["", "xml", "%00"],
}
BAD_HEADERS: dict[str, list[bytes]] = {
    "Last-Event-ID": [b"-1", b"x", b"1.5", b"9" * 30, b"\xff"],
    "Idempotency-Key": [b"", b"short", b"has a blank", b"a" * 256, b"caf\xe9caf\xe9caf\xe9"],
}


async def forgeries(scene: Scene, settings: Settings, keyring: Keyring, db: Database) -> tuple[str, list[str]]:
    """A token that has expired, and tokens that are not ours."""
    keys = SigningKeys(db, keyring, now=time.time, monotonic=time.monotonic)
    long_ago = LocalTokens(keys, now=lambda: time.time() - 3600)
    expired = await long_ago.issue(scene.member.person.user_id, uuid4(), settings.api_url)
    head, claims, signature = scene.token.removeprefix("Bearer ").split(".")
    flipped = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    none = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return f"Bearer {expired}", [
        f"Bearer {head}.{claims}.{flipped}",
        f"Bearer {none}.{claims}.",
        f"Bearer {head}.{claims}",
    ]


def complaints(operation: Operation, bad: Bad, answer: httpx.Response) -> Iterator[str]:
    """What is wrong with an answer to a bad request."""
    if answer.status_code < 400 or answer.status_code >= 500:
        yield f"answered {answer.status_code}"
        return
    if answer.headers.get("content-type") != "application/problem+json":
        yield f"content type {answer.headers.get('content-type')}: {answer.text[:200]}"
        return
    problem = msgspec.json.decode(answer.content, type=Problem)
    if problem.code not in bad.codes:
        yield f"code {problem.code} instead of {bad.codes}: {answer.text[:300]}"
    if problem.request_id != answer.headers["x-request-id"]:
        yield "another request id in the body than in the header"
    if problem.status != answer.status_code or problem.type != f"urn:ocsuite:problem:{problem.code}":
        yield f"status or type do not fit: {answer.text[:200]}"
    about_the_operation = not bad.method and not bad.path.startswith("/nowhere")
    if about_the_operation and problem.code not in operation.codes(answer.status_code):
        yield f"{answer.status_code} {problem.code} is not documented"
    if bad.method and "allow" not in answer.headers:
        yield "405 without Allow"


async def test_every_bad_request(
    scene: Scene,
    counts: Counts,
    document: dict[str, Any],
    api_url: str,
    settings: Settings,
    keyring: Keyring,
    db: Database,
) -> None:
    found: list[str] = []
    sent = 0
    async with httpx.AsyncClient(base_url=api_url, timeout=20) as client:
        for operation in operations(document):
            await scene.renew()
            expired, forged = await forgeries(scene, settings, keyring, db)
            methods = {method.upper() for method in document["paths"][operation.path]} | {"OPTIONS"}
            before = await counts()
            for bad in bad_requests(operation, scene, expired, forged, methods):
                sent += 1
                answer = await client.send(as_request(api_url, operation, bad))
                found += [f"{operation}, {bad.name}: {what}" for what in complaints(operation, bad, answer)]
            changed = {name: rows for name, rows in (await counts()).items() if before[name] != rows}
            found += [f"{operation} wrote {changed}"] if changed else []
    assert not found, f"{len(found)} of {sent}:\n" + "\n".join(found)
    assert sent > 1000


def as_request(url: str, operation: Operation, bad: Bad) -> httpx.Request:
    """The request as bytes, which httpx would refuse to make of some of these headers."""
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in bad.headers.items()]
    method = bad.method or operation.method
    return httpx.Request(method, f"{url}{bad.path}", headers=headers, content=bad.content)  # type: ignore[arg-type]  # httpx takes bytes as a header's value beside a textual name
