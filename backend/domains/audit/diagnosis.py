"""Naming the first row of a broken stretch of a chain, and what was done to it.

A row's own signature says which content had which place, whatever hashes stand beside it. From these signatures the
order that once was is read off again. The place that is named is always the first that differs; the kind is the best
explanation that the rows still allow: whoever also destroys the signatures leaves ``forged`` or ``edited`` behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from backend.domains.audit.chain import NotCanonical, Seal, chain_is_signed, link_hash, row_is_signed
from crypto import VerifyKey
from module_sdk.api.audit import AuditFault, FaultKind

FAR: Final = 5000
"""How many places on a renumbered row is looked for: at most that many rows in a gap are recognised as removed."""
UNMARKED: Final = "this entry ends a batch, and is not the checkpoint any more that every batch ends with"


class Row(NamedTuple):
    """A seal and the entry it points at; ``content`` is its hash, both None if there is no such entry."""

    entry_id: UUID | None
    content: bytes | None
    seal: Seal


def chained_hash(tenant_id: UUID, seq: int, previous: bytes, row: Row) -> bytes | None:
    """The hash that the row should have at this place; None if it has no entry or no usable time."""
    if row.content is None:
        return None
    try:
        return link_hash(tenant_id, seq, previous, row.content, row.seal.sealed_at)
    except NotCanonical:
        return None


def ends_batch(row: Row, following: Row) -> bool:
    """Whether ``row`` must be a checkpoint: the rows of a batch, and no others, were sealed at one moment."""
    return row.seal.sealed_at != following.seal.sealed_at


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of which the first should have place ``first`` and follow the hash ``previous``, which are known good."""

    tenant_id: UUID
    keys: Mapping[str, VerifyKey]
    first: int
    previous: bytes
    rows: Sequence[Row]

    def first_fault(self) -> AuditFault | None:
        """Check every row with all its signatures."""
        previous = self.previous
        for index, row in enumerate(self.rows):
            if not self._is_sound(index, previous):
                kind, detail = self._explain(index, previous)
                return AuditFault(kind=kind, seq=self.first + index, entry_id=row.entry_id, detail=detail)
            previous = row.seal.hash
        return None

    def _is_sound(self, index: int, previous: bytes) -> bool:
        row, seq = self.rows[index], self.first + index
        return (
            row.seal.seq == seq
            and row.seal.entry_id == row.entry_id
            and chained_hash(self.tenant_id, seq, previous, row) == row.seal.hash
            and self._signed(row, seq)
            and (not row.seal.checkpoint or chain_is_signed(self.tenant_id, row.seal, self.keys))
            and not self._is_unmarked(index)
        )

    def _is_unmarked(self, index: int) -> bool:
        """Whether a row that must be a checkpoint is none, as the row after it proves."""
        if self.rows[index].seal.checkpoint or index + 1 == len(self.rows):
            return False
        following = self.rows[index + 1]
        return ends_batch(self.rows[index], following) and self._signed(following, self.first + index + 1)

    def _explain(self, index: int, previous: bytes) -> tuple[FaultKind, str]:
        row, seq = self.rows[index], self.first + index
        if self._is_unmarked(index) and self._signed(row, seq):
            return "forged", UNMARKED
        if self._is_committed(index, previous):
            return "forged", "the signature of this entry is not ours, though a later checkpoint confirms the entry"
        if row.seal.seq == seq and self._signed(row, seq):
            return "forged", "the entry is as it was sealed, its seal is not"
        if any(self._signed(later, seq) for later in self.rows[index + 1 :]):
            if self._own_place(row, seq) is not None and not self._is_copy(index):
                return "reordered", "this entry was sealed further on; the one sealed here comes later"
            return "inserted", "this entry was never sealed; the one sealed here comes later"
        return self._explain_absence(index, previous)

    def _explain_absence(self, index: int, previous: bytes) -> tuple[FaultKind, str]:
        """The row that was sealed at this place stands nowhere in the stretch, at least not with its own seal."""
        row, seq = self.rows[index], self.first + index
        if row.content is None:
            return "removed", "the seal is there, the entry is not"
        own = self._own_place(row, seq)
        if own is not None or row.seal.seq > seq:
            return "removed", f"the next entry that is there was sealed as number {own or row.seal.seq}"
        others = [other for position, other in enumerate(self.rows) if position != index]
        if any(self._signed(row._replace(content=other.content), seq) for other in others):
            return "reordered", "the entry sealed here stands in the place of another"
        if self._is_copy(index):
            return "removed", "another entry stands in its place a second time"
        return self._explain_content(index, previous)

    def _explain_content(self, index: int, previous: bytes) -> tuple[FaultKind, str]:
        """Something of unknown origin stands at this place."""
        row, seq = self.rows[index], self.first + index
        if any(self._signed(later, seq + ahead) for ahead, later in enumerate(self.rows[index + 1 :], start=1)):
            return "edited", "the entry is not what was sealed here, while entries after it are"
        far = self._place_among(row, range(self.first + len(self.rows) + 1, seq + FAR))
        if far is not None:
            return "removed", f"the next entry that is there was sealed as number {far}"
        if chained_hash(self.tenant_id, seq, previous, row) != row.seal.hash:
            return "edited", "the entry is not what was sealed here"
        if row.seal.key_id not in self.keys:
            return "forged", "the entry is signed with a key that is not known"
        return "forged", "neither this entry nor any looked at after it carries our signature"

    def _signed(self, row: Row, seq: int) -> bool:
        return row.content is not None and row_is_signed(self.tenant_id, seq, row.content, row.seal, self.keys)

    def _own_place(self, row: Row, seq: int) -> int | None:
        """The later place, within the stretch or one beyond it, that the row's own signature is for."""
        near = self._place_among(row, range(seq + 1, self.first + len(self.rows) + 1))
        if near is None and row.seal.seq > seq and self._signed(row, row.seal.seq):
            return row.seal.seq
        return near

    def _place_among(self, row: Row, places: Iterable[int]) -> int | None:
        if row.content is None or row.seal.key_id not in self.keys:
            return None
        return next((place for place in places if self._signed(row, place)), None)

    def _is_copy(self, index: int) -> bool:
        content = self.rows[index].content
        return any(row.content == content for position, row in enumerate(self.rows) if position != index)

    def _is_committed(self, index: int, previous: bytes) -> bool:
        """Whether the rows from here on lead, hash by hash, to a checkpoint that carries our signature."""
        for ahead, row in enumerate(self.rows[index:]):
            seq = self.first + index + ahead
            expected = chained_hash(self.tenant_id, seq, previous, row)
            if expected is None:
                return False
            if (
                expected == row.seal.hash
                and row.seal.seq == seq
                and chain_is_signed(self.tenant_id, row.seal, self.keys)
            ):
                return True
            previous = expected
        return False
