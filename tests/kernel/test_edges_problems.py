"""Every error is a problem document with the right code, whatever went wrong and wherever."""

import errno
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import redis.exceptions
from sqlalchemy import text

from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS
from backend.kernel.errors import ProblemError, catalogue
from backend.kernel.http.problems import problem_of
from backend.settings import Settings
from module_sdk.api.problems import Problem
from tests.kernel.edge_app import FAULTS, Client, bearer, edge_client

JSON = {"Content-Type": "application/json"}
VALID = {"email": "ada@example.com", "password": "correct horse battery", "full_name": "Ada"}


@pytest.fixture
async def client(settings: Settings, db: Database) -> AsyncIterator[Client]:
    async with edge_client(settings, db) as opened:
        yield opened


def the_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) == set(Problem.__struct_fields__)
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:ocsuite:problem:{code}")
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("body", "status", "code", "paths"),
    [
        (b"", 422, "validation_failed", ["$"]),
        (b"{", 400, "malformed_json", []),
        (b"NaN", 400, "malformed_json", []),
        (b'{"email":"\xff"}', 400, "malformed_json", []),
        (b'{"email":"\\ud800"}', 400, "malformed_json", []),
        (b"[" * 100_000, 400, "malformed_json", []),
        (b'{"a":' * 50_000, 400, "malformed_json", []),
        (b"9" * 5_000, 422, "validation_failed", ["$"]),
        (b"1e400", 422, "validation_failed", ["$"]),
        (b"null", 422, "validation_failed", ["$"]),
        (b"[]", 422, "validation_failed", ["$"]),
        (b'"text"', 422, "validation_failed", ["$"]),
        (b"x" * (2**20 + 1), 413, "payload_too_large", []),
        (json.dumps(VALID | {"email": 7}).encode(), 422, "validation_failed", ["$.email"]),
        (json.dumps(VALID | {"full_name": "a\x00b"}).encode(), 422, "validation_failed", ["$.full_name"]),
        (json.dumps(VALID | {"full_name": "x" * 121}).encode(), 422, "validation_failed", ["$.full_name"]),
        (json.dumps(VALID | {"admin": True}).encode(), 422, "validation_failed", ["$.admin"]),
        (b'{"email":"x","password":"short"}', 422, "validation_failed", ["$.email", "$.password", "$.full_name"]),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, bytes) else None,
)
async def test_bad_bodies(client: Client, body: bytes, status: int, code: str, paths: list[str]) -> None:
    response = await client.post("/sign-up", content=body, headers=JSON)
    problem = the_problem(response, status, code)
    assert [error["path"] for error in problem["errors"]] == paths


async def test_field_errors_are_for_people(client: Client) -> None:
    response = await client.post("/sign-up", json={"email": "nonsense", "password": "short", "full_name": "", "x": 1})
    assert {error["path"]: error["message"] for error in response.json()["errors"]} == {
        "$.email": "Must be an e-mail address, such as ada@example.com",
        "$.password": "Must have at least 12 characters",
        "$.full_name": "Must not be empty",
        "$.x": "Is not a known field",
    }


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_other_content_types(client: Client, media_type: str) -> None:
    response = await client.post("/sign-up", content=json.dumps(VALID), headers={"Content-Type": media_type})
    the_problem(response, 415, "unsupported_media_type")
    assert response.headers["accept"] == "application/json"


async def test_json_with_parameters_is_json(client: Client) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert (await client.post("/sign-up", content=json.dumps(VALID), headers=headers)).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/things/not-a-uuid", 404, "not_found"),
        ("GET", "/things/%00", 404, "not_found"),
        ("GET", "/things?q=%00", 422, "validation_failed"),
        ("GET", "/things?limit=0", 422, "validation_failed"),
        ("GET", "/things?limit=101", 422, "validation_failed"),
        ("GET", "/things?limit=1e3", 422, "validation_failed"),
        ("GET", "/things?limit=99999999999999999999999999", 422, "validation_failed"),
        ("GET", "/things?cursor=%ff", 422, "validation_failed"),
        ("POST", "/things", 405, "method_not_allowed"),
        ("PUT", "/sign-up", 405, "method_not_allowed"),
    ],
)
async def test_bad_addresses(client: Client, method: str, path: str, status: int, code: str) -> None:
    the_problem(await client.request(method, path, headers=bearer()), status, code)


async def test_405_names_the_methods(client: Client) -> None:
    response = await client.delete("/things")
    assert set(response.headers["allow"].split(", ")) == {"GET", "OPTIONS"}


async def test_query_errors_name_the_parameter(client: Client) -> None:
    response = await client.get("/things?limit=500", headers=bearer())
    assert response.json()["errors"] == [{"path": "query.limit", "message": "Must be at most 100"}]


@pytest.mark.parametrize("name", FAULTS)
async def test_faults_say_nothing_of_themselves(client: Client, name: str) -> None:
    response = await client.get(f"/faults/{name}")
    if name == "bug":
        the_problem(response, 500, "internal")
    else:
        the_problem(response, 503, "unavailable")
        assert response.headers["retry-after"] == "2"
    for leak in ("hunter2", "10.0.0.1", "QueuePool", "SELECT"):
        assert leak not in response.text


async def test_unknown_and_malformed_ids_answer_alike(client: Client) -> None:
    answers = [await client.get(path, headers=bearer()) for path in ("/things/zzz", "/nowhere", f"/nowhere/{uuid4()}")]
    bodies = {answer.text.replace(answer.headers["x-request-id"], "") for answer in answers}
    assert len(bodies) == 1


async def test_authentication_is_the_default(client: Client) -> None:
    the_problem(await client.get("/things"), 401, "unauthenticated")
    refused = await client.get("/things", headers={"Authorization": "Bearer forged"})
    the_problem(refused, 401, "unauthenticated")
    assert refused.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        # As the pooled client raises them, and as they come over the multiplexed connection.
        redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        redis.exceptions.ReadOnlyError("You can't write against a read only replica."),
        redis.exceptions.ResponseError("OOM command not allowed when used memory > 'maxmemory'."),
        redis.exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots, but it cannot persist."),
        redis.exceptions.ResponseError("READONLY You can't write against a read only replica."),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    ],
    ids=repr,
)
def test_what_has_no_room_is_unavailable(error: Exception) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code, problem.headers["Retry-After"]) == (503, "unavailable", "2")
    assert problem_of(redis.exceptions.ResponseError("ERR syntax error")).code == "internal"


def test_codes_are_unique_and_drawn() -> None:
    import backend.kernel.errors as module

    found = [kind for kind in vars(module).values() if isinstance(kind, type)]
    kinds = [kind for kind in found if issubclass(kind, ProblemError) and kind is not ProblemError]
    codes = [kind.default_code for kind in kinds]
    assert len(codes) == len(set(codes))
    assert set(codes) <= set(catalogue())
    for kind in kinds:
        assert f"{kind.default_status}  {kind.default_code}" in (module.__doc__ or "").replace("500 gen", "500  gen")


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT CAST(:value AS integer)", 2**40),
        ("SELECT CAST(:value AS bigint)", -(2**70)),
        ("SELECT CAST(:value AS timestamptz)", datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))),
        ("SELECT CAST(:value AS timestamptz)", datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))),
        ("SELECT timestamptz '9999-01-01' + make_interval(years => :value)", 300_000),
        ("SELECT CAST(:value AS integer) * 2000000000", 2),
    ],
)
async def test_what_the_database_cannot_hold_is_the_callers_mistake(db: Database, query: str, value: object) -> None:
    with pytest.raises(Exception) as caught:  # what is raised is the driver's affair
        async with db.transaction(ANONYMOUS) as session:
            await session.execute(text(query), {"value": value})
    problem = problem_of(caught.value)
    assert (problem.status, problem.code) == (422, "validation_failed"), repr(caught.value)


async def test_a_value_of_the_wrong_kind_is_a_fault_of_ours(db: Database) -> None:
    with pytest.raises(Exception) as caught:
        async with db.transaction(ANONYMOUS) as session:
            await session.execute(text("SELECT CAST(:value AS integer)"), {"value": "seven"})
    assert problem_of(caught.value).code == "internal"
