"""What people notice of a flood: ``GET /me`` alone, and while strangers send keys of programs that nobody made.

The strangers are a process of their own that is stopped and continued, so that both arms alternate against one API.
Each of their requests has the form of an old key, about which only the database knows, and comes from another address.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp

from backend.devstack.local import LocalStack
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.tenancy import ContextSigner
from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring
from tests.access.test_key_flood import bogus
from tests.support.people import sign_in
from tests.support.process import api_process

FLOOD: Final = 200  # requests a second
ADDRESSES: Final = 200
ROUNDS: Final = 12
PER_ROUND: Final = 40
GOAL: Final = 2.0


def run() -> list[dict[str, Any]]:
    """One row: the median latency of a person's request under the flood over that of a quiet moment."""
    with LocalStack.temporary() as stack:
        environment = {
            **stack.environment(),
            "OCSUITE_ENV": "local",
            "OCSUITE_API_URL": "http://127.0.0.1:8000",
            "OCSUITE_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        settings = Settings.load(environment)
        asyncio.run(migrate(settings.database_owner_url, Keyring(settings.master_keys)))
        with api_process(environment) as (api, _), _strangers(api) as strangers:
            times, statuses = asyncio.run(_measure(settings, api, strangers))
    quiet, flooded = (statistics.median(times[arm]) * 1000 for arm in ("quiet", "flooded"))
    tail = {arm: statistics.quantiles(values, n=20)[-1] * 1000 for arm, values in times.items()}
    return [
        {
            "what": f"GET /me while strangers send {FLOOD} bogus keys a second from {ADDRESSES} addresses",
            "against": "the same in a quiet moment",
            "goal": f"≤ {GOAL}",
            "ours": flooded,
            "baseline": quiet,
            "ratio": flooded / quiet,
            "unit": "ms",
            "reached": flooded / quiet <= GOAL,
            "note": f"p95 {tail['flooded']:.1f} ms against {tail['quiet']:.1f} ms; strangers were answered {statuses}",
        }
    ]


async def _measure(
    settings: Settings, api: str, strangers: "subprocess.Popen[bytes]"
) -> tuple[dict[str, list[float]], str]:
    db = Database(create_engine(settings.database_url), ContextSigner(Keyring(settings.master_keys), time.time))
    times: dict[str, list[float]] = {"quiet": [], "flooded": []}
    for _ in range(ROUNDS):
        person = await sign_in(db, api)
        headers = {"Authorization": person.http.headers["Authorization"], "X-Forwarded-For": "203.0.113.1"}
        await person.http.aclose()
        async with aiohttp.ClientSession(headers=headers) as http:
            for arm in times:
                strangers.send_signal(signal.SIGCONT if arm == "flooded" else signal.SIGSTOP)
                await _ask(http, api)
                times[arm] += [await _ask(http, api) for _ in range(PER_ROUND)]
    strangers.terminate()
    told, _ = await asyncio.to_thread(strangers.communicate)
    await db.close()
    return times, told.decode().strip()


async def _ask(http: aiohttp.ClientSession, api: str) -> float:
    """Seconds of one request, which leaves the process room before the next, as people do."""
    began = time.perf_counter()
    async with http.get(f"{api}/me") as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()
    taken = time.perf_counter() - began
    await asyncio.sleep(0.02)
    return taken


@contextmanager
def _strangers(api: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_flood", api],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _flood(api: str) -> None:
    """Send bogus keys, never more than :data:`FLOOD` a second, until SIGTERM; then print the answers' statuses."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    seen: dict[int, int] = {}

    async def one(http: aiohttp.ClientSession, number: int) -> None:
        address = f"198.51.100.{number % ADDRESSES}"
        headers = {"Authorization": f"Bearer {bogus()}", "X-Forwarded-For": address}
        async with http.get(f"{api}/me", headers=headers) as answer:
            await answer.read()
            seen[answer.status] = seen.get(answer.status, 0) + 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http, asyncio.TaskGroup() as group:
        for number in count():
            if ended.is_set():
                break
            group.create_task(one(http, number))
            await asyncio.sleep(1 / FLOOD)
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(_flood(sys.argv[1]))
