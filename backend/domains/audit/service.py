"""Reading the log. A service works inside the caller's transaction and never commits."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.audit.chain import checkpoint_of
from backend.domains.audit.models import AuditLogRow
from backend.domains.audit.repository import AuditRepository, EntryFilter
from backend.kernel.db.tenancy import TenantContext
from module_sdk.api.audit import Actor, AuditCheckpoint, AuditEntry, Outcome


class AuditService:
    """The log of one tenant, as its members read it."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._repository = AuditRepository(session)
        self._tenant_id = context.tenant_id

    async def entries(self, wanted: EntryFilter, limit: int, before: UUID | None) -> list[AuditEntry]:
        """Entries that meet every condition, newest first, of those older than the entry ``before``."""
        return [_entry(row, seq) for row, seq in await self._repository.entries(wanted, limit, before)]

    async def checkpoints(self, limit: int, before: int | None) -> list[AuditCheckpoint]:
        """Signed checkpoints, newest first, of those with a place before ``before``."""
        return [checkpoint_of(self._tenant_id, seal) for seal in await self._repository.checkpoints(limit, before)]


def _entry(row: AuditLogRow, seq: int | None) -> AuditEntry:
    actor = {
        "kind": row.actor_kind,
        "user_id": row.actor_user_id,
        "api_key_id": row.actor_api_key_id,
        "name": row.actor_name,
    }
    return AuditEntry(
        id=row.id,
        created_at=row.created_at,
        actor=msgspec.convert(actor, Actor),
        action=row.action,
        resource=row.resource,
        outcome=msgspec.convert(row.outcome, Outcome),
        meta=row.meta,
        request_id=row.request_id,
        seq=seq,
    )
