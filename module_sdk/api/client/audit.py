"""The audit log of one tenant."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Literal
from uuid import UUID

from module_sdk.api.audit import AuditAction, AuditCheckpoint, AuditEntry, AuditKey, AuditVerification, Outcome
from module_sdk.api.base import Page, Reply
from module_sdk.api.client.transport import Call, Transport


class AuditFilter(Reply, frozen=True, kw_only=True):
    """Which entries to read: all conditions hold. ``after`` (inclusive) and ``before`` (exclusive) bound the time.

    ``action`` ending in ``.`` takes every action that begins so, such as ``member.``.
    """

    actor: UUID | None = None
    action: str | None = None
    resource: str | None = None
    outcome: Outcome | None = None
    after: datetime | None = None
    before: datetime | None = None

    def query(self) -> dict[str, str | int | None]:
        """The parameters that say so."""
        return {
            "actor": None if self.actor is None else str(self.actor),
            "action": self.action,
            "resource": self.resource,
            "outcome": self.outcome,
            "after": None if self.after is None else self.after.isoformat(),
            "before": None if self.before is None else self.before.isoformat(),
        }


class AuditClient:
    """Made by :class:`TenantClient` as ``audit``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def entries(
        self, wanted: AuditFilter, *, cursor: str | None = None, limit: int | None = None
    ) -> Page[AuditEntry]:
        """Entries, newest first."""
        query = {**wanted.query(), "cursor": cursor, "limit": limit}
        return await self._transport.fetch(Page[AuditEntry], Call(method="GET", path="/audit", query=query))

    async def actions(self) -> Page[AuditAction]:
        """Everything that can be on record, in words."""
        return await self._transport.fetch(Page[AuditAction], Call(method="GET", path="/audit/actions"))

    async def verification(self) -> AuditVerification:
        """What the last walk over the chain came to."""
        return await self._transport.fetch(AuditVerification, Call(method="GET", path="/audit/verification"))

    async def verify(self) -> AuditVerification:
        """Walks over the whole chain now."""
        return await self._transport.fetch(AuditVerification, Call(method="POST", path="/audit/verification"))

    async def checkpoints(self, *, cursor: str | None = None, limit: int | None = None) -> Page[AuditCheckpoint]:
        """Signed checkpoints, newest first."""
        query = {"cursor": cursor, "limit": limit}
        return await self._transport.fetch(
            Page[AuditCheckpoint], Call(method="GET", path="/audit/checkpoints", query=query)
        )

    async def keys(self) -> Page[AuditKey]:
        """The public keys of checkpoints."""
        return await self._transport.fetch(Page[AuditKey], Call(method="GET", path="/audit/keys"))

    def export(self, wanted: AuditFilter, form: Literal["ndjson", "csv"]) -> AsyncGenerator[bytes, None]:
        """The bytes of an export as they arrive."""
        call = Call(method="GET", path="/audit/export", query={**wanted.query(), "format": form})
        return self._transport.download(call)
