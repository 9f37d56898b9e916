"""What benchmarks of the whole API share: servers as processes, people, what a process used, rows of the table."""

import asyncio
import contextlib
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from backend.devstack.local import LocalStack
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.tenancy import ContextSigner
from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring
from tests.support.people import sign_in
from tests.support.ports import reserved_port

ROOT: Final = Path(__file__).parents[2]


@contextmanager
def migrated_stack(**more: str) -> Iterator[tuple[dict[str, str], Settings]]:
    """A new stack with the product's tables: the environment that leads to it, with ``more``, and its settings."""
    with LocalStack.temporary() as stack:
        environment = {
            **stack.environment(),
            "OCSUITE_API_URL": "http://127.0.0.1:8000",
            "OCSUITE_ENV": "local",
            "MESSAGES_PER_DAY": "1000000",
            **more,
        }
        settings = Settings.load(environment)
        asyncio.run(migrate(settings.database_owner_url, Keyring(settings.master_keys)))
        yield environment, settings


@contextmanager
def upstream(kind: str, *arguments: str) -> Iterator[str]:
    """The base URL of a server of :mod:`tests.bench.upstream`."""
    port = reserved_port()
    command = [sys.executable, "-m", "tests.bench.upstream", kind, str(port), *arguments]
    with running(command, port, os.environ):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def running(
    command: Sequence[str], port: int, environment: Mapping[str, str], log: IO[bytes] | None = None
) -> Iterator[None]:
    """A process that answers at ``port``."""
    process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=log, stderr=log)
    try:
        asyncio.run(_answering(port, process))
        yield
    finally:
        process.kill()
        process.wait()


async def _answering(port: int, process: "subprocess.Popen[bytes]") -> None:
    async with asyncio.timeout(120):
        while process.poll() is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"{process.args!r} ended at once")


def database(settings: Settings) -> Database:
    """The database as the application sees it. Close it afterwards."""
    return Database(create_engine(settings.database_url), ContextSigner(Keyring(settings.master_keys), time.time))


async def newcomer(db: Database, api: str) -> dict[str, str]:
    """The headers of a new person with a new company that has a profile."""
    person = await sign_in(db, api)
    member = await person.found(industry="Robotics", description="Robots for small workshops")
    await person.http.aclose()
    return {"Authorization": person.http.headers["Authorization"], "X-Tenant-Id": str(member.tenant_id)}


def p95(values: Sequence[float]) -> float:
    """What 95 of 100 do not exceed."""
    return statistics.quantiles(values, n=20)[-1]


def row(
    what: str,
    against: str,
    ours: float,
    baseline: float | None,
    unit: str,
    *,
    most: float = math.inf,
    most_ratio: float = math.inf,
    note: str = "",
) -> dict[str, Any]:
    """A row of the table, whose goal is every bound that is given."""
    ratio = None if baseline is None else ours / baseline
    bounds = {
        f"≤ {most_ratio:g}": most_ratio < math.inf,
        f"≤ {most:g} {unit}": most < math.inf,
    }
    return {
        "what": what,
        "against": against,
        "goal": " and ".join(text for text, given in bounds.items() if given),
        "ours": ours,
        "baseline": baseline,
        "ratio": ratio,
        "unit": unit,
        "reached": ours <= most and (ratio is None or ratio <= most_ratio),
        "note": note,
    }
