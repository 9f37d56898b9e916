"""Logs are JSON lines that carry the request's context and never a secret."""

import errno
import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

import pytest
import structlog

from backend.kernel.db.database import Database
from backend.kernel.observe.logging import AccessLog, Complaints, configure_logging
from backend.kernel.observe.redaction import is_secret_name, redact_line
from backend.settings import Settings
from module_sdk.api.identity import SignIn
from tests.kernel.edge_app import bearer, edge_client

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJlLWJ5dGVz"


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    root = logging.getLogger()
    level, config = root.level, structlog.get_config()
    stream = io.BytesIO()
    configure_logging("production", stream)
    yield stream
    structlog.configure(**config)
    root.handlers[:] = [
        handler for handler in root.handlers if type(handler).__module__ != configure_logging.__module__
    ]
    root.setLevel(level)


def parsed(stream: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


SECRETS = {
    "a header": ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
    "a token": (f"token was {JWT}", JWT),
    "a database": ("postgresql://ocsuite_app:p4ss%20w@db.internal:5432/ocsuite failed", "p4ss%20w"),
    "a queue": ("rediss://:s3cr3t/with/slash@cache:6379/0", "s3cr3t/with/slash"),
    "a key file": ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----", "MIIEvQIBADANBg"),
    "a hash": ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "c2FsdA"),
    "a vendor key": ("key sk-proj_0123456789abcdef", "0123456789abcdef"),
    "a pair": ("login with password=hunter2hunter2 failed", "hunter2hunter2"),
    "a dictionary": ("{'client_secret': 'hunter2hunter2', 'api_key': 'k3yk3yk3y'}", "k3yk3yk3y"),
    "sql parameters": ("[SQL: INSERT …]\n[parameters: ('ada@example.com', 'x')]", "ada@example.com"),
    "a conflicting row": ("DETAIL:  Key (email)=(ada@example.com) already exists.", "ada@example.com"),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_in_text(lines: io.BytesIO, kind: str) -> None:
    text, secret = SECRETS[kind]
    structlog.get_logger("test").info(text)
    structlog.get_logger("test").warning("nested", value=[{"deep": text}])
    logging.getLogger("some.library").error("said %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        structlog.get_logger("test").exception("raised")
    assert len(parsed(lines)) == 4
    assert secret not in lines.getvalue().decode()
    assert b"[redacted]" in lines.getvalue()


def test_secrets_by_name_at_any_depth(lines: io.BytesIO) -> None:
    body = SignIn(email="ada@example.com", password="open sesame please")
    headers = {"Set-Cookie": "session=abc", "X-Api-Key": "abc", "Accept": "*/*"}
    structlog.get_logger("test").info("in", body=body, request={"headers": [headers]}, token="abc", max_tokens=9)
    (line,) = parsed(lines)
    assert line["body"] == {"email": "ada@example.com", "password": "[redacted]"}
    assert line["request"] == {"headers": [{"Set-Cookie": "[redacted]", "X-Api-Key": "[redacted]", "Accept": "*/*"}]}
    assert (line["token"], line["max_tokens"]) == ("[redacted]", 9)


def test_objects_and_bytes_are_not_spelt_out(lines: io.BytesIO) -> None:
    class Key:
        def __repr__(self) -> str:
            return "Key(material)"

    structlog.get_logger("test").info("key", held=Key(), raw=b"material")
    assert b"material" not in lines.getvalue()


@pytest.mark.parametrize(
    "name", ["password", "newPassword", "access_token", "API-Key", "DATABASE_URL", "cookie", "dek"]
)
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["tokens", "max_tokens", "tokens_per_second", "status", "key"])
def test_ordinary_names(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "line", [b'{"event":"request","task_id":"01a2","path":"/tenants"}', b'{"url":"http://host/a@b"}']
)
def test_ordinary_lines_stay(line: bytes) -> None:
    assert redact_line(line) == line


def test_the_standard_library_speaks_json_too(lines: io.BytesIO) -> None:
    logging.getLogger("uvicorn.error").warning("shutting %s", "down")
    (ours,) = [
        handler for handler in logging.getLogger().handlers if type(handler).__module__ == configure_logging.__module__
    ]
    ours.emit(logging.makeLogRecord({"msg": "%d items", "args": ("many",), "levelno": logging.WARNING}))
    first, second = parsed(lines)
    assert (first["logger"], first["level"], first["event"]) == ("uvicorn.error", "warning", "shutting down")
    assert second["event"] == "%d items"


async def test_one_access_line_with_context(lines: io.BytesIO, settings: Settings, db: Database) -> None:
    user_id, thing = uuid4(), uuid4()
    async with edge_client(settings, db) as client:
        headers = {**bearer(user_id), "X-Request-Id": "from-the-client"}
        answer = await client.get(f"/things/{thing}?secret=hunter2", headers=headers)
        await client.get("/nowhere")
        await client.get("/health/live")
    access = [line for line in parsed(lines) if line["logger"] == "ocsuite.access"]
    assert answer.headers["x-request-id"] == "from-the-client"
    assert len(access) == 2
    known = {name: access[0][name] for name in ("method", "route", "status", "request_id", "user_id", "level", "event")}
    assert known == {
        "method": "GET",
        "route": "/things/{thing_id}",
        "status": 200,
        "request_id": "from-the-client",
        "user_id": str(user_id),
        "level": "info",
        "event": "request",
    }
    assert isinstance(access[0]["duration_ms"], float | int)
    assert (access[1]["route"], access[1]["status"], access[1]["code"]) == ("(unmatched)", 404, "not_found")
    assert "user_id" not in access[1]
    assert str(thing).encode() not in lines.getvalue()
    assert b"hunter2" not in lines.getvalue()


async def test_a_bug_is_logged_once_with_its_traceback(lines: io.BytesIO, settings: Settings, db: Database) -> None:
    async with edge_client(settings, db) as client:
        answer = await client.get("/faults/bug")
    (error,) = [line for line in parsed(lines) if line["level"] == "error"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "RuntimeError" in str(error["exception"])
    assert b"hunter2" not in lines.getvalue()


@pytest.mark.parametrize("sent", ["short", "x" * 65, "with space in it", "semi;colon-here", "ünïcödé-id"])
async def test_malformed_request_ids_are_replaced(settings: Settings, db: Database, sent: str) -> None:
    async with edge_client(settings, db) as client:
        answer = await client.get("/health/live", headers={b"X-Request-Id": sent.encode()})
    assert answer.headers["x-request-id"] != sent
    assert len(answer.headers["x-request-id"]) == 32


class Disk(io.RawIOBase):
    """A file on a disk that may be full."""

    def __init__(self) -> None:
        self.full = False
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.content += bytes(data)
        return len(data)

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.content.splitlines()]


def say_everything(count: int) -> None:
    """Lines of ours, of a library, and a traceback."""
    for number in range(count):
        structlog.get_logger("test").info("ours", number=number)
        logging.getLogger("some.library").error("theirs")
    try:
        raise ValueError("x")
    except ValueError:
        structlog.get_logger("test").exception("raised")


async def test_a_full_disk_is_not_the_works_fault(lines: io.BytesIO) -> None:
    disk = Disk()
    configure_logging("production", cast("BinaryIO", io.BufferedWriter(disk, 512)))
    access = AccessLog()
    structlog.get_logger("test").info("before")
    disk.full = True
    say_everything(20)
    access.write("request", {"status": 200})
    disk.full = False
    structlog.get_logger("test").info("after")
    structlog.get_logger("test").info("last")
    found = disk.events()
    assert (found[0], found[-1]) == ("before", "last"), found
    (lost,) = [json.loads(line) for line in disk.content.splitlines() if b"log_lines_lost" in line]
    assert lost["lines"] + len(found) - 1 == 45, "what is not there was counted, and nothing is there twice"


def test_neither_a_full_device_nor_a_broken_pipe_raises(lines: io.BytesIO) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        configure_logging("production", cast("BinaryIO", full))
        say_everything(2)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        configure_logging("production", cast("BinaryIO", pipe))
        say_everything(2)
    say_everything(2)  # into what is closed by now


def test_what_cannot_be_rendered_is_rendered_otherwise(lines: io.BytesIO) -> None:
    class Silent:
        def __str__(self) -> str:
            raise KeyError("no text")

    structlog.get_logger("test").info("half a pair \ud800", number=2**70, token="abc")
    (ours,) = [
        handler for handler in logging.getLogger().handlers if type(handler).__module__ == configure_logging.__module__
    ]
    ours.emit(logging.makeLogRecord({"msg": "said %s", "args": (Silent(),), "levelno": logging.WARNING}))
    first, second = parsed(lines)
    assert (first["event"], first["number"], first["token"]) == ("half a pair \ud800", 2**70, "[redacted]")
    assert second["event"] == "said %s"


def test_a_complaint_is_said_once_until_it_changes(lines: io.BytesIO) -> None:
    complaints = Complaints("test")
    for seq in (1, 1, 2, 2):
        complaints.tell("a company", "unreadable", seq=seq)
    complaints.tell("another", "unreadable", seq=2)
    complaints.settled("another")
    complaints.tell("another", "unreadable", seq=2)
    assert [line["seq"] for line in parsed(lines)] == [1, 2, 2, 2]
