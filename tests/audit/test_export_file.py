"""An export proves itself with nothing but the file, and names what was done to it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from backend.domains.audit.chain import GENESIS, checkpoint_of
from backend.domains.audit.export_file import ExportReport, UnreadableExport, verify_export
from backend.domains.audit.export_lines import entry_line, header_line, trailer_line, waiting_line
from crypto import VerifyKey
from module_sdk.api.audit import AuditKey
from tests.audit.chains import ATTACKER, NOW, SIGNER, TENANT, an_entry, sealed

SIZE = 20
ENTRIES = [an_entry(number) for number in range(1, SIZE + 1)]
SEALS = sealed(ENTRIES, batch=6)
OURS = AuditKey(id=SIGNER.key_id, algorithm="Ed25519", public_key=SIGNER.key.public.base64)
NEWEST = checkpoint_of(TENANT, SEALS[-1])
PINNED = (SIGNER.key.public,)


def _export(*, every: int = 1, key: AuditKey = OURS) -> list[bytes]:
    """Header, every nth entry, one that waits, trailer."""
    chosen = range(every - 1, SIZE, every)
    filters = None if every == 1 else {"action": "role.updated"}
    rows = [entry_line(ENTRIES[at], SEALS[at], SEALS[at - 1].hash if at else GENESIS) for at in chosen]
    return [
        header_line(TENANT, [key], exported_at=NOW, filters=filters),
        *rows,
        waiting_line(an_entry(99)),
        trailer_line(NEWEST, sealed=len(rows), waiting=1),
    ]


def _found(lines: list[bytes], pinned: tuple[VerifyKey, ...] = PINNED) -> tuple[str, int] | None:
    fault = verify_export(lines, pinned=pinned).fault
    return None if fault is None else (fault.kind, fault.seq)


def test_a_complete_export_is_intact() -> None:
    report = verify_export(iter(_export()), pinned=PINNED, checkpoints=[checkpoint_of(TENANT, SEALS[5]), NEWEST])
    assert report == ExportReport(
        tenant_id=TENANT,
        exported_at=NOW,
        complete=True,
        pinned=True,
        entries=SIZE + 1,
        sealed_seq=SIZE,
        waiting=1,
        checkpoint=NEWEST,
        fault=None,
    )
    assert not verify_export(_export()).pinned
    empty = [header_line(TENANT, [], exported_at=NOW, filters=None), trailer_line(None, sealed=0, waiting=0)]
    assert verify_export(empty).fault is None


def test_a_filtered_export_is_intact() -> None:
    report = verify_export(_export(every=3), pinned=PINNED)
    assert (report.complete, report.entries, report.sealed_seq, report.fault) == (False, 7, 18, None)


TAMPERINGS: list[tuple[Callable[[list[bytes]], object], str, int]] = [
    (lambda lines: lines.pop(7), "removed", 7),
    (lambda lines: lines.insert(7, lines[9]), "inserted", 7),
    (lambda lines: lines.insert(7, lines.pop(9)), "reordered", 7),
    (lambda lines: lines.insert(7, lines[7].replace(b'"resource":"role:7"', b'"resource":"role:8"')), "inserted", 7),
    (lambda lines: lines.pop(), "cut_off", SIZE + 1),
    (lambda lines: lines.pop(SIZE), "cut_off", SIZE),
    (lambda lines: lines.pop(SIZE + 1), "cut_off", SIZE + 1),
    (lambda lines: lines.insert(SIZE + 1, lines[SIZE + 1]), "inserted", SIZE + 1),
    (lambda lines: lines.__setitem__(-1, trailer_line(None, sealed=SIZE, waiting=1)), "forged", SIZE),
    (
        lambda lines: lines.__setitem__(
            -1,
            trailer_line(msgspec.structs.replace(NEWEST, sealed_at=NOW + timedelta(days=1)), sealed=SIZE, waiting=1),
        ),
        "forged",
        SIZE,
    ),
]


@pytest.mark.parametrize(("tamper", "kind", "seq"), TAMPERINGS)
def test_what_was_done_to_a_complete_export_is_named(
    tamper: Callable[[list[bytes]], object], kind: str, seq: int
) -> None:
    lines = _export()
    tamper(lines)
    assert _found(lines) == (kind, seq)


def test_every_byte_of_an_entry_and_its_seal_counts() -> None:
    """Flip each character of one line: it cannot be read any more, or a fault is found at its place."""
    for every, number in ((1, 6), (3, 6)):
        lines = _export(every=every)
        at = number // every
        text = lines[at]
        for position in range(0, len(text) - 1, 3):
            other = b"1" if text[position : position + 1] != b"1" else b"2"
            lines[at] = text[:position] + other + text[position + 1 :]
            try:
                found = _found(lines)
            except UnreadableExport:
                continue
            assert found is not None, lines[at]
            # A row of a filtered export has no place but the one it states.
            assert found[1] == number or b'"seq":6' not in lines[at], (found, lines[at])


def test_a_blank_in_an_entry_is_an_edit() -> None:
    lines = _export()
    lines[4] = lines[4].replace(b'"outcome":', b'"outcome": ')
    assert _found(lines) == ("edited", 4)


def test_what_was_done_to_a_filtered_export_is_named() -> None:
    edited = _export(every=3)
    edited[2] = edited[2].replace(b"Ada Lovelace", b"Mallory")
    assert _found(edited) == ("edited", 6)
    moved = _export(every=3)
    moved.insert(1, moved.pop(2))
    assert _found(moved) == ("reordered", 3)
    short = _export(every=3)
    short.pop(2)
    assert _found(short) == ("cut_off", 19)
    assert _found(_export(every=3)[:-1]) == ("cut_off", 19)
    renumbered = _export(every=3)
    renumbered[1] = renumbered[1].replace(b'"seq":3', b'"seq":4')
    assert _found(renumbered) == ("edited", 4)


def test_an_exchanged_public_key_is_seen_if_ours_is_pinned() -> None:
    lines = _export(key=AuditKey(id=OURS.id, algorithm="Ed25519", public_key=ATTACKER.public.base64))
    assert _found(lines) == ("forged", 1)
    assert _found(lines, pinned=()) == ("forged", 1)
    assert _found(_export(every=3), pinned=(ATTACKER.public,)) == ("forged", 3)


def test_a_checkpoint_kept_from_earlier_shows_a_shortened_file() -> None:
    lines = _export()
    shortened = [*lines[:13], trailer_line(checkpoint_of(TENANT, SEALS[11]), sealed=12, waiting=0)]
    assert _found(shortened) is None
    fault = verify_export(shortened, pinned=PINNED, checkpoints=[NEWEST]).fault
    assert fault is not None
    assert (fault.kind, fault.seq) == ("cut_off", 13)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "line 1"),
        ([b"{}"], "line 1"),
        ([_export()[0].replace(b"audit/1", b"audit/2")], "line 1"),
        ([_export()[0].replace(SIGNER.key.public.base64.encode(), b"AAAA")], "line 1"),
        ([_export()[0], b"\xff"], "line 2"),
        ([_export()[0], b"{}"], "line 2"),
        ([_export()[0], b'{"entry":{},"seal":null}'], "line 2"),
        ([_export()[0], _export()[1].replace(b'"seq":1', b'"seq":0')], "line 2"),
        ([_export()[0], _export()[1].replace(b'"outcome"', b'"extra":1,"outcome"')], "line 2"),
        ([*_export(), _export()[1]], "after the trailer"),
    ],
)
def test_what_is_no_export_is_refused(lines: list[bytes], complaint: str) -> None:
    with pytest.raises(UnreadableExport, match=complaint):
        verify_export(lines)


def test_a_trailer_of_another_tenant_is_refused() -> None:
    foreign = msgspec.structs.replace(NEWEST, tenant_id=UUID(int=1))
    with pytest.raises(UnreadableExport, match="another tenant"):
        verify_export([*_export()[:-1], trailer_line(foreign, sealed=SIZE, waiting=1)])
