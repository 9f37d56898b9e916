"""The sealer on the real database: complete, in order, never twice, whoever else seals or is killed meanwhile."""

import asyncio
import json
import signal
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
import structlog
from sqlalchemy import text

from backend.domains.audit import sealer as sealing
from backend.domains.audit.chain import checkpoint_of
from backend.domains.audit.repository import AuditRepository
from backend.domains.audit.sealer import Sealer
from backend.domains.audit.witness import HEADS
from backend.kernel.audit.recording import record
from backend.kernel.db.tenancy import TenantContext
from tests.audit.kit import Log, Parts
from tests.support.process import process

PLACES = "SELECT seq, checkpoint FROM audit_seals WHERE tenant_id = :tenant ORDER BY seq"


async def assert_intact(log: Log, entries: int, *, waiting: int = 0) -> None:
    verdict = await log.verify()
    found = (verdict.fault, verdict.entries, verdict.sealed_seq, verdict.waiting)
    assert found == (None, entries, entries - waiting, waiting)


async def test_an_empty_log_is_intact(parts: Parts) -> None:
    await assert_intact(await parts.log(), 0)


async def test_a_batch_ends_in_a_checkpoint_that_the_witness_keeps(parts: Parts) -> None:
    log = await (await parts.log()).sealed(3, 2)
    assert [tuple(row) for row in await log.rows(PLACES)] == [(1, False), (2, False), (3, True), (4, False), (5, True)]
    assert await log.count("audit_pending") == 0
    await assert_intact(log, 5)
    seen = await log.seen()
    assert seen is not None
    async with parts.db.transaction(TenantContext(log.tenant_id, None)) as session:
        head = await AuditRepository(session).head()
    assert head is not None
    assert seen == checkpoint_of(log.tenant_id, head)
    await log.append(2)
    await assert_intact(log, 7, waiting=2)


async def test_a_hundred_writers_at_once_leave_a_chain_intact_and_complete(parts: Parts) -> None:
    log, done = await parts.log(), asyncio.Event()

    async def seal_meanwhile() -> None:
        while not done.is_set():
            await parts.sealer().seal_waiting()

    sealers = [asyncio.create_task(seal_meanwhile()) for _ in range(2)]
    await asyncio.gather(*(log.append(3) for _ in range(100)))
    done.set()
    await asyncio.gather(*sealers)
    await log.seal()
    assert await log.count("audit_logs") == 300
    await assert_intact(log, 300)


async def test_two_sealers_never_fork_a_chain(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 7)
    log = await parts.log()
    await log.append(60)
    counts = await asyncio.gather(*(parts.sealer().seal_waiting() for _ in range(4)))
    await log.seal()  # whoever found the chain taken went on to the next tenant
    assert sum(counts) <= 60
    await assert_intact(log, 60)


async def test_a_sealer_killed_in_the_middle_loses_nothing(parts: Parts, environment: dict[str, str]) -> None:
    """It is held between storing a batch and its commit: the outbox row that it deletes is locked."""
    log = await (await parts.log()).sealed(4)
    await log.append(6)
    async with parts.owner.connect() as blocker:
        lock = "SELECT FROM audit_pending WHERE tenant_id = :tenant ORDER BY audit_log_id DESC LIMIT 1 FOR UPDATE"
        await blocker.execute(text(lock), {"tenant": log.tenant_id})
        with process("worker", environment) as worker:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
            async with asyncio.timeout(30), parts.owner.connect() as watcher:
                while not (await watcher.execute(waiting)).scalar_one():
                    await watcher.rollback()
                    await asyncio.sleep(0.01)  # Postgres announces no lock waits
            worker.kill()
            assert worker.wait() == -signal.SIGKILL
        await blocker.rollback()
    async with asyncio.timeout(30):
        while await log.count("audit_pending"):  # until the server noticed that the killed one is gone
            await log.seal()
    await assert_intact(log, 10)
    assert [row.seq for row in await log.rows(PLACES) if row.checkpoint] == [4, 10]


async def test_nothing_is_sealed_on_top_of_a_forged_head_and_others_go_on(parts: Parts) -> None:
    forged, other = await (await parts.log()).sealed(3), await parts.log()
    await forged.tamper("UPDATE audit_seals SET hash = sha256(hash) WHERE tenant_id = :tenant AND seq = 3")
    await forged.append(1)
    await other.append(2)
    clock = [0.0]
    sealer = Sealer(parts.db, parts.keyring, parts.witness, monotonic=lambda: clock[0])
    await sealer.seal_waiting()
    assert (await forged.count("audit_seals"), await other.count("audit_seals")) == (3, 2)
    await forged.tamper(
        "DELETE FROM audit_seals WHERE tenant_id = :tenant",
        "DELETE FROM audit_logs WHERE tenant_id = :tenant AND id NOT IN (SELECT audit_log_id FROM audit_pending)",
    )
    await sealer.seal_waiting()
    assert await forged.count("audit_seals") == 0, "it is left alone for a minute"
    clock[0] = 61.0
    await sealer.seal_waiting()
    assert await forged.count("audit_seals") == 1


async def test_an_entry_that_cannot_be_sealed_halts_nobody(parts: Parts) -> None:
    log = await parts.log()
    await log.append(1)
    await log.tamper("UPDATE audit_logs SET meta = '{\"rate\": 0.5}' WHERE tenant_id = :tenant")
    await log.append(2)
    assert await log.seal() == 2
    verdict = await log.verify()
    assert (verdict.fault, verdict.sealed_seq, verdict.waiting) == (None, 2, 1)


@pytest.mark.parametrize("value", [0.5, 2**53, ["a", 1], {"a": "b"}])
async def test_a_meta_that_could_not_be_sealed_is_refused(parts: Parts, value: object) -> None:
    log = await parts.log()
    async with parts.db.transaction(TenantContext(log.tenant_id, None)) as session:
        with pytest.raises(ValueError, match=r"role\.updated: level holds neither"):
            await record(session, "role.updated", "role:x", {"level": value})  # type: ignore[dict-item]


async def test_the_witness_does_not_follow_a_chain_that_lost_its_end(parts: Parts) -> None:
    log = await (await parts.log()).sealed(3, 2)
    kept = await log.seen()
    await log.tamper("DELETE FROM audit_seals WHERE tenant_id = :tenant AND seq > 3")
    await log.sealed(1, 1, 1)
    assert await log.seen() == kept
    verdict = await log.verify()
    assert verdict.fault is not None
    assert (verdict.fault.kind, verdict.fault.seq) == ("cut_off", 4)


async def test_a_witness_that_fell_behind_catches_up_and_one_of_somebody_else_is_no_witness(parts: Parts) -> None:
    log = await (await parts.log()).sealed(2)
    behind = await log.seen()
    await log.sealed(2)
    assert behind is not None
    for stored in (msgspec.json.encode(behind).decode(), "not json"):
        await log.remember(stored)
        await log.sealed(1)
        seen = await log.seen()
        assert seen is not None
        assert seen.seq == await log.count("audit_seals")


FAR = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14)))
GARBAGE: dict[str, bytes | dict[str, object]] = {
    "bytes": b"\xff\xfe\x00",
    "json of something else": b"[1, 2]",
    "a time that no other zone has": {"sealed_at": FAR.isoformat()},
    "a time without a zone": {"sealed_at": "2026-01-01T00:00:00"},
    "a place before the first": {"seq": -1},
    "a place beyond all": {"seq": 2**80},
    "a hash that is none": {"hash": "not a hash"},
    "a signature of nobody": {"key_id": "aud_x", "signature": ""},
    "a signature of ours for another place": {"seq": 99},
    "half a surrogate pair": b'{"tenant_id": "\\ud800"}',
    "more than a checkpoint can be": b"[" * 100_000,
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_what_is_no_checkpoint_of_ours_is_no_witness(parts: Parts, kind: str) -> None:
    log = await (await parts.log()).sealed(2)
    kept, planted = await log.seen(), GARBAGE[kind]
    assert kept is not None
    if isinstance(planted, dict):
        planted = json.dumps({**msgspec.to_builtins(kept), **planted}).encode()
    await log.remember(planted)
    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            assert (await log.verify()).fault is None
    assert [line["event"] for line in said] == ["audit_witness_unreadable"], "said once"
    await log.sealed(1)
    seen = await log.seen()
    assert seen is not None
    assert seen.seq == 3


async def test_a_key_of_another_type_is_no_witness(parts: Parts) -> None:
    log = await (await parts.log()).sealed(2)
    await parts.redis.set(HEADS, b"a text")
    assert (await log.verify()).fault is None
    await parts.witness.forget(log.tenant_id)
    await parts.redis.delete(HEADS)
    await parts.redis.rpush(HEADS, b"a list")  # type: ignore[misc]  # annotated as its synchronous twin
    await log.sealed(1)
    seen = await log.seen()
    assert seen is not None
    assert seen.seq == 3


async def test_one_tenants_fault_halts_no_other(parts: Parts) -> None:
    """Its rows can be read and not be written."""
    bad, good = sorted([await parts.log(), await parts.log()], key=lambda log: log.tenant_id)
    await bad.append(1)
    await good.append(2)
    function, trigger = f"refuse_{bad.tenant_id.hex}", f"refuse_{bad.tenant_id.hex}"
    await bad.tamper(
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$",
        f"CREATE TRIGGER {trigger} BEFORE INSERT ON audit_seals FOR EACH ROW "
        f"WHEN (NEW.tenant_id = '{bad.tenant_id}') EXECUTE FUNCTION {function}()",
    )
    clock = [0.0]
    sealer = Sealer(parts.db, parts.keyring, parts.witness, monotonic=lambda: clock[0])
    try:
        await sealer.seal_waiting()
        assert (await bad.count("audit_seals"), await good.count("audit_seals")) == (0, 2)
    finally:
        await bad.tamper(f"DROP TRIGGER {trigger} ON audit_seals", f"DROP FUNCTION {function}()")
    clock[0] = sealing.RETRY_SECONDS + 1
    await sealer.seal_waiting()
    await assert_intact(bad, 1)
