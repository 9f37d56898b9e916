"""Everything the owner of a database could do to a chain without the private key, and what the verifier calls it."""

import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domains.audit import chain_verifier
from backend.domains.audit.chain import (
    GENESIS,
    Entry,
    ForgedHead,
    Seal,
    SealSigner,
    checkpoint_of,
    checkpoint_statement,
    link_hash,
    seal_batch,
)
from backend.domains.audit.chain_verifier import ChainVerifier, Verdict, content_of
from backend.domains.audit.diagnosis import Row
from crypto import SealingKey
from module_sdk.api.audit import AuditCheckpoint
from tests.audit import tampering
from tests.audit.chains import ATTACKER, KEYS, NOW, OTHER_TENANT, SIGNER, TENANT, an_entry, sealed

SIZE = 50
EDITS: dict[str, object] = {
    "action": "role.deleted",
    "actor_api_key_id": UUID(int=8),
    "actor_kind": "system",
    "actor_name": "Mallory",
    "actor_user_id": None,
    "created_at": NOW - timedelta(days=1),
    "id": UUID(int=5),
    "meta": {"number": 1.5},
    "outcome": "refused",
    "request_id": "",
    "resource": "role:owner",
    "tenant_id": OTHER_TENANT,
}


@cache
def _sealed(batch: int) -> tuple[tampering.Pair, ...]:
    entries = [an_entry(number) for number in range(1, SIZE + 1)]
    return tuple(zip(entries, sealed(entries, batch=batch), strict=True))


def _walk(
    rows: Sequence[tampering.Pair], *, saved: Sequence[AuditCheckpoint] = (), every_signature: bool = False
) -> Verdict:
    verifier = ChainVerifier(TENANT, KEYS, saved=saved, every_signature=every_signature)
    for entry, seal in rows:
        verifier.feed(entry, seal)
    return verifier.finish()


def _found(rows: Sequence[tampering.Pair], *, every_signature: bool = False) -> tuple[str, int] | None:
    fault = _walk(rows, every_signature=every_signature).fault
    return None if fault is None else (fault.kind, fault.seq)


TAMPERINGS: list[tuple[tampering.Tampering, bool, str]] = [
    (tampering.remove, False, "removed"),
    (tampering.remove, True, "removed"),
    (tampering.remove_block, False, "removed"),
    (tampering.remove_block, True, "removed"),
    (tampering.remove_entry, False, "removed"),
    (tampering.remove_behind_another, False, "removed"),
    (tampering.remove_behind_another, True, "removed"),
    (tampering.insert, False, "inserted"),
    (tampering.insert, True, "inserted"),
    (tampering.insert_copy, True, "inserted"),
    (tampering.swap, False, "reordered"),
    (tampering.swap, True, "reordered"),
    (tampering.swap_entries, False, "reordered"),
    (tampering.swap_entries, True, "reordered"),
    (tampering.change_seal_hash, False, "forged"),
    (tampering.change_seal_entry, False, "forged"),
    (tampering.change_seal_time, False, "edited"),
    (tampering.change_seal_time, True, "edited"),
]
PLACES = st.lists(st.integers(1, SIZE), min_size=2, max_size=2, unique=True).map(sorted)
BATCHES = st.sampled_from([1, 7, SIZE])


@pytest.mark.parametrize("batch", [1, 7, SIZE])
@pytest.mark.parametrize("every_signature", [False, True])
def test_an_untouched_chain_is_intact(batch: int, every_signature: bool) -> None:
    saved = [checkpoint_of(TENANT, seal) for _, seal in _sealed(batch) if seal.checkpoint]
    verdict = _walk(_sealed(batch), saved=saved, every_signature=every_signature)
    assert verdict == Verdict(entries=SIZE, sealed_seq=SIZE, waiting=0, fault=None)
    assert _walk([]) == Verdict(entries=0, sealed_seq=0, waiting=0, fault=None)


@pytest.mark.parametrize(("tamper", "recompute", "kind"), TAMPERINGS)
@settings(max_examples=12, deadline=None)
@given(places=PLACES, batch=BATCHES)
def test_each_tampering_is_named_with_its_place(
    tamper: tampering.Tampering, recompute: bool, kind: str, places: list[int], batch: int
) -> None:
    at, other = places
    rows = tamper(list(_sealed(batch)), at, other)
    rows = tampering.recomputed(rows) if recompute else rows
    assert _found(rows) == (kind, at)
    assert _found(rows, every_signature=True) == (kind, at)
    if recompute:
        # The sealer does not lend its signature to it either.
        with pytest.raises(ForgedHead):
            seal_batch(TENANT, rows[-1][1], [an_entry(77)], signer=SIGNER, keys=KEYS, now=NOW)


@pytest.mark.parametrize("field", sorted(EDITS))
@settings(max_examples=6, deadline=None)
@given(at=st.integers(1, SIZE), batch=BATCHES, recompute=st.booleans())
def test_an_edit_of_any_field_is_named(field: str, at: int, batch: int, recompute: bool) -> None:
    rows = list(_sealed(batch))
    entry, seal = rows[at - 1]
    assert entry is not None
    edited = msgspec.structs.replace(entry, **{field: EDITS[field]})
    rows[at - 1] = edited, msgspec.structs.replace(seal, entry_id=edited.id)
    # Nothing after the last row tells an edit of it from a row that was made up.
    kind = "forged" if recompute and at == SIZE else "edited"
    assert _found(tampering.recomputed(rows) if recompute else rows) == (kind, at)


def test_every_field_is_edited() -> None:
    assert set(EDITS) == set(Entry.__struct_fields__)


@settings(max_examples=20, deadline=None)
@given(at=st.integers(2, SIZE), batch=BATCHES)
def test_a_missing_end_is_named_by_a_saved_checkpoint(at: int, batch: int) -> None:
    rows = list(_sealed(batch))[: at - 1]
    fault = _walk(rows, saved=[checkpoint_of(TENANT, _sealed(batch)[-1][1])]).fault
    assert fault is not None
    assert (fault.kind, fault.seq) == ("cut_off", at)
    # Without one, a cut at a checkpoint leaves a chain that once was the whole.
    assert _found(rows) == (None if rows[-1][1].checkpoint else ("cut_off", at))


@pytest.mark.parametrize("longer", [False, True])
def test_a_chain_that_was_cut_off_and_grew_again_is_named_by_a_saved_checkpoint(longer: bool) -> None:
    kept = list(_sealed(7))[:21]
    later = [an_entry(number) for number in range(100, 160 if longer else 110)]
    seals = sealed(later, batch=7, head=kept[-1][1], now=NOW + timedelta(hours=1))
    rows = [*kept, *zip(later, seals, strict=True)]
    saved = [checkpoint_of(TENANT, _sealed(7)[index][1]) for index in (13, SIZE - 1)]
    fault = _walk(rows, saved=saved).fault
    assert fault is not None
    assert (fault.kind, fault.seq) == ("cut_off", 22)
    assert _found(rows) is None


def test_forged_signatures() -> None:
    rows = list(_sealed(7))
    garbage = bytes(64)
    plain = [*rows[:9], tampering.changed(rows[9], signature=garbage), *rows[10:]]
    assert _found(plain, every_signature=True) == ("forged", 10)
    # The entry itself is confirmed by the checkpoint after it.
    assert _found(plain) is None
    stranger = [*rows[:9], tampering.changed(rows[9], key_id="aud_9"), *rows[10:]]
    assert _found(stranger, every_signature=True) == ("forged", 10)
    for signature in (rows[13][1].signature[:64] + garbage, rows[13][1].signature[:64], b"", bytes(127)):
        checkpoint = [*rows[:13], tampering.changed(rows[13], signature=signature), *rows[14:]]
        assert _found(checkpoint) == ("forged", 14)
    assert _found([*rows, tampering.fake(tampering.changed(rows[-1], seq=SIZE + 1))]) is not None
    assert _found(tampering.recomputed([*rows, tampering.fake(rows[-1])])) == ("forged", SIZE + 1)


@pytest.mark.parametrize("key_id", ["aud_1", "aud_2"])
def test_rows_signed_with_another_key_are_forged(key_id: str) -> None:
    kept = list(_sealed(7))[:14]
    signer = SealSigner(key_id, ATTACKER)
    entries = [an_entry(number) for number in range(15, SIZE + 1)]
    for head, first in ((None, 1), (kept[-1][1], 15)):
        trusting = {"aud_1": ATTACKER.public if head is None else KEYS["aud_1"], "aud_2": ATTACKER.public}
        seals = seal_batch(TENANT, head, entries, signer=signer, keys=trusting, now=NOW)
        rows = [*(kept if head else []), *zip(entries, seals, strict=True)]
        assert _found(rows) == ("forged", first)


def test_another_tenants_chain_is_not_this_ones() -> None:
    verifier = ChainVerifier(OTHER_TENANT, KEYS)
    for entry, seal in _sealed(7):
        verifier.feed(entry, seal)
    fault = verifier.finish().fault
    assert fault is not None
    assert fault.seq == 1
    with pytest.raises(ValueError, match="another tenant"):
        ChainVerifier(OTHER_TENANT, KEYS, saved=[checkpoint_of(TENANT, _sealed(7)[-1][1])])


def test_a_saved_checkpoint_that_nobody_signed_does_not_pass_in_silence() -> None:
    checkpoint = msgspec.structs.replace(checkpoint_of(TENANT, _sealed(7)[13][1]), hash="00" * 32)
    fault = _walk(_sealed(7), saved=[checkpoint]).fault
    assert fault is not None
    assert (fault.kind, fault.seq) == ("forged", 14)


def test_entries_without_a_seal() -> None:
    verifier = ChainVerifier(TENANT, KEYS)
    for entry, seal in _sealed(7):
        verifier.feed(entry, seal)
    verifier.feed_unsealed(UUID(int=1), waiting=True)
    assert verifier.finish() == Verdict(entries=SIZE + 1, sealed_seq=SIZE, waiting=1, fault=None)
    verifier.feed_unsealed(UUID(int=2), waiting=False)
    fault = verifier.finish().fault
    assert fault is not None
    assert (fault.kind, fault.seq, fault.entry_id) == ("inserted", SIZE + 1, UUID(int=2))


@pytest.mark.parametrize("stripped", [False, True])
def test_a_hidden_checkpoint_is_named(stripped: bool) -> None:
    inner = [seal.seq for _, seal in _sealed(7) if seal.checkpoint][:-1]
    assert len(inner) == 7
    for at in inner:
        rows = list(_sealed(7))
        signature = rows[at - 1][1].signature
        hidden = {"checkpoint": False, "signature": signature[:64] if stripped else signature}
        rows[at - 1] = tampering.changed(rows[at - 1], **hidden)
        assert _found(rows) == ("forged", at)
        assert _found(rows, every_signature=True) == ("forged", at)
        # Whatever else was done later on, the first place is named.
        assert at == inner[-1] or _found(tampering.recomputed(tampering.remove(rows, SIZE - 1, 0))) == ("forged", at)
    every = [tampering.changed(row, checkpoint=row[1].seq == SIZE) for row in _sealed(7)]
    assert _found(every) == ("forged", inner[0])


def test_rows_without_checkpoints_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_verifier, "MOST_UNCONFIRMED", 20)
    monkeypatch.setattr(chain_verifier, "LOOK_AHEAD", 5)
    hidden = _sealed(SIZE)
    assert _found(hidden) is None
    for at in (1, 19, 20, 21, 45):
        assert _found(tampering.recomputed(tampering.remove(list(hidden), at, 0))) == ("removed", at)
        assert _found(tampering.recomputed(tampering.insert(list(hidden), at, 0))) == ("inserted", at)


def _endless_rows(count: int) -> Iterator[Row]:
    """Rows with a checkpoint every 500, the only ones that are signed: a plain walk looks at no other signature."""
    previous, entry_id, content = GENESIS, UUID(int=1), content_of(an_entry(1))
    for seq in range(1, count + 1):
        previous = link_hash(TENANT, seq, previous, content, NOW)
        checkpoint = seq % 500 == 0
        signature = bytes(64)
        if checkpoint:
            signature += SIGNER.key.sign(checkpoint_statement(TENANT, seq, previous, NOW))
        yield Row(
            entry_id,
            content,
            Seal(
                seq=seq,
                entry_id=entry_id,
                hash=previous,
                sealed_at=NOW,
                key_id=SIGNER.key_id,
                signature=signature,
                checkpoint=checkpoint,
            ),
        )


def test_the_walk_takes_the_same_memory_however_long_the_chain_is() -> None:
    verifier = ChainVerifier(TENANT, KEYS)
    tracemalloc.start()
    try:
        for row in _endless_rows(20_000):
            verifier.feed_row(row)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert verifier.finish() == Verdict(entries=20_000, sealed_seq=20_000, waiting=0, fault=None)
    assert peak < 1_000_000, peak


def test_a_generated_key_verifies_nothing_of_another() -> None:
    verifier = ChainVerifier(TENANT, {"aud_1": SealingKey.generate().public})
    for entry, seal in _sealed(1)[:3]:
        verifier.feed(entry, seal)
    assert verifier.finish().fault is not None
