"""What a page reads: against a bare handler, trip by trip, and with few and with many companies in the database."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg

from backend.kernel.db.database import SETTING
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ContextSigner, TenantContext
from backend.settings import Settings
from crypto import Keyring
from tests.bench.serving import cpu_seconds, database, migrated_stack, newcomer, row, running
from tests.bench.trips import counting
from tests.support.ports import reserved_port
from tests.support.process import api_process, process

ROUNDS: Final = 200
WARM_UP: Final = 20
PER_PERSON: Final = 100  # below the rate limit of a person
COUNTED: Final = 30
FEW, MANY = 10, 10_000
IDLE_SECONDS: Final = 20.0
READS: Final = {"GET /dashboard": "/dashboard", "GET /tenants/{tenant_id}/profile": "/tenants/{}/profile"}

Servers = Mapping[str, tuple[Settings, str]]


def run() -> list[dict[str, Any]]:
    """Rows of the benchmark table."""
    with ExitStack() as opened:
        environments, servers, workers = {}, {}, {}
        for name, companies in (("few", FEW), ("many", MANY)):
            environment, settings = opened.enter_context(migrated_stack())
            asyncio.run(_found(settings, companies))
            servers[name] = settings, opened.enter_context(api_process(environment))[0]
            workers[name] = opened.enter_context(process("worker", environment)).pid
            environments[name] = environment
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        asyncio.run(_keep(servers["few"], folder))
        port = reserved_port()
        command = [sys.executable, "-m", "tests.bench.bench_reads", str(port), str(folder)]
        opened.enter_context(running(command, port, os.environ))
        times = asyncio.run(_times(servers, f"http://127.0.0.1:{port}"))
        trips = asyncio.run(_trips(environments["few"], servers["few"][0]))
        idle = _idle(workers)
    return [*_rows(times, trips), _idle_row(idle)]


async def _found(settings: Settings, companies: int) -> None:
    """Companies of one person, who is nobody that is measured."""
    user, tenants = new_id(), [new_id() for _ in range(companies)]
    owner = await asyncpg.connect(settings.database_owner_url)
    await owner.execute("INSERT INTO users (id, issuer, subject, full_name) VALUES ($1, 'b', 'b', 'Ada')", user)
    await owner.copy_records_to_table(
        "tenants",
        records=[(tenant, "Bench", f"b-{tenant.hex}", 100, 100, 10) for tenant in tenants],
        columns=("id", "name", "slug", "messages_per_day", "tasks_per_day", "members_max"),
    )
    signer = ContextSigner(Keyring(settings.master_keys), time.time)
    app = await asyncpg.connect(settings.database_url)
    pid = app.get_server_pid()
    await app.executemany(
        "SELECT set_config($1, $2, true), util.establish_tenant()",
        [(SETTING, signer.sign(TenantContext(tenant, user), pid)) for tenant in tenants],
    )
    await app.close()
    await owner.execute("VACUUM ANALYZE")
    await owner.close()


async def _keep(server: tuple[Settings, str], folder: Path) -> None:
    """The bytes that the bare handler will return."""
    settings, api = server
    db = database(settings)
    headers = await newcomer(db, api)
    await db.close()
    async with aiohttp.ClientSession(headers=headers) as http:
        for number, path in enumerate(READS.values()):
            async with http.get(api + path.format(headers["X-Tenant-Id"])) as answer:
                assert answer.status == 200, await answer.text()
                (folder / str(number)).write_bytes(await answer.read())


async def _times(servers: Servers, bare: str) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each read by each arm, one client at a time."""
    databases = {name: database(settings) for name, (settings, _) in servers.items()}
    headers: dict[str, dict[str, str]] = {}
    times: dict[str, dict[str, list[float]]] = {what: {arm: [] for arm in ("bare", *servers)} for what in READS}
    async with aiohttp.ClientSession() as http:
        for round_number in range(WARM_UP + ROUNDS):
            if round_number % PER_PERSON == 0:
                headers = {name: await newcomer(databases[name], api) for name, (_, api) in servers.items()}
            for number, (what, path) in enumerate(READS.items()):
                taken = {"bare": await _ask(http, f"{bare}/{number}", {})}
                for name, (_, api) in servers.items():
                    taken[name] = await _ask(http, api + path.format(headers[name]["X-Tenant-Id"]), headers[name])
                if round_number >= WARM_UP:
                    for arm, milliseconds in taken.items():
                        times[what][arm].append(milliseconds)
    for db in databases.values():
        await db.close()
    return times


async def _ask(http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    async with http.get(url, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()
    return (time.perf_counter() - began) * 1000


async def _trips(environment: Mapping[str, str], settings: Settings) -> dict[str, tuple[float, float]]:
    """Round trips of each read to Postgres and to Redis, as a proxy before each of them sees them."""
    found: dict[str, tuple[float, float]] = {}
    async with counting(environment["DATABASE_URL"]) as postgres, counting(environment["REDIS_URL"]) as redis:
        through = {**environment, "DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        with ExitStack() as opened:
            api = (await asyncio.to_thread(opened.enter_context, api_process(through)))[0]
            db = database(settings)
            headers = await newcomer(db, api)
            await db.close()
            async with aiohttp.ClientSession(headers=headers) as http:
                for what, path in READS.items():
                    seen: list[tuple[int, int]] = []
                    for _ in range(COUNTED):
                        before = postgres.trips, redis.trips
                        await _ask(http, api + path.format(headers["X-Tenant-Id"]), {})
                        seen.append((postgres.trips - before[0], redis.trips - before[1]))
                    # Statements are prepared at first, and a process has trips of its own.
                    found[what] = (
                        statistics.median(each[0] for each in seen),
                        statistics.median(each[1] for each in seen),
                    )
    return found


def _idle(workers: Mapping[str, int]) -> dict[str, float]:
    """Milliseconds of CPU a second of each worker while nobody does anything."""
    before = {name: cpu_seconds(pid) for name, pid in workers.items()}
    time.sleep(IDLE_SECONDS)
    return {name: (cpu_seconds(pid) - before[name]) / IDLE_SECONDS * 1000 for name, pid in workers.items()}


def _rows(
    times: Mapping[str, Mapping[str, Sequence[float]]], trips: Mapping[str, tuple[float, float]]
) -> list[dict[str, Any]]:
    rows = []
    for what, arms in times.items():
        median = {arm: statistics.median(values) for arm, values in arms.items()}
        postgres, redis = trips[what]
        rows += [
            row(
                f"`{what}`, one client at a time",
                "bare handler that returns the same bytes",
                median["few"],
                median["bare"],
                "ms",
                most_ratio=3,
            ),
            row(
                f"round trips of `{what}` to Postgres",
                "–",
                postgres,
                None,
                "trips",
                most=2,
                note=f"to Redis {redis:g}; counted by a proxy before each server",
            ),
            row(
                f"`{what}` with {MANY:,} companies in the database",
                f"with {FEW}",
                median["many"],
                median["few"],
                "ms",
                most_ratio=1.1,
            ),
        ]
    return rows


def _idle_row(idle: Mapping[str, float]) -> dict[str, Any]:
    return row(
        f"CPU of a worker a second, {MANY:,} companies, nobody there",
        f"{FEW} companies",
        idle["many"],
        idle["few"],
        "ms",
        most_ratio=1.1,
    )


def _serve(port: int, folder: Path) -> None:
    """The bare handler."""
    import uvicorn
    from litestar import Litestar, Response, get

    kept = [(folder / str(number)).read_bytes() for number in range(len(READS))]

    @get("/{number:int}")
    async def probe(number: int) -> Response[bytes]:
        return Response(kept[number], media_type="application/json")

    app = Litestar([probe], openapi_config=None, logging_config=None)
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _serve(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        for line in run():
            print(line)
