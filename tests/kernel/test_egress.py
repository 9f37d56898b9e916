"""What may leave, and what may come back."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from backend.kernel.egress.client import GuardedClient, OutboundError, OutboundStream, is_public
from tests.identity.kit import JwksServer


@asynccontextmanager
async def client(*hosts: str, **options: Any) -> AsyncIterator[GuardedClient]:
    made = GuardedClient(hosts, **{"private": True, "total_seconds": 30, **options})
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
     "64:ff9b::a00:1", "2002:7f00:1::"],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "https://good.example:8443/", "https://good.example@evil.example/", "http://good.example/",
     "https://good.example.evil.example/", "ftp://good.example/", "//good.example/", "https:good.example"],
)  # fmt: skip
async def test_only_listed_hosts_by_https(url: str) -> None:
    async with client("good.example", private=False) as guarded:
        with pytest.raises(OutboundError, match=r"on the list|only https"):
            await guarded.get(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:10.0.0.1]"])
async def test_private_literals_are_refused_outside_local_mode(host: str) -> None:
    async with client(host, private=False) as guarded:
        with pytest.raises(OutboundError, match="not public"):
            await guarded.get(f"https://{host}/")


@pytest.mark.parametrize("host", ["localhost", "rebound.example", "127.1", "2130706433", "0x7f000001"])
async def test_names_that_lead_into_the_private_network(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address is public and the second is not: one bad answer spoils all."""

    async def resolve(*_: Any, **__: Any) -> list[Any]:
        stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*stream, ("1.1.1.1", 443)), (*stream, ("127.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    async with client(host, private=False) as guarded:
        with pytest.raises(OutboundError, match="no answer"):
            await guarded.get(f"https://{host}/")


async def test_answers_and_bounds() -> None:
    async with JwksServer().running() as server, client(f"127.0.0.1:{server.port}", max_bytes=1000) as guarded:
        server.body = b"x" * 1000
        assert (await guarded.get(server.url)).body == server.body
        server.body = b"x" * 1001
        with pytest.raises(OutboundError, match="exceeds 1000 bytes"):
            await guarded.get(server.url)


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    async with JwksServer().running() as server, client(f"127.0.0.1:{server.port}", total_seconds=0.3) as guarded:
        server.gate.clear()
        with pytest.raises(OutboundError, match="TimeoutError"):
            await guarded.get(server.url)
        server.gate.set()


async def test_redirects_are_not_followed() -> None:
    async with JwksServer().running() as server, client(f"127.0.0.1:{server.port}") as guarded:
        server.status, server.headers = 302, {"Location": server.url}
        assert (await guarded.get(server.url)).status == 302
        assert server.hits == 1


async def test_compressed_answers_are_not_unpacked() -> None:
    async with JwksServer().running() as server, client(f"127.0.0.1:{server.port}") as guarded:
        server.body, server.headers = b"not gzip at all", {"Content-Encoding": "gzip"}
        assert (await guarded.get(server.url)).body == b"not gzip at all"


@asynccontextmanager
async def echo(*, cut: bool = False) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A server that sends back in two pieces what it was sent; with ``cut`` the second never comes."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        body = await request.read()
        reply = web.StreamResponse(status=201, headers={"X-Kind": "echo", "Content-Length": str(2 * len(body))})
        await reply.prepare(request)
        await reply.write(body)
        if cut:
            assert request.transport is not None
            request.transport.abort()
        else:
            await reply.write(body)
        return reply

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}", seen
    await runner.cleanup()


async def read(stream: OutboundStream) -> bytes:
    pieces = []
    while piece := await stream.read():
        pieces.append(piece)
    return b"".join(pieces)


async def test_a_post_streams_its_answer_over_one_connection() -> None:
    async with echo() as (host, seen), client(host) as guarded:
        for _ in range(2):
            async with await guarded.post(f"http://{host}/", b"hello", {"X-Mine": "1"}) as stream:
                assert (stream.status, stream.headers["X-Kind"]) == (201, "echo")
                assert await read(stream) == b"hellohello"
        assert seen[0].headers["X-Mine"] == "1"
        assert seen[0].transport is seen[1].transport


async def test_a_post_goes_to_listed_hosts_alone() -> None:
    async with echo() as (host, seen), client("good.example", private=False) as guarded:
        with pytest.raises(OutboundError, match="on the list"):
            await guarded.post(f"http://{host}/", b"", {})
    assert seen == []


async def test_an_answer_that_breaks_off_says_so() -> None:
    async with (
        echo(cut=True) as (host, _),
        client(host) as guarded,
        await guarded.post(f"http://{host}/", b"hello", {}) as stream,
    ):
        with pytest.raises(OutboundError, match="broke off"):
            await read(stream)
