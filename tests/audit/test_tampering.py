"""What the owner of the database can do to a log, and what the verifier says: online, and on an export of it."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from backend.domains.audit.chain import GENESIS, SealSigner, canonical, content_hash, link_hash, seal_batch
from backend.domains.audit.export_file import verify_export
from backend.domains.audit.exporting import Exporter
from backend.domains.audit.pages import ChainPages
from backend.domains.audit.repository import EntryFilter
from backend.domains.audit.verification import NEVER
from backend.kernel.db.tenancy import TenantContext
from crypto import SealingKey
from tests.audit.kit import Log, Parts

SEALED = "tenant_id = :tenant AND seq"
ENTRY = "tenant_id = :tenant AND id = (SELECT audit_log_id FROM audit_seals WHERE tenant_id = :tenant AND seq = {})"


class Case(NamedTuple):
    """Statements of the owner on a chain of 9 (checkpoints at 4, 7, 9), and what is found first."""

    name: str
    statements: tuple[str, ...]
    kinds: set[str]
    seq: int
    on_export: bool = True


def entry(change: str, seq: int = 5) -> tuple[str, ...]:
    return (f"UPDATE audit_logs SET {change} WHERE {ENTRY.format(seq)}",)


def seal(change: str, seq: int = 5) -> tuple[str, ...]:
    return (f"UPDATE audit_seals SET {change} WHERE {SEALED} = {seq}",)


EDITS = {
    "actor_kind": "'user'",
    "actor_user_id": "gen_random_uuid()",
    "actor_api_key_id": "gen_random_uuid()",
    "actor_name": "'Mallory'",
    "action": "'role.created'",
    "resource": "'role:other'",
    "outcome": "'refused'",
    "meta": "meta || '{\"number\": 99}'",
    "request_id": "'another'",
    "created_at": "created_at + interval '1 microsecond'",
}
UNREADABLE = {
    "a time before our era": "created_at = '0044-03-15 BC'",
    "a time beyond all": "created_at = 'infinity'",
    "a number of five thousand digits": "meta = ('{\"n\": 1' || repeat('0', 5000) || '}')::jsonb",
    "a fraction": "meta = '{\"n\": 0.5}'",
    "a meta nested too deep": "meta = ('{\"n\": ' || repeat('[', 500) || repeat(']', 500) || '}')::jsonb",
}
DELETE_ENTRY = f"DELETE FROM audit_logs WHERE {ENTRY.format(5)}"
DELETE_SEAL = f"DELETE FROM audit_seals WHERE {SEALED} = 5"
CLOSE_GAP = (
    f"UPDATE audit_seals SET seq = seq + 1000 WHERE {SEALED} > 5",
    f"UPDATE audit_seals SET seq = seq - 1001 WHERE {SEALED} > 1000",
)
MAKE_ROOM = (
    f"UPDATE audit_seals SET seq = seq + 1000 WHERE {SEALED} >= 5",
    f"UPDATE audit_seals SET seq = seq - 999 WHERE {SEALED} > 1000",
)
FALSE_ENTRY = (
    "INSERT INTO audit_logs SELECT tenant_id, '00000000-0000-4000-8000-000000000001', 'system', NULL, NULL, 'Mallory', "
    "action, resource, outcome, meta, request_id, created_at FROM audit_logs WHERE " + ENTRY.format(4),
)
FALSE_SEAL = (
    (
        "INSERT INTO audit_seals SELECT tenant_id, 5, '00000000-0000-4000-8000-000000000001', hash, sealed_at, key_id, "
        f"signature, false FROM audit_seals WHERE {SEALED} = 4"
    ),
)
SWAP = (
    "ALTER TABLE audit_seals DROP CONSTRAINT uq_audit_seals_entry",
    (
        "UPDATE audit_seals s SET audit_log_id = o.audit_log_id FROM audit_seals o WHERE s.tenant_id = :tenant "
        "AND o.tenant_id = :tenant AND s.seq IN (5, 6) AND o.seq = 11 - s.seq"
    ),
    "ALTER TABLE audit_seals ADD CONSTRAINT uq_audit_seals_entry UNIQUE (tenant_id, audit_log_id)",
)
SWAP_SEALS = tuple(
    f"UPDATE audit_seals SET seq = {new} WHERE {SEALED} = {old}" for old, new in ((5, 1000), (6, 5), (1000, 6))
)
CUT_OFF = (
    (
        "DELETE FROM audit_logs WHERE tenant_id = :tenant AND id IN "
        f"(SELECT audit_log_id FROM audit_seals WHERE {SEALED} > 7)"
    ),
    f"DELETE FROM audit_seals WHERE {SEALED} > 7",
)
CASES = (
    *(Case(f"{column} edited", entry(f"{column} = {value}"), {"edited"}, 5) for column, value in EDITS.items()),
    # An export leaves out what has no canonical form, so that it is missing there.
    *(Case(name, entry(change), {"edited", "removed"}, 5) for name, change in UNREADABLE.items()),
    Case("the first entry edited", entry("meta = '{}'", 1), {"edited"}, 1),
    Case("the last entry edited", entry("meta = '{}'", 9), {"edited"}, 9),
    Case("entry removed", (DELETE_ENTRY,), {"removed"}, 5),
    Case("seal removed", (DELETE_SEAL,), {"removed"}, 5),
    Case("entry and seal removed", (DELETE_ENTRY, DELETE_SEAL), {"removed"}, 5),
    Case("entry and seal removed, the rest renumbered", (DELETE_ENTRY, DELETE_SEAL, *CLOSE_GAP), {"removed"}, 5),
    Case("an entry inserted beside the chain", FALSE_ENTRY, {"inserted"}, 10, on_export=False),
    Case("an entry inserted into the chain", (*MAKE_ROOM, *FALSE_ENTRY, *FALSE_SEAL), {"inserted"}, 5),
    Case("two entries exchanged", SWAP, {"reordered"}, 5),
    Case("two rows exchanged", SWAP_SEALS, {"reordered"}, 5),
    Case("hash of a row overwritten", seal("hash = sha256(hash)"), {"forged"}, 5),
    Case("hash of the last row overwritten", seal("hash = sha256(hash)", 9), {"forged"}, 9),
    Case("time of a seal overwritten", seal("sealed_at = sealed_at - interval '1 day'"), {"forged", "edited"}, 5),
    Case("name of the key overwritten", seal("key_id = 'aud_other'", 7), {"forged"}, 7),
    Case(
        "signature of a checkpoint overwritten", seal("signature = sha512(signature) || sha512('')", 7), {"forged"}, 7
    ),
    Case("a checkpoint that is none any more", seal("checkpoint = false", 9), {"cut_off"}, 10),
    Case("an inner checkpoint that is none any more", seal("checkpoint = false", 7), {"forged"}, 7),
    Case("the first checkpoint that is none any more", seal("checkpoint = false", 4), {"forged"}, 4),
    Case(
        "an inner checkpoint without its mark and its second signature",
        seal("checkpoint = false, signature = substr(signature, 1, 64)", 4),
        {"forged"},
        4,
    ),
    Case("a checkpoint that was none", seal("checkpoint = true", 5), {"forged"}, 5),
    Case("the end cut off within a batch", (f"DELETE FROM audit_seals WHERE {SEALED} > 8",), {"cut_off"}, 9),
    Case("seals of the end cut off", (f"DELETE FROM audit_seals WHERE {SEALED} > 7",), {"cut_off"}, 8, on_export=False),
    Case(
        "the end cut off with its entries",
        CUT_OFF,
        {"cut_off"},
        8,
        on_export=False,
    ),
    Case("everything removed", ("DELETE FROM audit_seals WHERE tenant_id = :tenant",), {"cut_off"}, 1, on_export=False),
)


async def exported(log: Log, wanted: EntryFilter | None = None) -> list[bytes]:
    """Lines of an export."""

    async def permitted(_: TenantContext, __: str) -> bool:
        return True

    exporter = Exporter(log.parts.db, log.parts.keyring, permitted)
    content = await exporter.begin(TenantContext(log.tenant_id, None), wanted or EntryFilter(), "ndjson")
    return b"".join([piece async for piece in content]).splitlines(keepends=True)


@pytest.fixture
async def log(parts: Parts) -> Log:
    """Nine entries in batches of 4, 3 and 2."""
    return await (await parts.log()).sealed(4, 3, 2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_the_owner_did_is_named(log: Log, case: Case) -> None:
    assert (await log.verify()).fault is None
    keys = await log.parts.verifications.keys()
    await log.tamper(*case.statements)
    fault = (await log.verify()).fault
    assert fault is not None
    assert (fault.kind in case.kinds, fault.seq) == (True, case.seq), fault
    report = verify_export(await exported(log), pinned=keys.public.values())
    if case.on_export:
        assert report.fault is not None
        assert report.fault.seq == case.seq, report.fault
    else:
        # A file made from the shorter chain is whole; the checkpoint kept elsewhere is what tells.
        assert report.fault is None
        assert report.sealed_seq in {9, 7, 0}


async def test_hashes_computed_anew_do_not_hide_an_edit(log: Log) -> None:
    """As the one who can run the product's own code on the database, all but the private key in hand."""
    await log.tamper(*entry("meta = '{}'", 2))
    pages = await ChainPages.begin(log.parts.db, log.tenant_id)
    rows = [row async for page in pages.sealed() for row in page]
    previous, anew = GENESIS, []
    for row in rows:
        assert row.entry is not None
        content = content_hash(canonical(row.entry))
        previous = link_hash(log.tenant_id, row.seal.seq, previous, content, row.seal.sealed_at)
        anew.append(f"UPDATE audit_seals SET hash = '\\x{previous.hex()}' WHERE {SEALED} = {row.seal.seq}")
    await log.tamper(*anew)
    fault = (await log.verify()).fault
    assert fault is not None
    assert (fault.kind, fault.seq) == ("edited", 2)
    await log.append(1)
    assert await log.seal() == 0, "nothing is signed on top of it"


async def test_a_key_of_the_owners_own_is_not_believed(log: Log) -> None:
    """All hashes and signatures made anew with another key whose public half stands in the table."""
    own = SealSigner("aud_own", SealingKey.generate())
    pages = await ChainPages.begin(log.parts.db, log.tenant_id)
    entries = [row.entry async for page in pages.sealed() for row in page if row.entry is not None]
    keys = {own.key_id: own.key.public}
    seals = seal_batch(log.tenant_id, None, entries[1:], signer=own, keys=keys, now=datetime.now(UTC))
    await log.forget_witness()
    await log.tamper(
        f"DELETE FROM audit_logs WHERE {ENTRY.format(1)}",
        "DELETE FROM audit_seals WHERE tenant_id = :tenant",
        f"INSERT INTO audit_keys VALUES ('aud_own', '\\x00', '\\x{bytes(own.key.public).hex()}')",
        *(
            f"INSERT INTO audit_seals VALUES (:tenant, {it.seq}, '{it.entry_id}', '\\x{it.hash.hex()}', "
            f"'{it.sealed_at.isoformat()}', 'aud_own', '\\x{it.signature.hex()}', {it.checkpoint})"
            for it in seals
        ),
    )
    try:
        fault = (await log.verify()).fault
        assert fault is not None
        assert (fault.kind, fault.seq) == ("forged", 1)
        report = verify_export(await exported(log))
        assert report.fault is not None, "the export hands out no key that does not open"
        assert report.fault.seq == 1
    finally:
        await log.tamper("DELETE FROM audit_keys WHERE id = 'aud_own'")


async def test_a_public_key_overwritten_in_the_table_changes_nothing(log: Log) -> None:
    own = bytes(SealingKey.generate().public).hex()
    try:
        await log.tamper(f"UPDATE audit_keys SET public_key = '\\x{own}'")
        assert (await log.verify()).fault is None
        assert (await log.parts.verifications.keys()).published[0].public_key
        await log.append(1)
        assert await log.seal() == 1
    finally:
        (key,) = (await log.parts.verifications.keys()).public.values()
        await log.tamper(f"UPDATE audit_keys SET public_key = '\\x{bytes(key).hex()}'")


async def test_an_end_cut_off_is_found_by_a_saved_checkpoint_when_the_witness_is_gone_too(log: Log) -> None:
    saved = await log.seen()
    assert saved is not None
    await log.tamper(
        *CUT_OFF,
    )
    await log.forget_witness()
    assert (await log.verify()).fault is None, "what is left is a chain of its own"
    fault = (await log.verify(saved)).fault
    assert fault is not None
    assert (fault.kind, fault.seq) == ("cut_off", 8)
    offline = verify_export(await exported(log), checkpoints=[saved]).fault
    assert offline is not None
    assert (offline.kind, offline.seq) == ("cut_off", 8)


async def test_filtered_exports_verify_row_by_row(log: Log) -> None:
    report = verify_export(await exported(log, EntryFilter(resource="role:1")))
    assert (report.fault, report.complete, report.entries) == (None, False, 3)
    await log.tamper(*entry("actor_name = 'Mallory'", 6))  # the second of its batch
    fault = verify_export(await exported(log, EntryFilter(resource="role:1"))).fault
    assert fault is not None
    assert (fault.kind, fault.seq) == ("edited", 6)


KEPT = {
    "a date in the future": "verified_at = now() + interval '10 years'",
    "a date beyond all": "verified_at = 'infinity'",
    "a date before our era": "verified_at = '0044-03-15 BC'",
    "a later date": "verified_at = verified_at + interval '1 minute'",
    "a fault taken away": "fault = NULL",
    "other numbers": "entries = entries + 1",
    "a fault that is none": "fault = '[1]'",
    "a fault with an endless number": "fault = ('1' || repeat('0', 5000))::jsonb",
    "no signature": "signature = ''",
    "a key of nobody": "key_id = 'aud_own'",
}


@pytest.mark.parametrize("change", KEPT)
async def test_the_last_verification_is_believed_as_it_was_signed(log: Log, change: str) -> None:
    """Whoever tampers with the log would have it pass for verified, or left out of the daily verification."""
    await log.tamper(*entry("meta = '{}'", 5))
    verifications = log.parts.verifications
    assert (await verifications.verify_now(log.tenant_id)).intact is False
    assert (await verifications.last(log.tenant_id)).intact is False
    while await verifications.verify_due():
        pass
    await log.tamper(f"UPDATE audit_verifications SET {KEPT[change]} WHERE tenant_id = :tenant")
    assert await verifications.last(log.tenant_id) == NEVER
    assert await verifications.verify_due() == 1, "it is verified anew, whatever its date"
    found = await verifications.last(log.tenant_id)
    assert found.fault is not None
    assert (found.intact, found.fault.seq) == (False, 5)


async def test_a_verification_of_another_company_is_not_believed(log: Log, parts: Parts) -> None:
    other = await (await parts.log()).sealed(9)
    await parts.verifications.verify_now(other.tenant_id)
    await log.tamper(
        "INSERT INTO audit_verifications SELECT :tenant, verified_at, entries, sealed_seq, waiting, fault, key_id, "
        f"signature FROM audit_verifications WHERE tenant_id = '{other.tenant_id}'",
    )
    assert (await parts.verifications.last(other.tenant_id)).intact
    assert await parts.verifications.last(log.tenant_id) == NEVER


async def test_one_log_that_cannot_be_verified_holds_up_no_other(parts: Parts) -> None:
    while await parts.verifications.verify_due():
        pass
    bad, good = sorted([await (await parts.log()).sealed(1) for _ in range(2)], key=lambda log: log.tenant_id)
    await bad.tamper(
        f"ALTER TABLE audit_verifications ADD CONSTRAINT ck_refused CHECK (tenant_id <> '{bad.tenant_id}') NOT VALID"
    )
    try:
        assert await parts.verifications.verify_due() == 1
        assert (await parts.verifications.last(good.tenant_id)).intact
    finally:
        await bad.tamper("ALTER TABLE audit_verifications DROP CONSTRAINT ck_refused")
    assert await parts.verifications.verify_due() == 1
