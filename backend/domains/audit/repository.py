"""Every query on the audit log. The signed context limits each of them to one tenant, or to the system's functions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Row,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.audit.chain import GENESIS, Entry, Seal
from backend.domains.audit.models import AuditLogRow, AuditPendingRow, AuditSealRow, AuditVerificationRow

#: Bounds of what Python can hold: whoever owns the database can store moments far beyond.
_EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)
#: Without a zone, so that no entry and no seal that carries it is canonical.
_NO_TIME: Final = datetime(1, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Conditions on entries, all of which hold.

    An ``action`` that ends in ``.`` and a ``resource`` that ends in ``:`` are beginnings.
    """

    actor: UUID | None = None
    action: str | None = None
    resource: str | None = None
    outcome: str | None = None
    after: datetime | None = None
    before: datetime | None = None

    @property
    def given(self) -> dict[str, str]:
        """The conditions as text by name; empty if there are none."""
        names = ("actor", "action", "resource", "outcome", "after", "before")
        values = {name: getattr(self, name) for name in names}
        return {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in values.items()
            if value is not None
        }

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for a query."""
        entry, found = AuditLogRow, list[ColumnElement[bool]]()
        if self.actor is not None:
            found.append(entry.actor_user_id == self.actor)
        if self.action is not None:
            prefix = self.action.endswith(".")
            found.append(
                entry.action.startswith(self.action, autoescape=True) if prefix else entry.action == self.action
            )
        if self.resource is not None:
            prefix = self.resource.endswith(":")
            found.append(
                entry.resource.startswith(self.resource, autoescape=True) if prefix else entry.resource == self.resource
            )
        if self.outcome is not None:
            found.append(entry.outcome == self.outcome)
        if self.after is not None:
            found.append(entry.created_at >= self.after)
        if self.before is not None:
            found.append(entry.created_at < self.before)
        return found


class SealedEntry(NamedTuple):
    """A seal with the entry it points at, ``None`` if there is no such or it is not wanted, and the hash before."""

    entry: Entry | None
    seal: Seal
    previous: bytes


class UnsealedEntry(NamedTuple):
    """An entry that had no seal at the time; ``waiting`` if the sealer knows of it."""

    entry: Entry
    waiting: bool


def _bounded(column: Any) -> ColumnElement[datetime | None]:
    """The moment, NULL for one that Python cannot hold."""
    bounds = and_(
        column >= literal(_EARLIEST, DateTime(timezone=True)), column <= literal(_LATEST, DateTime(timezone=True))
    )
    return case((bounds, column))


_SEAL: Final = (
    AuditSealRow.seq,
    AuditSealRow.audit_log_id,
    AuditSealRow.hash,
    _bounded(AuditSealRow.sealed_at).label("sealed_at"),
    AuditSealRow.key_id,
    AuditSealRow.signature,
    AuditSealRow.checkpoint,
)
# The meta as text: a number of ten thousand digits, put there by the database's owner, is an edit and no crash.
_ENTRY: Final = (
    AuditLogRow.id,
    AuditLogRow.actor_kind,
    AuditLogRow.actor_user_id,
    AuditLogRow.actor_api_key_id,
    AuditLogRow.actor_name,
    AuditLogRow.action,
    AuditLogRow.resource,
    AuditLogRow.outcome,
    cast(AuditLogRow.meta, Text).label("meta"),
    AuditLogRow.request_id,
    _bounded(AuditLogRow.created_at).label("created_at"),
)
_VERIFICATION: Final = (
    _bounded(AuditVerificationRow.verified_at).label("verified_at"),
    AuditVerificationRow.entries,
    AuditVerificationRow.sealed_seq,
    AuditVerificationRow.waiting,
    cast(AuditVerificationRow.fault, Text).label("fault"),
    AuditVerificationRow.key_id,
    AuditVerificationRow.signature,
)
_ITS_ENTRY: Final = and_(AuditLogRow.tenant_id == AuditSealRow.tenant_id, AuditLogRow.id == AuditSealRow.audit_log_id)
_WAITS: Final = and_(AuditPendingRow.tenant_id == AuditLogRow.tenant_id, AuditPendingRow.audit_log_id == AuditLogRow.id)


class AuditRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def entries(self, wanted: EntryFilter, limit: int, before: UUID | None) -> Sequence[Row[AuditLogRow, int]]:
        """Entries with their places in the chain, newest first."""
        query = select(AuditLogRow, AuditSealRow.seq).outerjoin(AuditSealRow, _ITS_ENTRY).where(*wanted.conditions())
        if before is not None:
            query = query.where(AuditLogRow.id < before)
        return (await self._session.execute(query.order_by(AuditLogRow.id.desc()).limit(limit))).all()

    async def lock_chain(self, tenant_id: UUID) -> bool:
        """Keep other sealers from the tenant's chain until the transaction ends; ``False`` if one is at it already."""
        lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:chain, 0))")
        return bool(await self._session.scalar(lock, {"chain": f"audit/{tenant_id}"}))

    async def pending(self, tenant_id: UUID, limit: int) -> list[Entry]:
        """Entries that wait to be sealed, oldest first."""
        query = select(*_ENTRY).join(AuditPendingRow, _WAITS).order_by(AuditPendingRow.audit_log_id).limit(limit)
        return [_entry(tenant_id, row) for row in await self._session.execute(query)]

    async def head(self) -> Seal | None:
        """The newest seal."""
        query = select(*_SEAL).order_by(AuditSealRow.seq.desc()).limit(1)
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else _seal(row)

    async def seal_at(self, seq: int) -> Seal | None:
        """The seal of a place."""
        row = (await self._session.execute(select(*_SEAL).where(AuditSealRow.seq == seq))).one_or_none()
        return None if row is None else _seal(row)

    async def store(self, tenant_id: UUID, seals: Collection[Seal]) -> None:
        """Insert seals and take their entries from the outbox."""
        rows = [{"tenant_id": tenant_id, **_columns(seal)} for seal in seals]
        await self._session.execute(insert(AuditSealRow), rows)
        sealed = [seal.entry_id for seal in seals]
        await self._session.execute(delete(AuditPendingRow).where(AuditPendingRow.audit_log_id.in_(sealed)))

    async def sealed(
        self, tenant_id: UUID, after: int, end: int, limit: int, wanted: EntryFilter | None
    ) -> list[SealedEntry]:
        """Seals behind the place ``after``, up to ``end``, in their order; with a filter, entries that meet it alone.

        Two queries, both of which can but go by index: the planner, which does not see what policies let through, would
        read whole tables for every page of a join.
        """
        place = AuditSealRow.seq
        query = select(*_SEAL).where(place >= after, place > 0, place <= end).order_by(place).limit(limit + 1)
        found = [_seal(row) for row in await self._session.execute(query)]
        hashes = {seal.seq: seal.hash for seal in found}
        page = [seal for seal in found if seal.seq > after][:limit]
        ids = any_(literal([seal.entry_id for seal in page], ARRAY(Uuid())))
        conditions = [] if wanted is None else wanted.conditions()
        rows = await self._session.execute(select(*_ENTRY).where(AuditLogRow.id == ids, *conditions))
        entries = {row.id: _entry(tenant_id, row) for row in rows}
        return [SealedEntry(entries.get(seal.entry_id), seal, hashes.get(seal.seq - 1, GENESIS)) for seal in page]

    async def unsealed(
        self, tenant_id: UUID, after: UUID, end: int, limit: int, wanted: EntryFilter | None
    ) -> list[UnsealedEntry]:
        """Entries that no place up to ``end`` holds, behind the id ``after``, oldest first."""
        pending = exists().where(_WAITS).correlate(AuditLogRow)
        meanwhile = exists().where(_ITS_ENTRY, AuditSealRow.seq > end).correlate(AuditLogRow)
        sealed = exists().where(_ITS_ENTRY, AuditSealRow.seq.between(1, end)).correlate(AuditLogRow)
        query: Select[*tuple[Any, ...]] = (
            select(*_ENTRY, or_(pending, meanwhile).label("waiting"))
            .where(AuditLogRow.id > after, ~sealed)
            .order_by(AuditLogRow.id)
            .limit(limit)
        )
        if wanted is not None:
            query = query.where(*wanted.conditions())
        return [UnsealedEntry(_entry(tenant_id, row), row.waiting) for row in await self._session.execute(query)]

    async def checkpoints(self, limit: int, before: int | None) -> list[Seal]:
        """Seals that are checkpoints, newest first, before the place ``before``."""
        query = select(*_SEAL).where(AuditSealRow.checkpoint).order_by(AuditSealRow.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditSealRow.seq < before)
        return [_seal(row) for row in await self._session.execute(query)]

    async def verification(self) -> Row[*tuple[Any, ...]] | None:
        """What the last verification came to; its fault as text."""
        return (await self._session.execute(select(*_VERIFICATION))).one_or_none()

    async def save_verification(self, tenant_id: UUID, values: Mapping[str, Any]) -> None:
        """Replace what the last verification came to."""
        statement = upsert(AuditVerificationRow).values(tenant_id=tenant_id, **values)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=dict(values)))

    async def tenants_to_seal(self, most: int) -> list[UUID]:
        """Tenants with entries that wait, in any context."""
        return list(await self._session.scalars(select(func.util.tenants_to_seal(most))))

    async def tenants_with_log(self, after: UUID, most: int) -> list[UUID]:
        """Tenants with a log behind ``after`` in the order of their ids, in any context."""
        return list(await self._session.scalars(select(func.util.tenants_with_log(after, most))))


def _columns(seal: Seal) -> dict[str, Any]:
    columns = msgspec.structs.asdict(seal)
    columns["audit_log_id"] = columns.pop("entry_id")
    return columns


def _seal(row: Row[*tuple[Any, ...]]) -> Seal:
    # Constraints bind the owner of the database no longer than they want: what must not be NULL may be.
    return Seal(
        seq=row.seq,
        entry_id=row.audit_log_id,
        hash=row.hash or b"",
        sealed_at=row.sealed_at or _NO_TIME,
        key_id=row.key_id or "",
        signature=row.signature or b"",
        checkpoint=bool(row.checkpoint),
    )


def _entry(tenant_id: UUID, row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(
        action=row.action,
        actor_api_key_id=row.actor_api_key_id,
        actor_kind=row.actor_kind,
        actor_name=row.actor_name,
        actor_user_id=row.actor_user_id,
        created_at=row.created_at or _NO_TIME,
        id=row.id,
        meta=_meta(row.meta),
        outcome=row.outcome,
        request_id=row.request_id,
        resource=row.resource,
        tenant_id=tenant_id,
    )


def _meta(stored: str | None) -> Any:
    """The meta, or something without canonical form if it cannot be read."""
    try:
        return msgspec.json.decode(stored or "null")
    except (ValueError, RecursionError):
        return {"unreadable": float("nan")}
