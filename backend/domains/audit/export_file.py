"""Verifying an exported audit log offline, with no database and no settings.

A complete export shows the whole chain. In a filtered one each row shows that it was sealed at its place, but not which
rows are missing. Entries that are not sealed prove nothing. Whoever rewrites the file can end it, trailer included, at
any checkpoint: only a checkpoint that was kept elsewhere shows that.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import msgspec

from backend.domains.audit.chain import GENESIS, Entry, Seal, chain_is_signed, content_hash, row_is_signed, timestamp
from backend.domains.audit.chain_verifier import ChainVerifier, Verdict, checkpoint_is_ours
from backend.domains.audit.diagnosis import Row, chained_hash
from backend.domains.audit.export_lines import FORMAT, Header, Line, SealLine, Trailer
from crypto import VerifyKey
from module_sdk.api.audit import AuditCheckpoint, AuditFault, FaultKind


class UnreadableExport(ValueError):
    """The file is not an export of this format; the message names the line."""


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified file came to.

    ``complete`` is False for a filtered export. ``pinned`` is False if the keys came from the file itself: whoever made
    up the keys can have made up all of it. ``checkpoint`` is the trailer's: keep it elsewhere, if there is no fault.
    """

    tenant_id: UUID
    exported_at: datetime
    complete: bool
    pinned: bool
    entries: int
    sealed_seq: int
    waiting: int
    checkpoint: AuditCheckpoint | None
    fault: AuditFault | None


_headers: Final = msgspec.json.Decoder(Header)
_lines: Final = msgspec.json.Decoder(Line)
_entries: Final = msgspec.json.Decoder(Entry)


def verify_export(
    lines: Iterable[bytes],
    *,
    pinned: Collection[VerifyKey] = (),
    checkpoints: Collection[AuditCheckpoint] = (),
) -> ExportReport:
    """Verify an export in constant memory.

    With ``pinned`` only those public keys count; ``checkpoints`` were kept from earlier, and have a say in complete
    exports only. Raises ``UnreadableExport``, and ValueError for a checkpoint of another tenant.
    """
    reading = iter(lines)
    header = _read_header(next(reading, b""))
    keys = _trusted(header, pinned)
    walk: _Walk = _Selected(header, keys) if header.filters is not None else _Complete(header, keys, checkpoints)
    trailer: Trailer | None = None
    for number, text in enumerate(reading, start=2):
        if trailer is not None:
            raise UnreadableExport(f"line {number} comes after the trailer")
        try:
            trailer = _read_line(text, walk)
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnreadableExport(f"line {number} cannot be read: {error}") from error
    try:
        verdict = walk.finish(trailer)
    except ValueError as error:
        raise UnreadableExport(f"the trailer cannot be used: {error}") from error
    return ExportReport(
        tenant_id=header.tenant_id,
        exported_at=header.exported_at,
        complete=header.filters is None,
        pinned=bool(pinned),
        entries=verdict.entries,
        sealed_seq=verdict.sealed_seq,
        waiting=verdict.waiting,
        checkpoint=None if trailer is None else trailer.checkpoint,
        fault=verdict.fault,
    )


def _read_header(text: bytes) -> Header:
    try:
        return _headers.decode(text)
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableExport(f"line 1 is not the header of an {FORMAT} export: {error}") from error


def _read_line(text: bytes, walk: "_Walk") -> Trailer | None:
    """Hand a line to the walk, or return it if it is the trailer."""
    line = _lines.decode(text)
    if line.entry is msgspec.UNSET:
        if line.trailer is None:
            raise ValueError("it holds neither an entry nor the trailer")
        return line.trailer
    raw = bytes(line.entry)
    entry_id = _entries.decode(raw).id
    if line.seal is None:
        walk.waiting(entry_id)
    else:
        # The bytes as they stand are hashed: nothing that merely reads the same passes for what was sealed.
        walk.row(Row(entry_id, content_hash(raw), _seal(entry_id, line.seal)), bytes.fromhex(line.seal.previous))
    return None


def _seal(entry_id: UUID, line: SealLine) -> Seal:
    timestamp(line.sealed_at)
    return Seal(
        seq=line.seq,
        entry_id=entry_id,
        hash=bytes.fromhex(line.hash),
        sealed_at=line.sealed_at,
        key_id=line.key_id,
        signature=line.signature + (line.chain_signature or b""),
        checkpoint=line.chain_signature is not None,
    )


def _trusted(header: Header, pinned: Collection[VerifyKey]) -> dict[str, VerifyKey]:
    try:
        named = {key.id: VerifyKey.from_base64(key.public_key) for key in header.keys}
    except ValueError as error:
        raise UnreadableExport(f"line 1 holds a key that cannot be read: {error}") from error
    return {key_id: key for key_id, key in named.items() if not pinned or key in pinned}


class _Walk(Protocol):
    """What the lines of an export are handed to."""

    def row(self, row: Row, previous: bytes) -> None: ...

    def waiting(self, entry_id: UUID) -> None: ...

    def finish(self, trailer: Trailer | None) -> Verdict: ...


class _Complete:
    """The whole chain, and what the file says about it."""

    def __init__(self, header: Header, keys: Mapping[str, VerifyKey], saved: Collection[AuditCheckpoint]) -> None:
        self._keys = keys
        self._verifier = ChainVerifier(header.tenant_id, keys, saved=saved, every_signature=True)
        self._hash = GENESIS
        self._sealed = 0
        self._misquoted: AuditFault | None = None

    def row(self, row: Row, previous: bytes) -> None:
        self._sealed += 1
        if previous != self._hash and self._misquoted is None:
            detail = "the previous hash is not that of the entry before"
            self._misquoted = _fault("forged", row.seal.seq, detail, row.entry_id)
        self._hash = row.seal.hash
        self._verifier.feed_row(row)

    def waiting(self, entry_id: UUID) -> None:
        self._verifier.feed_unsealed(entry_id, waiting=True)

    def finish(self, trailer: Trailer | None) -> Verdict:
        if trailer is not None and trailer.checkpoint is not None:
            self._verifier.expect(trailer.checkpoint)
        verdict = self._verifier.finish()
        fault = verdict.fault
        if self._misquoted is not None and (fault is None or self._misquoted.seq < fault.seq):
            fault = self._misquoted
        if fault is None:
            fault = _trailer_fault(trailer, self._sealed, verdict.waiting, self._sealed, self._keys)
        if fault is None and self._sealed != _seq_of(trailer):
            fault = _fault("forged", self._sealed, "the checkpoint of the trailer is not the last of the chain")
        return msgspec.structs.replace(verdict, fault=fault)


class _Selected:
    """Some rows of a chain, each by itself."""

    def __init__(self, header: Header, keys: Mapping[str, VerifyKey]) -> None:
        self._tenant_id = header.tenant_id
        self._keys = keys
        self._seq = 0
        self._sealed = 0
        self._waiting = 0
        self._first_fault: AuditFault | None = None

    def row(self, row: Row, previous: bytes) -> None:
        self._sealed += 1
        if self._first_fault is None:
            self._first_fault = self._fault_of(row, previous)
            self._seq = row.seal.seq if self._first_fault is None else self._seq

    def waiting(self, entry_id: UUID) -> None:
        self._waiting += 1

    def finish(self, trailer: Trailer | None) -> Verdict:
        fault = self._first_fault or _trailer_fault(trailer, self._sealed, self._waiting, self._seq, self._keys)
        return Verdict(entries=self._sealed + self._waiting, sealed_seq=self._seq, waiting=self._waiting, fault=fault)

    def _fault_of(self, row: Row, previous: bytes) -> AuditFault | None:
        seal, seq = row.seal, row.seal.seq
        if seq <= self._seq:
            return _fault("reordered", seq, f"this entry stands after number {self._seq}", row.entry_id)
        linked = chained_hash(self._tenant_id, seq, previous, row) == seal.hash
        signed = row.content is not None and row_is_signed(self._tenant_id, seq, row.content, seal, self._keys)
        if not linked:
            kind: FaultKind = "forged" if signed else "edited"
            return _fault(kind, seq, "the entry and the hashes of its seal do not fit", row.entry_id)
        if not signed or (seal.checkpoint and not chain_is_signed(self._tenant_id, seal, self._keys)):
            return _fault("forged", seq, "a signature of this entry is not ours", row.entry_id)
        return None


def _fault(kind: FaultKind, seq: int, detail: str, entry_id: UUID | None = None) -> AuditFault:
    return AuditFault(kind=kind, seq=seq, entry_id=entry_id, detail=detail)


def _seq_of(trailer: Trailer | None) -> int:
    return 0 if trailer is None or trailer.checkpoint is None else trailer.checkpoint.seq


def _trailer_fault(
    trailer: Trailer | None, sealed: int, waiting: int, last: int, keys: Mapping[str, VerifyKey]
) -> AuditFault | None:
    """What the end of the file says against it, the rows themselves being good up to ``last``."""
    if trailer is None:
        return _fault("cut_off", last + 1, "the file ends without its trailer")
    if trailer.checkpoint is not None and not checkpoint_is_ours(trailer.checkpoint, keys):
        return _fault("forged", trailer.checkpoint.seq, "the signature of the trailer's checkpoint is not ours")
    if trailer.sealed > sealed or trailer.waiting > waiting:
        return _fault("cut_off", last + 1, "the trailer counts more entries than there are")
    if trailer.sealed < sealed or trailer.waiting < waiting:
        return _fault("inserted", last + 1, "the trailer counts fewer entries than there are")
    return None
