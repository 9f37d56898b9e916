"""Walking a whole chain in constant memory, and what that can and cannot show.

Hashes are recomputed for every row; signatures are checked at checkpoints, as one of them answers for all that came
before. Only where something does not fit are the rows since the last good checkpoint looked at one by one.

What is found, whatever the owner of the database does without the private key: every change of a sealed entry, its
place, its seal's hash or time, a checkpoint that is none any more, a missing or additional row, and a chain that ends
within a batch. What cannot be found:

- entries that were changed or removed before they were sealed, and false ones that were put there for sealing;
- an end that was cut off at a checkpoint, even if other rows were sealed in its place since, unless a checkpoint from
  beyond the cut was kept elsewhere (``saved``);
- a broken signature of a single row that a later checkpoint confirms, unless ``every_signature`` is asked for: the
  entry is as it was sealed.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec

from backend.domains.audit.chain import (
    GENESIS,
    Entry,
    NotCanonical,
    Seal,
    canonical,
    chain_is_signed,
    checkpoint_statement,
    content_hash,
    row_is_signed,
    timestamp,
)
from backend.domains.audit.diagnosis import UNMARKED, Row, Stretch, chained_hash, ends_batch
from crypto import VerifyKey
from module_sdk.api.audit import AuditCheckpoint, AuditFault, FaultKind

LOOK_AHEAD: Final = 1000
"""Rows that are read on after something did not fit, so as to tell what was done."""
MOST_UNCONFIRMED: Final = 10_000
"""Rows without a checkpoint, which the sealer never leaves, after which each is checked by its own signature."""
UNREADABLE: Final = bytes(32)
"""Stands for the content of an entry that has no canonical form, which therefore was never sealed."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """``entries`` were looked at, of which ``waiting`` are not sealed yet; ``sealed_seq`` is the last good place."""

    entries: int
    sealed_seq: int
    waiting: int
    fault: AuditFault | None


def content_of(entry: Entry) -> bytes:
    """The content hash, ``UNREADABLE`` for an entry that cannot have been sealed."""
    try:
        return content_hash(canonical(entry))
    except NotCanonical:
        return UNREADABLE


def checkpoint_is_ours(checkpoint: AuditCheckpoint, keys: Mapping[str, VerifyKey]) -> bool:
    """Whether one of ``keys`` signed this checkpoint."""
    key = keys.get(checkpoint.key_id)
    if key is None:
        return False
    try:
        chain_hash, signature = bytes.fromhex(checkpoint.hash), b64decode(checkpoint.signature, validate=True)
        text = checkpoint_statement(checkpoint.tenant_id, checkpoint.seq, chain_hash, checkpoint.sealed_at)
    except (ValueError, OverflowError, binascii.Error):
        return False
    return key.verify(text, signature)


class ChainVerifier:
    """Feed it every seal of a tenant in order of ``seq`` with its entry, then every unsealed entry, then finish.

    ``keys`` are the trusted public keys by id; ``saved`` are checkpoints that were kept elsewhere. With
    ``every_signature`` each row's own signature is checked too, which takes about ten times as long.
    Raises ValueError if a saved checkpoint is another tenant's or its time has no zone.
    """

    def __init__(
        self,
        tenant_id: UUID,
        keys: Mapping[str, VerifyKey],
        *,
        saved: Iterable[AuditCheckpoint] = (),
        every_signature: bool = False,
    ) -> None:
        self._tenant_id = tenant_id
        self._keys = keys
        self._every_signature = every_signature
        self._saved: list[AuditCheckpoint] = []
        self._next = 1
        self._hash = GENESIS
        self._rows: list[Row] = []  # since the last good checkpoint, which the next two describe
        self._first = 1
        self._previous = GENESIS
        self._regrown: int | None = None  # first row sealed later than a saved checkpoint that should follow it
        self._suspicion: AuditFault | None = None
        self._to_read = 0
        self._fault: AuditFault | None = None
        self._entries = 0
        self._waiting = 0
        self._stray: UUID | None = None
        for checkpoint in saved:
            self.expect(checkpoint)

    @property
    def fault(self) -> AuditFault | None:
        """What was found so far; there is no need to feed on."""
        return self._fault

    def expect(self, checkpoint: AuditCheckpoint) -> None:
        """Compare the chain with a checkpoint at or beyond the place reached; earlier ones are passed over."""
        if checkpoint.tenant_id != self._tenant_id:
            raise ValueError("the checkpoint belongs to another tenant")
        timestamp(checkpoint.sealed_at)
        if checkpoint.seq >= self._next:
            self._saved = sorted([*self._saved, checkpoint], key=lambda saved: saved.seq)
        elif checkpoint.seq == self._next - 1 and checkpoint.hash != self._hash.hex():
            self._suspect(*self._contradiction(checkpoint))

    def feed(self, entry: Entry | None, seal: Seal) -> None:
        """The next seal, and the entry it points at if that exists."""
        self.feed_row(Row(None, None, seal) if entry is None else Row(entry.id, content_of(entry), seal))

    def feed_row(self, row: Row) -> None:
        """The same with the content hash at hand."""
        self._entries += 1
        if self._fault is not None:
            return
        self._rows.append(row)
        if self._suspicion is None:
            self._advance(row)
        else:
            self._to_read -= 1
            if not self._to_read:
                self._diagnose()

    def feed_unsealed(self, entry_id: UUID, *, waiting: bool) -> None:
        """An entry without a seal; ``waiting`` if it is in the sealer's outbox."""
        self._entries += 1
        if waiting:
            self._waiting += 1
        elif self._stray is None:
            self._stray = entry_id

    def finish(self) -> Verdict:
        """What the walk came to."""
        if self._fault is None and (self._rows or self._suspicion is not None):
            # Every batch ends with a checkpoint and is stored as a whole.
            self._suspect("cut_off", self._next, "the chain ends within a batch, before a checkpoint")
            self._diagnose()
        if self._fault is None and self._saved:
            self._fault = self._missing_end(self._saved[0])
        if self._fault is None and self._stray is not None:
            detail = "this entry is neither sealed nor waiting to be"
            self._fault = AuditFault(kind="inserted", seq=self._next, entry_id=self._stray, detail=detail)
        sealed_seq = self._next - 1 if self._fault is None else self._fault.seq - 1
        return Verdict(entries=self._entries, sealed_seq=sealed_seq, waiting=self._waiting, fault=self._fault)

    def _advance(self, row: Row) -> None:
        seq, seal = self._next, row.seal
        expected = chained_hash(self._tenant_id, seq, self._hash, row)
        if expected is None or expected != seal.hash or seal.seq != seq or seal.entry_id != row.entry_id:
            self._suspect("edited", seq, "the entry is not what was sealed here")
            return
        self._next, self._hash = seq + 1, expected
        if len(self._rows) > 1 and ends_batch(self._rows[-2], row):
            self._suspect("forged", seq - 1, UNMARKED)
            return
        if self._saved and self._contradicts_saved(seal):
            return
        if self._every_signature and not self._is_signed(row):
            self._suspect("forged", seq, "the signature of this entry is not ours")
        elif seal.checkpoint:
            self._confirm(seal)
        elif len(self._rows) >= MOST_UNCONFIRMED:
            self._confirm_each()

    def _is_signed(self, row: Row) -> bool:
        content = row.content
        return content is not None and row_is_signed(self._tenant_id, row.seal.seq, content, row.seal, self._keys)

    def _confirm(self, seal: Seal) -> None:
        if chain_is_signed(self._tenant_id, seal, self._keys):
            self._start_afresh()
        else:
            self._suspect("forged", seal.seq, "the signature of this checkpoint is not ours")

    def _confirm_each(self) -> None:
        fault = self._stretch().first_fault()
        if fault is None:
            self._start_afresh()
        else:
            self._suspect(fault.kind, fault.seq, fault.detail)

    def _start_afresh(self) -> None:
        self._rows.clear()
        self._first, self._previous = self._next, self._hash

    def _contradicts_saved(self, seal: Seal) -> bool:
        """Compare with the saved checkpoints that are due; whether one of them was contradicted."""
        if self._regrown is None and seal.sealed_at > self._saved[0].sealed_at:
            self._regrown = seal.seq
        while self._saved and self._saved[0].seq == seal.seq:
            checkpoint = self._saved.pop(0)
            if checkpoint.hash != seal.hash.hex():
                self._suspect(*self._contradiction(checkpoint))
                return True
            self._regrown = None
        return False

    def _contradiction(self, checkpoint: AuditCheckpoint) -> tuple[FaultKind, int, str]:
        if not checkpoint_is_ours(checkpoint, self._keys):
            return (
                "forged",
                checkpoint.seq,
                f"the saved checkpoint {checkpoint.seq} fits neither the chain nor its keys",
            )
        detail = f"the saved checkpoint {checkpoint.seq} is of another history: it was cut off and sealed anew"
        return "cut_off", self._regrown or checkpoint.seq, detail

    def _missing_end(self, checkpoint: AuditCheckpoint) -> AuditFault:
        seq = self._regrown or self._next
        detail = f"the chain ends at {self._next - 1}, but a checkpoint for {checkpoint.seq} was saved"
        return AuditFault(kind="cut_off", seq=seq, entry_id=None, detail=detail)

    def _stretch(self) -> Stretch:
        return Stretch(self._tenant_id, self._keys, self._first, self._previous, self._rows)

    def _suspect(self, kind: FaultKind, seq: int, detail: str) -> None:
        """Note what to report unless the signatures of the rows tell more, once there are rows enough to tell."""
        if self._suspicion is None:
            entry_id = self._rows[seq - self._first].entry_id if 0 <= seq - self._first < len(self._rows) else None
            self._suspicion = AuditFault(kind=kind, seq=seq, entry_id=entry_id, detail=detail)
            self._to_read = LOOK_AHEAD

    def _diagnose(self) -> None:
        self._fault = self._stretch().first_fault() or self._suspicion
        self._rows.clear()
