"""What gate and audit cost a request, what audit costs a busy tenant, and how long a chain takes to verify."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from backend.devstack.local import LocalStack
from backend.domains.audit.chain import Entry, Seal, seal_batch
from backend.domains.audit.domain import Audit
from backend.domains.audit.keys import OpenedKeys
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.migrate import migrate
from backend.registry import Product
from backend.settings import Settings
from crypto import Keyring
from tests.bench.audited_app import TENANT, USER, write
from tests.bench.bench_edges import CONNECTIONS, _answering, _load
from tests.support.ports import reserved_port

ROUNDS: Final = 9
WRITERS: Final = 100
WRITES: Final = 5  # of each writer in a round
GOAL: Final = 0.8
BATCH: Final = 1000
#: Entries of the two chains that are verified; the environment makes a small run.
LONG: Final = int(os.environ.get("OCSUITE_BENCH_ENTRIES", "1000000"))
MEMORY_GOAL: Final = 1.1
_SEAL_COLUMNS: Final = ("seq", "audit_log_id", "hash", "sealed_at", "key_id", "signature", "checkpoint")
_ENTRY_COLUMNS: Final = Entry.__struct_fields__


def run() -> list[dict[str, Any]]:
    """Three rows: the request, parallel writes, the walk over a long chain."""
    with LocalStack.temporary() as stack:
        environment = {**stack.environment(), "OCSUITE_ENV": "local", "PATH": os.environ["PATH"]}
        settings = Settings.load(environment)
        asyncio.run(_prepare(settings))
        with _server("gated", environment) as gated, _server("plain", environment) as plain:
            requests = asyncio.run(_requests({"gated": gated, "plain": plain}))
        writes = asyncio.run(_writes(settings))
        return [requests, writes, asyncio.run(_verified(settings, environment))]


async def _prepare(settings: Settings) -> None:
    await migrate(settings.database_owner_url, Keyring(settings.master_keys))
    async with _owner(settings) as owner:
        await owner.execute("INSERT INTO users (id, issuer, subject, full_name) VALUES ($1, 'b', 'b', 'Ada')", USER)
        await _company(owner, TENANT)
    product = Product(settings)
    async with product.base.db.transaction(TenantContext(TENANT, USER)) as session:
        await (await session.connection()).exec_driver_sql("SELECT util.establish_tenant()")
    await product.close()


@asynccontextmanager
async def _owner(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_owner_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _company(owner: asyncpg.Connection, tenant_id: UUID) -> None:
    await owner.execute(
        "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
        "VALUES ($1, 'Bench', $2, 100, 100, 10)",
        tenant_id,
        f"b-{tenant_id.hex}",
    )


@contextmanager
def _server(arm: str, environment: Mapping[str, str]) -> Iterator[int]:
    port = reserved_port()
    command = [sys.executable, "-m", "tests.bench.audited_app", arm, str(port)]
    folder = Path(__file__).parents[2]
    process = subprocess.Popen(command, env=dict(environment), cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def _requests(ports: Mapping[str, int]) -> dict[str, Any]:
    for port in ports.values():
        await _answering(port)
    rates: dict[str, list[float]] = {arm: [] for arm in ports}
    for round_number in range(ROUNDS + 1):
        for arm, port in ports.items():
            answers, elapsed = await _load(port)
            if round_number:
                rates[arm].append(answers / elapsed)
    return _row(
        "request that writes, gated and audited",
        "the same without gate and audit",
        statistics.median(rates["gated"]),
        statistics.median(rates["plain"]),
        "requests/s",
        f"uvicorn, one process each, {CONNECTIONS} connections of one tenant, medians of {ROUNDS} interleaved rounds",
    )


async def _writes(settings: Settings) -> dict[str, Any]:
    product, tenant = Product(settings), TenantContext(TENANT, USER)
    rates: dict[bool, list[float]] = {True: [], False: []}

    async def writer(audited: bool) -> None:
        for _ in range(WRITES):
            await write(product.base.db, tenant, audited=audited)

    for round_number in range(ROUNDS + 1):
        for audited, found in rates.items():
            began = time.perf_counter()
            await asyncio.gather(*(writer(audited) for _ in range(WRITERS)))
            if round_number:
                found.append(WRITERS * WRITES / (time.perf_counter() - began))
    await product.close()
    return _row(
        f"{WRITERS} parallel audited writes of one tenant",
        "the same without audit",
        statistics.median(rates[True]),
        statistics.median(rates[False]),
        "writes/s",
        f"one process, {settings.database_pool_size} connections, "
        f"medians of {ROUNDS} interleaved rounds; sealing is another process's work",
    )


def _row(what: str, against: str, ours: float, baseline: float, unit: str, note: str) -> dict[str, Any]:
    ratio = ours / baseline
    return {
        "what": what,
        "against": against,
        "goal": f"throughput ≥ {GOAL}",
        "ours": round(ours),
        "baseline": round(baseline),
        "ratio": round(ratio, 3),
        "unit": unit,
        "reached": ratio >= GOAL,
        "note": note,
    }


async def _verified(settings: Settings, environment: Mapping[str, str]) -> dict[str, Any]:
    """Peak memory of `ocsuite audit verify` on a long chain against one of a tenth."""
    product = Product(settings)
    keys = await product.of(Audit).verifications.keys()
    await product.close()
    chains: dict[UUID, int] = {new_id(): LONG, new_id(): LONG // 10}
    async with _owner(settings) as owner:
        for tenant_id, entries in chains.items():
            await _company(owner, tenant_id)
            await _fill(owner, tenant_id, entries, keys)
        await owner.execute("VACUUM ANALYZE audit_logs, audit_seals")
    (seconds, long), (_, short) = [_walk(tenant_id, entries, environment) for tenant_id, entries in chains.items()]
    return {
        "what": f"memory for verifying {LONG:,} entries",
        "against": f"for {LONG // 10:,}",
        "goal": f"≤ {MEMORY_GOAL}",
        "ours": long,
        "baseline": short,
        "ratio": long / short,
        "unit": "MiB",
        "reached": long / short <= MEMORY_GOAL,
        "note": f"`ocsuite audit verify` took {seconds:.0f} s, {LONG / seconds:,.0f} entries a second; "
        "peak of its process",
    }


async def _fill(owner: asyncpg.Connection, tenant_id: UUID, entries: int, keys: OpenedKeys) -> None:
    """A chain as the sealer makes it, copied into the tables."""
    head: Seal | None = None
    began = datetime.now(UTC) - timedelta(days=30)
    for start in range(0, entries, BATCH):
        batch = [_entry(tenant_id, began, number) for number in range(start, min(start + BATCH, entries))]
        seals = seal_batch(tenant_id, head, batch, signer=keys.signer, keys=keys.public, now=datetime.now(UTC))
        head = seals[-1]
        logged = [tuple(_stored(entry)) for entry in batch]
        await owner.copy_records_to_table("audit_logs", records=logged, columns=_ENTRY_COLUMNS)
        sealed = [(tenant_id, *msgspec.structs.astuple(seal)) for seal in seals]
        await owner.copy_records_to_table("audit_seals", records=sealed, columns=("tenant_id", *_SEAL_COLUMNS))


def _entry(tenant_id: UUID, began: datetime, number: int) -> Entry:
    return Entry(
        action="role.updated",
        actor_api_key_id=None,
        actor_kind="user",
        actor_name="Ada Lovelace",
        actor_user_id=USER,
        created_at=began + timedelta(milliseconds=number),
        id=new_id(),
        meta={"number": number, "added": ["chat.use", "board.convene"], "removed": []},
        outcome="succeeded",
        request_id=f"{number:032x}",
        resource=f"role:{number}",
        tenant_id=tenant_id,
    )


def _stored(entry: Entry) -> Iterator[Any]:
    for name in _ENTRY_COLUMNS:
        value = getattr(entry, name)
        yield msgspec.json.encode(value).decode() if name == "meta" else value


def _walk(tenant_id: UUID, entries: int, environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds and peak MiB of the command, run as an operator would."""
    command = [sys.executable, "-m", "backend.cli", "audit", "verify", "--tenant", str(tenant_id)]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or f"intact, {entries} sealed" not in said:
        raise RuntimeError(f"the chain was not found intact: {said}")
    return seconds, used.ru_maxrss / 1024


if __name__ == "__main__":
    for row in run():
        print(row)
