"""The worker's jobs go on whatever one of them, one company, or Redis does."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis
from sqlalchemy.exc import OperationalError

import backend
from backend.domains.audit.domain import Audit
from backend.kernel.db.redis import create_redis
from backend.kernel.jobs.upkeep import Job
from backend.registry import Product
from backend.settings import Settings
from backend.worker import work
from tests.support.people import Member, sign_in
from tests.support.sse import ask

SHAPES = ("text", "number", "empty", "huge", "list", "set", "sorted set", "hash", "stream")
#: Every name that the product gives to a key of Redis, with what stands there; a new one is to be tried here too.
NAMES = {"ocsuite:audit:heads", "ocsuite:limit:", "ocsuite:stream:"}
#: Of these all that counts is whether they are there, whatever they hold.
FLAGS = {"ocsuite:revoked:", "ocsuite:known-place:"}


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = create_redis(settings.redis_url)
    yield client
    await client.flushdb()
    await client.aclose()


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """A worker at work; whatever it raises is raised at the end."""
    stop = asyncio.Event()
    running = asyncio.create_task(work(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def plant(redis: Redis, key: bytes, shape: str) -> None:
    """Put something at a key that is none of ours."""
    planted = {
        "text": ("SET", b"\xff garbage"),
        "number": ("SET", 7),
        "empty": ("SET", b""),
        "huge": ("SET", b"x" * 5_000_000),
        "list": ("RPUSH", b"x"),
        "set": ("SADD", b"x"),
        "sorted set": ("ZADD", 1, b"x"),
        "hash": ("HSET", b"x", b"y"),
        "stream": ("XADD", "*", b"x", b"y"),
    }[shape]
    await redis.delete(key)
    await redis.execute_command(planted[0], key, *planted[1:])  # type: ignore[no-untyped-call]  # redis has no types here


async def sealed(product: Product, member: Member) -> int:
    """How many entries of a company are sealed, once none waits any more."""
    async with asyncio.timeout(60):
        while True:
            verdict = await product.of(Audit).verifications.walk(
                member.tenant_id, await product.of(Audit).verifications.keys()
            )
            assert verdict.fault is None
            if verdict.entries and not verdict.waiting:
                return verdict.sealed_seq
            await asyncio.sleep(0.05)  # the worker's deed shows in the database alone


async def test_no_job_ends_for_the_fault_of_another(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that raises each time, one whose database is away for a while, and one that works."""
    ran, enough = {"broken": 0, "away": 0, "good": 0}, asyncio.Event()

    async def broken() -> int:
        ran["broken"] += 1
        raise RecursionError("of one job")

    async def away() -> int:
        ran["away"] += 1
        if ran["away"] < 4:
            raise OperationalError("SELECT", None, ConnectionRefusedError(), connection_invalidated=True)
        return 0

    async def good() -> int:
        ran["good"] += 1
        if min(ran.values()) >= 5:
            enough.set()
        return 1

    jobs = (Job("broken", 0.001, broken), Job("away", 0.001, away), Job("good", 0.001, good))
    monkeypatch.setattr(Product, "jobs", jobs)
    with structlog.testing.capture_logs() as said:
        async with working(settings), asyncio.timeout(30):
            await enough.wait()
    told = [(line["event"], line["job"]) for line in said if "job" in line and line["job"] != "good"]
    assert sorted(told) == [("upkeep_failed", "away"), ("upkeep_failed", "broken"), ("upkeep_works_again", "away")]
    failed = {line["job"]: line for line in said if line["event"] == "upkeep_failed"}
    assert isinstance(failed["broken"]["exc_info"], RecursionError), "a bug comes with its traceback, once"
    assert failed["away"]["exc_info"] is None


def test_every_name_of_a_key_is_tried() -> None:
    found = set[str]()
    for path in Path(backend.__file__).parent.rglob("*.py"):
        found |= set(re.findall(r"\"(ocsuite:[a-z:-]+)", path.read_text()))
    assert found == NAMES | FLAGS


@pytest.mark.parametrize("shape", SHAPES)
async def test_whatever_stands_in_redis_people_and_upkeep_go_on(
    settings: Settings, api_url: str, redis: Redis, shape: str
) -> None:
    product = Product(settings)
    person = await sign_in(product.base.db, api_url)
    member = await person.found("Acme")
    async with working(settings):
        assert (await ask(member))[-1].name == "message.completed"
        before = await sealed(product, member)
        keys = await redis.keys("ocsuite:*")
        assert {name for name in NAMES for key in keys if key.decode().startswith(name)} == NAMES
        for key in keys:
            await plant(redis, key, shape)
        answered = await ask(member)
        assert answered[-1].name == "message.completed"
        message_id = answered[0].data["message"]["id"]
        again = await member.request("GET", f"/c-suite/messages/{message_id}/stream")
        assert again.status_code == 200
        assert (await person.http.get("/me")).status_code == 200
        renamed = await member.request("PATCH", f"/tenants/{member.tenant_id}", json={"name": f"Acme {shape}"})
        assert renamed.status_code == 200, renamed.text
        assert await sealed(product, member) > before
        checked = await member.request("POST", "/audit/verification")
        assert checked.json()["intact"] is True
        assert await product.of(Audit).verifications.verify_due() <= 1
    await person.http.aclose()
    await product.close()
