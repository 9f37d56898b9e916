"""What the owner of a database can do to a chain without the private key; places count from 1."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from backend.domains.audit.chain import GENESIS, Entry, Seal, link_hash
from backend.domains.audit.chain_verifier import content_of
from tests.audit.chains import ATTACKER, NOW, TENANT, an_entry

Pair = tuple[Entry | None, Seal]
Tampering = Callable[[list[Pair], int, int], list[Pair]]


def recomputed(rows: Sequence[Pair]) -> list[Pair]:
    """Number and link the rows anew, as far as that goes without the private key."""
    previous = GENESIS
    anew: list[Pair] = []
    for seq, (entry, seal) in enumerate(rows, start=1):
        assert entry is not None
        previous = link_hash(TENANT, seq, previous, content_of(entry), seal.sealed_at)
        anew.append((entry, msgspec.structs.replace(seal, seq=seq, hash=previous, entry_id=entry.id)))
    return anew


def changed(pair: Pair, **changes: object) -> Pair:
    return pair[0], msgspec.structs.replace(pair[1], **changes)


def fake(like: Pair) -> Pair:
    entry, seal = an_entry(9999), like[1]
    return entry, msgspec.structs.replace(seal, entry_id=entry.id, signature=ATTACKER.sign(b"") * 2)


def remove(rows: list[Pair], at: int, _: int) -> list[Pair]:
    return rows[: at - 1] + rows[at:]


def remove_block(rows: list[Pair], at: int, other: int) -> list[Pair]:
    return rows[: at - 1] + rows[other - 1 :]


def insert(rows: list[Pair], at: int, _: int) -> list[Pair]:
    return [*rows[: at - 1], fake(rows[at - 1]), *rows[at - 1 :]]


def insert_copy(rows: list[Pair], at: int, other: int) -> list[Pair]:
    return [*rows[: at - 1], rows[other - 1], *rows[at - 1 :]]


def swap(rows: list[Pair], at: int, other: int) -> list[Pair]:
    rows[at - 1], rows[other - 1] = rows[other - 1], rows[at - 1]
    return rows


def swap_entries(rows: list[Pair], at: int, other: int) -> list[Pair]:
    (one, first), (two, second) = rows[at - 1], rows[other - 1]
    assert one is not None
    assert two is not None
    rows[at - 1] = two, msgspec.structs.replace(first, entry_id=two.id)
    rows[other - 1] = one, msgspec.structs.replace(second, entry_id=one.id)
    return rows


def remove_entry(rows: list[Pair], at: int, _: int) -> list[Pair]:
    rows[at - 1] = None, rows[at - 1][1]
    return rows


def remove_behind_another(rows: list[Pair], at: int, other: int) -> list[Pair]:
    double = rows[other - 1][0]
    assert double is not None
    rows[at - 1] = double, msgspec.structs.replace(rows[at - 1][1], entry_id=double.id)
    return rows


def change_seal_hash(rows: list[Pair], at: int, _: int) -> list[Pair]:
    rows[at - 1] = changed(rows[at - 1], hash=bytes(32))
    return rows


def change_seal_entry(rows: list[Pair], at: int, _: int) -> list[Pair]:
    rows[at - 1] = changed(rows[at - 1], entry_id=UUID(int=1))
    return rows


def change_seal_time(rows: list[Pair], at: int, _: int) -> list[Pair]:
    rows[at - 1] = changed(rows[at - 1], sealed_at=NOW - timedelta(days=1))
    return rows
