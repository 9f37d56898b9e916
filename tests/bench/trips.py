"""A proxy before a server that counts how often its client waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Counter:
    """Round trips so far: what a client says after the server spoke begins one. ``url`` leads through the proxy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.trips = 0


@asynccontextmanager
async def counting(url: str) -> AsyncIterator[Counter]:
    """Count the trips to the server that ``url`` names."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    host, port = parts.hostname, parts.port

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, port)
        waiting = False

        async def ask() -> None:
            nonlocal waiting
            while data := await reader.read(65_536):
                counter.trips += not waiting
                waiting = True
                there_writer.write(data)
            there_writer.close()

        async def answer() -> None:
            nonlocal waiting
            while data := await there_reader.read(65_536):
                waiting = False
                writer.write(data)
            writer.close()

        await asyncio.gather(ask(), answer(), return_exceptions=True)

    server = await asyncio.start_server(forward, "127.0.0.1")
    own = server.sockets[0].getsockname()[1]
    counter = Counter(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{own}").geturl())
    try:
        yield counter
    finally:
        server.close()
