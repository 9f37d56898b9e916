"""Redis: the general client, and one that sends every command of an event-loop tick in a single write.

``RedisBatcher`` serves what every request does (limits, revoked sessions). The general client takes a connection from
a pool, writes and waits for each call: 65 µs of CPU a command with 32 requests at once. The batcher multiplexes all of
them over one connection: 10 µs, and no request waits for another's reply before its own command leaves.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import hiredis
import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

Argument = str | bytes | int | float
_CONNECT_SECONDS: Final = 3.0
_MAX_BACKOFF_SECONDS: Final = 1.0
_MAX_PENDING: Final = 20_000


def create_redis(url: str) -> Redis:
    """A client with a pool for everything that is not on every request's path. It gives bytes, never text."""
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=3, health_check_interval=30)


def _packed(command: tuple[Argument, ...]) -> bytes:
    data: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # the stub says a tuple of one item
    return data


class _Connection(asyncio.Protocol):
    """One RESP connection; replies resolve futures in the order in which their commands were written."""

    def __init__(self, on_lost: Callable[["_Connection"], None], on_answered: Callable[[], None]) -> None:
        self.lost = asyncio.Event()
        self.unanswered = 0
        self._on_lost = on_lost
        self._on_answered = on_answered
        self.pending: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._reader = hiredis.Reader(replyError=ResponseError)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no common class

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                future, _ = self.pending.popleft()
                self.unanswered -= 1
                if future.done():
                    continue
                if isinstance(reply, ResponseError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            self.abort()
        if not self.unanswered:
            self._on_answered()

    def connection_lost(self, error: Exception | None) -> None:
        self._on_lost(self)
        self.lost.set()
        self.fail(RedisConnectionError("the connection to Redis was lost"))

    def write(self, commands: list[bytes]) -> None:
        assert self._transport is not None
        self.unanswered += len(commands)
        self._transport.write(b"".join(commands))

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def fail(self, error: RedisError) -> None:
        while self.pending:
            future, _ = self.pending.popleft()
            if not future.done():
                future.set_exception(error)


class RedisBatcher:
    """Commands over one multiplexed connection, those of a tick in one write.

    While Redis is away every call fails at once with ``redis.exceptions.ConnectionError`` and the connection is sought
    in the background; a reply that takes longer than ``timeout`` seconds fails with ``TimeoutError`` of the same module
    and costs the connection. A command may have been carried out although its call failed. Not for blocking commands.
    """

    def __init__(self, url: str, *, timeout: float = 0.5) -> None:
        self._options = parse_url(url)
        self._timeout = timeout
        self._connection: _Connection | None = None
        self._outgoing: list[bytes] = []
        self._keeper: asyncio.Task[None] | None = None
        self._watching = False

    @property
    def available(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None

    async def start(self) -> None:
        """Connect, and stay connected until :meth:`close`; returns although the first attempt fails."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._connect()
        except (OSError, RedisError) as error:
            structlog.get_logger(__name__).warning("redis_away", error=type(error).__name__)
        self._keeper = asyncio.create_task(self._keep(), name="redis-batcher")

    async def close(self) -> None:
        """Drop the connection; calls that still wait fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
            await connection.lost.wait()

    def execute(self, *command: Argument) -> asyncio.Future[Any]:
        """Send a command with this tick's others; the future gives its raw reply (bytes, int, list or None)."""
        connection = self._connection
        if connection is None or len(connection.pending) >= _MAX_PENDING:
            raise RedisConnectionError("Redis is away")
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._outgoing and not connection.unanswered:
            self._loop.call_soon(self._flush)
        self._outgoing.append(_packed(command))
        connection.pending.append((future, self._loop.time()))
        return future

    async def exists(self, *names: Argument) -> int:
        """How many of the keys exist."""
        return int(await self.execute("EXISTS", *names))

    async def set(self, name: Argument, value: Argument, *, ex: int) -> None:
        """Set a key that expires after ``ex`` seconds."""
        await self.execute("SET", name, value, "EX", ex)

    async def ping(self) -> None:
        """Raise unless Redis answers."""
        await self.execute("PING")

    def _flush(self) -> None:
        """Write what has gathered: at the end of a tick, or when the last write is answered if one was under way.

        Waiting for the answer costs no throughput, Redis being one thread, and makes writes and wake-ups fewer the
        busier this process is.
        """
        connection = self._connection
        if connection is None or connection.unanswered or not self._outgoing:
            return
        commands, self._outgoing = self._outgoing, []
        connection.write(commands)
        if not self._watching:
            self._watching = True
            self._loop.call_later(self._timeout, self._watch)

    def _watch(self) -> None:
        """One timer for all replies: the oldest one tells whether the connection still lives."""
        connection = self._connection
        if connection is None or not connection.pending:
            self._watching = False
            return
        waited = self._loop.time() - connection.pending[0][1]
        if waited >= self._timeout:
            self._watching = False
            self._forget(connection)
            connection.fail(RedisTimeoutError("Redis did not answer in time"))
            connection.abort()
        else:
            self._loop.call_later(self._timeout - waited, self._watch)

    def _forget(self, connection: _Connection) -> None:
        """From now on calls fail; what was packed for ``connection`` must never reach its successor."""
        if self._connection is connection:
            self._connection = None
            self._outgoing.clear()

    async def _keep(self) -> None:
        backoff = 0.05
        while True:
            if self._connection is not None:
                await self._connection.lost.wait()
                backoff = 0.05
            try:
                await self._connect()
            except (OSError, RedisError):
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, _MAX_BACKOFF_SECONDS)

    async def _connect(self) -> None:
        async with asyncio.timeout(_CONNECT_SECONDS):
            connection = await self._open()
            for command in self._handshake():
                future = self._loop.create_future()
                connection.pending.append((future, self._loop.time()))
                connection.write([_packed(command)])
                try:
                    await future
                except BaseException:
                    connection.abort()
                    raise
        self._connection = connection

    async def _open(self) -> _Connection:
        options: dict[str, Any] = dict(self._options)
        connect = partial(_Connection, self._forget, self._flush)
        if path := options.get("path"):
            _, connection = await self._loop.create_unix_connection(connect, path)
        else:
            # The other client's own reading of the TLS options, so that both speak to the same server alike.
            secure = options.pop("connection_class", None) is SSLConnection
            context = SSLConnection(**options).ssl_context.get() if secure else None
            host, port = options.get("host", "localhost"), int(options.get("port", 6379))
            _, connection = await self._loop.create_connection(connect, host, port, ssl=context)
        return connection

    def _handshake(self) -> list[tuple[Argument, ...]]:
        options: dict[str, Any] = dict(self._options)
        commands: list[tuple[Argument, ...]] = []
        if password := options.get("password"):
            username = options.get("username")
            commands.append(("AUTH", username, password) if username else ("AUTH", password))
        commands.append(("SELECT", int(options.get("db", 0))))
        return commands
