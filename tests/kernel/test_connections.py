"""Half-sent requests and many connections of one address, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import pytest
import uvicorn
from litestar.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from backend.kernel.http.connections import bounded
from backend.settings import ConnectionSettings

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HALF_HEADS = (b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: x\r\nx-long: ", b"\r\n", b"\r\n\r\n")
HALF_BODIES = (
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345",
    b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n123",
)


@dataclass
class Served:
    """What reached the application, and where it listens."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with what was sent; a web socket stays open until its client goes."""
        kind: Any = scope["type"]
        if kind == "websocket":
            await receive()
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await receive()
        elif kind == "http":
            body = b""
            while (message := await receive())["type"] == "http.request":
                body += message["body"]
                if not message["more_body"]:
                    break
            else:
                return
            self.bodies.append(body)
            answer = json.dumps(len(body)).encode()
            headers = [(b"content-length", str(len(answer)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": answer, "more_body": False})


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def serving(
    per_address: int = 50, head_seconds: float = 60, body_seconds: float = 60, trusted: str = ""
) -> AsyncIterator[Served]:
    """A server with bounds."""
    served = Served()
    networks = tuple(ip_network(item) for item in trusted.split(",") if item)
    bounds = ConnectionSettings(per_address, head_seconds, body_seconds, networks)
    app: Any = served  # uvicorn has ASGI types of its own
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off", **bounded(bounds))
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    served.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        await server.shutdown()


async def exchange(port: int, sent: bytes) -> bytes:
    """Everything that comes back until the server closes the connection; nothing more is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes = GET) -> bytes:
    """The head of the answer to one request of many."""
    writer.write(request)
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1)
    return head


@pytest.mark.parametrize("sent", HALF_HEADS)
async def test_a_head_that_does_not_end(sent: bytes) -> None:
    async with serving(head_seconds=0.1) as served:
        assert (await exchange(served.port, sent)).startswith(b"HTTP/1.1 408 ")
    assert served.bodies == []


@pytest.mark.parametrize("sent", HALF_BODIES)
async def test_a_body_that_does_not_end(sent: bytes) -> None:
    async with serving(body_seconds=0.1) as served:
        assert (await exchange(served.port, sent)).startswith(b"HTTP/1.1 408 ")
    assert served.bodies == []


async def test_the_second_request_is_bounded_as_the_first() -> None:
    async def second(port: int, half: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert b" 200 " in await asked(reader, writer)
        writer.write(half)
        async with asyncio.timeout(20):
            found = await reader.read()
        writer.close()
        return found

    async with serving(head_seconds=2) as served:
        answers = await asyncio.gather(*(second(served.port, half) for half in (b"GET / HT", b"\r\n")))
    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 408 "] * 2


async def test_a_byte_now_and_then_wins_no_time() -> None:
    async with serving(head_seconds=0.3) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET / HTTP/1.1\r\nx: ")

        async def trickle() -> None:
            while not writer.is_closing():
                writer.write(b"a")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(trickle())
        async with asyncio.timeout(20):
            assert (await reader.read(13)) == b"HTTP/1.1 408 "
        dripping.cancel()
        writer.close()


async def test_whole_requests_pass_and_may_wait_for_their_answers() -> None:
    async with serving(head_seconds=5, body_seconds=5) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for size in (0, 10, 200_000):
            request = f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n".encode() + b"x" * size
            writer.write(request)
            async with asyncio.timeout(20):
                assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(len(str(size))) == str(size).encode()
        writer.close()
    assert [len(body) for body in served.bodies] == [0, 10, 200_000]


async def test_an_address_holds_so_many_and_gets_them_back() -> None:
    async with serving(per_address=50) as served:
        held = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(50)]
        assert b" 200 " in await asked(*held[49])
        assert (await exchange(served.port, GET)).startswith(b"HTTP/1.1 429 ")
        assert (await exchange(served.port, b"")).startswith(b"HTTP/1.1 429 ")  # before a byte was sent
        for _, writer in held[:10]:
            writer.close()
            await writer.wait_closed()
        again = [await _admitted(served.port) for _ in range(10)]
        assert (await exchange(served.port, GET)).startswith(b"HTTP/1.1 429 ")
        for _, writer in (*held, *again):
            writer.close()
    assert len(served.bodies) == 11


async def _admitted(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that is answered; the server may notice a moment later that another was closed."""
    async with asyncio.timeout(20):
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if b" 200 " in await _head(reader, writer):
                return reader, writer
            writer.close()


async def _head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(GET)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    if b" 200 " in head:
        await reader.readexactly(1)
    return head


async def test_web_sockets_count_until_they_end() -> None:
    async with serving(per_address=2) as served:
        address = f"ws://127.0.0.1:{served.port}/"
        async with connect(address), connect(address):
            assert (await exchange(served.port, GET)).startswith(b"HTTP/1.1 429 ")
            with pytest.raises(InvalidStatus, match="429"):
                await connect(address)
        _, writer = await _admitted(served.port)
        writer.close()


async def test_a_socket_outlives_the_time_of_a_head() -> None:
    async with serving(head_seconds=1, body_seconds=1) as served, connect(f"ws://127.0.0.1:{served.port}/") as one:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.wait_closed(), 1.5)


async def test_proxies_are_not_counted_nor_hurried() -> None:
    async with serving(per_address=1, head_seconds=0.2, trusted="127.0.0.0/8") as served:
        held = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(20)]
        with pytest.raises(TimeoutError):  # a proxy opens connections before it needs them
            await asyncio.wait_for(held[0][0].read(), 0.5)
        for pair in held:
            assert b" 200 " in await asked(*pair)
        held[0][1].write(b"GET / HT")
        async with asyncio.timeout(20):
            assert (await held[0][0].read()).startswith(b"HTTP/1.1 408 ")
        for _, writer in held:
            writer.close()
