"""The bytes that are hashed and signed: pinned, compared with another implementation, and refused where ambiguous."""

import hashlib
import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domains.audit.chain import (
    CHECKPOINT_EVERY,
    GENESIS,
    MAX_INTEGER,
    Entry,
    ForgedHead,
    NotCanonical,
    SealSigner,
    canonical,
    chain_is_signed,
    check_meta,
    checkpoint_of,
    content_hash,
    seal_batch,
    timestamp,
)
from backend.domains.audit.chain_verifier import checkpoint_is_ours
from crypto import SealingKey
from tests.audit.chains import ATTACKER, KEYS, NOW, OTHER_TENANT, SIGNER, TENANT, an_entry, sealed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
METAS = st.dictionaries(
    TEXT,
    st.recursive(
        st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def _plain(entry: Entry) -> bytes:
    """The canonical form as the standard library writes it."""
    fields = msgspec.structs.asdict(entry) | {"created_at": timestamp(entry.created_at)}
    text = json.dumps(fields, default=str, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def test_the_canonical_form_of_an_entry_is_pinned() -> None:
    assert canonical(an_entry(1)).decode() == (
        '{"action":"role.updated","actor_api_key_id":null,"actor_kind":"user","actor_name":"Ada Lovelace",'
        '"actor_user_id":"00000000-0000-0000-0000-000000000007","created_at":"2026-03-01T12:00:00.001000Z",'
        '"id":"00000000-0000-0000-0000-0000000003e9","meta":{"added":["chat.use"],"number":1,"was":null},'
        '"outcome":"succeeded","request_id":"req-1","resource":"role:1",'
        '"tenant_id":"0198c0de-0000-7000-8000-00000000000a"}'
    )


def test_hashes_and_signatures_are_what_the_description_says() -> None:
    first, second = sealed([an_entry(1), an_entry(2)], batch=2)
    previous, at = GENESIS, b"2026-03-01T12:00:00.000000Z"
    for seal, entry in ((first, an_entry(1)), (second, an_entry(2))):
        content = hashlib.sha256(b"ocsuite.audit.entry/1\n" + _plain(entry)).digest()
        place = TENANT.bytes + bytes(7) + bytes([seal.seq])
        assert seal.hash == hashlib.sha256(b"ocsuite.audit.link/1\n" + place + previous + content + at).digest()
        assert SIGNER.key.public.verify(b"ocsuite.audit.row/1\n" + place + content + at, seal.signature[:64])
        previous = seal.hash
    assert (len(first.signature), first.checkpoint, len(second.signature), second.checkpoint) == (64, False, 128, True)
    statement = b"ocsuite.audit.checkpoint/1\n" + TENANT.bytes + bytes(7) + b"\x02" + second.hash + at
    assert SIGNER.key.public.verify(statement, second.signature[64:])
    handed_out = checkpoint_of(TENANT, second)
    assert (handed_out.seq, handed_out.hash) == (2, second.hash.hex())
    assert SIGNER.key.public.verify(statement, b64decode(handed_out.signature))
    with pytest.raises(ValueError, match="no checkpoint"):
        checkpoint_of(TENANT, first)
    # Golden: chains that are sealed today must verify in every later version.
    assert second.hash.hex() == "47dafc72d7f908e993cae68398c5d6dea4115fab3d016a297a1060a77101cd65"


@settings(max_examples=60, deadline=None)
@given(meta=METAS, name=TEXT)
def test_any_entry_reads_the_same_in_another_implementation(meta: dict[str, Any], name: str) -> None:
    entry = msgspec.structs.replace(an_entry(1), meta=meta, actor_name=name)
    check_meta(meta)
    assert canonical(entry) == _plain(entry)
    shuffled = msgspec.structs.replace(entry, meta=dict(reversed(meta.items())))
    assert canonical(shuffled) == canonical(entry)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        b"",
        UUID(int=1),
        NOW,
        (1,),
        {1: 2},
        "\ud800",
        {"\udfff": 1},
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    for meta in ({"key": value}, {"deep": [{"key": [value]}]}):
        with pytest.raises(NotCanonical):
            check_meta(meta)
        with pytest.raises(NotCanonical):
            canonical(msgspec.structs.replace(an_entry(1), meta=meta))


def test_bottomless_meta_is_refused() -> None:
    value: list[Any] = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(NotCanonical, match="nested"):
        check_meta({"key": value})


def test_times_have_one_form() -> None:
    assert timestamp(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00.000000Z"
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 1, 2, 2, 0, 0, 5, tzinfo=east)) == "2026-01-02T00:00:00.000005Z"
    for moment in (datetime(2026, 1, 2), datetime.min.replace(tzinfo=east)):  # noqa: DTZ001 - the case under test
        with pytest.raises(NotCanonical):
            timestamp(moment)


def test_every_field_is_part_of_the_content() -> None:
    entry = an_entry(1)
    changes: dict[str, object] = {
        "action": "x",
        "actor_api_key_id": UUID(int=8),
        "actor_kind": "system",
        "actor_name": "x",
        "actor_user_id": None,
        "created_at": entry.created_at + timedelta(microseconds=1),
        "id": UUID(int=8),
        "meta": {},
        "outcome": "refused",
        "request_id": "x",
        "resource": "x",
        "tenant_id": OTHER_TENANT,
    }
    assert set(changes) == set(Entry.__struct_fields__)
    forms = [canonical(msgspec.structs.replace(entry, **{name: value})) for name, value in changes.items()]
    assert len({content_hash(form) for form in [*forms, canonical(entry)]}) == len(changes) + 1


def test_batches_end_with_a_checkpoint_and_never_span_more_than_agreed() -> None:
    entries = [an_entry(number) for number in range(CHECKPOINT_EVERY + 2)]
    seals = seal_batch(TENANT, None, entries, signer=SIGNER, keys=KEYS, now=NOW)
    assert [seal.seq for seal in seals] == list(range(1, len(entries) + 1))
    assert [seal.seq for seal in seals if seal.checkpoint] == [CHECKPOINT_EVERY, CHECKPOINT_EVERY + 2]
    assert seal_batch(TENANT, seals[-1], [], signer=SIGNER, keys=KEYS, now=NOW) == []


def test_a_clock_that_goes_back_does_not_take_the_chain_along() -> None:
    head = sealed([an_entry(1)], batch=1)[-1]
    earlier = seal_batch(TENANT, head, [an_entry(2)], signer=SIGNER, keys=KEYS, now=NOW - timedelta(hours=1))
    assert earlier[0].sealed_at == NOW + timedelta(microseconds=1), "each batch has a time of its own"


def test_nothing_is_sealed_on_top_of_a_head_that_is_not_ours() -> None:
    first, second = sealed([an_entry(1), an_entry(2)], batch=2)
    forged = [
        first,
        msgspec.structs.replace(second, hash=bytes(32)),
        msgspec.structs.replace(second, seq=9),
        msgspec.structs.replace(second, key_id="unknown"),
        msgspec.structs.replace(second, checkpoint=False),
        msgspec.structs.replace(second, sealed_at=NOW + timedelta(days=1)),
        msgspec.structs.replace(second, sealed_at=datetime(2026, 1, 2)),  # noqa: DTZ001 - the case under test
        msgspec.structs.replace(second, signature=second.signature[:64] + ATTACKER.sign(b"")),
    ]
    for head in forged:
        with pytest.raises(ForgedHead):
            seal_batch(TENANT, head, [an_entry(3)], signer=SIGNER, keys=KEYS, now=NOW)
    with pytest.raises(ForgedHead):
        seal_batch(OTHER_TENANT, second, [], signer=SIGNER, keys=KEYS, now=NOW)
    with pytest.raises(ValueError, match="another tenant"):
        seal_batch(TENANT, second, [an_entry(3, tenant_id=OTHER_TENANT)], signer=SIGNER, keys=KEYS, now=NOW)


def test_a_new_key_continues_the_chain_of_an_old_one() -> None:
    head = sealed([an_entry(1)], batch=1)[-1]
    signer = SealSigner("aud_2", SealingKey.generate())
    keys = {**KEYS, signer.key_id: signer.key.public}
    (seal,) = seal_batch(TENANT, head, [an_entry(2)], signer=signer, keys=keys, now=NOW)
    assert (seal.seq, seal.key_id, chain_is_signed(TENANT, seal, keys)) == (2, "aud_2", True)
    checkpoint = checkpoint_of(TENANT, seal)
    assert checkpoint_is_ours(checkpoint, keys)
    for wrong in ({"key_id": "aud_1"}, {"hash": "zz"}, {"signature": "?"}, {"seq": 3}, {"tenant_id": OTHER_TENANT}):
        assert not checkpoint_is_ours(msgspec.structs.replace(checkpoint, **wrong), keys)
