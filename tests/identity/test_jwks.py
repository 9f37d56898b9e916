"""Keys of a provider that rotates, restarts, dawdles, fails and floods."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.domains.identity.jwks import REFRESH_SECONDS, RETRY_SECONDS, STALE_SECONDS, JwksKeys, parse_jwks
from backend.kernel.egress.client import GuardedClient
from backend.kernel.errors import Unavailable
from tests.identity.kit import Clock, JwksServer, jwk, rsa_key


class Rig:
    """A provider, and keys fetched from it by a clock of the test's own."""

    def __init__(self, server: JwksServer) -> None:
        self.server = server
        self.clock = Clock(1000.0)
        self.client = GuardedClient([f"127.0.0.1:{server.port}"], private=True, total_seconds=0.5)
        self.keys = JwksKeys(server.url, self.client, monotonic=self.clock)

    async def knows(self, kid: str) -> bool:
        return isinstance(await self.keys.key(kid), RSAPublicKey)

    async def settled(self) -> None:
        """Wait for the fetch behind the requests."""
        assert self.keys._fetch is not None
        await self.keys._fetch


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with JwksServer().running() as server:
        rig = Rig(server)
        yield rig
        await rig.keys.close()
        await rig.client.close()


async def test_one_fetch_serves_many(rig: Rig) -> None:
    assert all(await asyncio.gather(*(rig.knows("one") for _ in range(50))))
    assert rig.server.hits == 1


async def test_start_fetches_ahead(rig: Rig) -> None:
    rig.keys.start()
    await rig.settled()
    assert rig.server.hits == 1
    assert await rig.knows("one")
    assert rig.server.hits == 1


async def test_unknown_ids_do_not_become_fetches(rig: Rig) -> None:
    assert await rig.knows("one")
    assert not any(await asyncio.gather(*(rig.knows(f"guess-{n}") for n in range(200))))
    assert rig.server.hits == 1
    rig.clock.seconds += RETRY_SECONDS
    assert not any(await asyncio.gather(*(rig.knows(f"guess-{n}") for n in range(200))))
    assert rig.server.hits == 2


async def test_rotation_is_followed_at_once(rig: Rig) -> None:
    assert await rig.knows("one")
    rig.server.keys = [jwk("two")]
    rig.clock.seconds += RETRY_SECONDS
    assert await rig.knows("two")
    assert not await rig.knows("one")


async def test_refresh_happens_behind_the_requests(rig: Rig) -> None:
    assert await rig.knows("one")
    rig.server.keys.append(jwk("two"))
    rig.server.gate.clear()
    rig.clock.seconds += REFRESH_SECONDS + 1
    answer = asyncio.create_task(rig.knows("one"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert answer.done(), "it waited for the provider"
    assert answer.result()
    rig.server.gate.set()
    await rig.settled()
    assert rig.server.hits == 2
    assert await rig.knows("two")
    assert rig.server.hits == 2


async def test_slow_provider_does_not_stop_the_loop(rig: Rig) -> None:
    rig.server.gate.clear()
    waiting = asyncio.create_task(rig.knows("one"))
    ticks = 0
    while not waiting.done():
        await asyncio.sleep(0.01)
        ticks += 1
    with pytest.raises(Unavailable):
        await waiting
    assert ticks > 20
    rig.server.gate.set()


async def test_keys_serve_while_the_provider_is_away_but_not_for_ever(rig: Rig) -> None:
    assert await rig.knows("one")
    rig.server.status = 503
    rig.clock.seconds += STALE_SECONDS
    assert await rig.knows("one")
    await rig.settled()
    assert await rig.knows("one")
    rig.clock.seconds += 1
    with pytest.raises(Unavailable):
        await rig.keys.key("one")
    rig.server.status = 200
    rig.clock.seconds += RETRY_SECONDS
    assert await rig.knows("one")


async def test_provider_that_is_down_at_first() -> None:
    server = JwksServer()
    async with server.running():
        pass
    rig = Rig(server)
    with pytest.raises(Unavailable) as caught:
        await rig.keys.key("one")
    assert caught.value.status == 503
    async with server.running():
        rig.clock.seconds += RETRY_SECONDS
        assert await rig.knows("one")
        await rig.client.close()


async def test_provider_that_restarts(rig: Rig) -> None:
    restarted = JwksServer()
    async with restarted.running():
        rig = Rig(restarted)
        assert await rig.knows("one")
    restarted.keys = [jwk("one"), jwk("two")]
    async with restarted.running():
        rig.clock.seconds += RETRY_SECONDS
        assert await rig.knows("two")
        await rig.client.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"x" * 70_000),
        (200, b"<html>"),
        (200, b'{"keys": 1}'),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "two"}]}'),
        (200, b"\xff\xfe"),
        (404, None),
        (302, None),
    ],
    ids=["huge", "HTML", "other shape", "empty", "no RSA key", "no UTF-8", "404", "redirect"],
)
async def test_useless_answers_change_nothing(rig: Rig, status: int, body: bytes | None) -> None:
    assert await rig.knows("one")
    rig.server.status, rig.server.body = status, body
    rig.server.headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
    rig.server.keys = [jwk("two")]
    rig.clock.seconds += RETRY_SECONDS
    assert not await rig.knows("two")
    assert await rig.knows("one")


async def test_a_client_that_leaves_does_not_end_the_fetch_of_others(rig: Rig) -> None:
    rig.server.gate.clear()
    leaves, stays = asyncio.create_task(rig.knows("one")), asyncio.create_task(rig.knows("one"))
    await rig.server.asked.wait()
    leaves.cancel()
    rig.server.gate.set()
    assert await stays
    assert leaves.cancelled()


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "EC"},
        {"use": "enc"},
        {"alg": "HS256"},
        {"kid": 7},
        {"kid": ""},
        {"n": ""},
        {"n": 12},
        {"e": None},
        {"n": "!!"},
    ],
)
def test_unfit_keys_are_skipped(changes: dict[str, object]) -> None:
    assert list(parse_jwks(json.dumps({"keys": [{**jwk("one"), **changes}, jwk("two")]}).encode())) == ["two"]


def test_weak_keys_are_skipped() -> None:
    body = json.dumps({"keys": [jwk("weak", rsa_key("weak", 1024)), jwk("two")]}).encode()
    assert list(parse_jwks(body)) == ["two"]
