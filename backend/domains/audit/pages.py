"""A tenant's log page by page, as it was when the reading began.

Each page is a transaction of its own, so that a long reading, or a slow reader, holds neither a connection nor old row
versions: seals are only ever added, and those behind the head of the beginning are left out.
"""

from collections.abc import AsyncGenerator
from typing import Final, Self
from uuid import UUID

from backend.domains.audit.chain import Seal
from backend.domains.audit.repository import AuditRepository, EntryFilter, SealedEntry, UnsealedEntry
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext

PAGE: Final = 1000
_FIRST: Final = UUID(int=0)


class ChainPages:
    """Reads in the system's context. ``head`` is the newest seal, ``checkpoint`` the newest that is one."""

    def __init__(
        self, db: Database, tenant_id: UUID, wanted: EntryFilter | None, head: Seal | None, checkpoint: Seal | None
    ) -> None:
        self._db = db
        self._context = TenantContext(tenant_id, None)
        self._wanted = wanted
        self._end = 0 if head is None else head.seq
        self.checkpoint = checkpoint

    @classmethod
    async def begin(cls, db: Database, tenant_id: UUID, wanted: EntryFilter | None = None) -> Self:
        """Look where the chain ends; with a filter only entries that meet it are read."""
        async with db.transaction(TenantContext(tenant_id, None)) as session:
            repository = AuditRepository(session)
            head = await repository.head()
            newest = await repository.checkpoints(1, None)
        return cls(db, tenant_id, wanted, head, newest[0] if newest else None)

    async def sealed(self) -> AsyncGenerator[list[SealedEntry]]:
        """Seals in order of their places."""
        last, page = 0, list[SealedEntry]()
        while not last or len(page) == PAGE:
            async with self._db.transaction(self._context) as session:
                repository = AuditRepository(session)
                page = await repository.sealed(self._context.tenant_id, last, self._end, PAGE, self._wanted)
            if not page:
                return
            last = page[-1].seal.seq
            yield page

    async def unsealed(self) -> AsyncGenerator[list[UnsealedEntry]]:
        """Entries without a seal at the time, oldest first."""
        last, page = _FIRST, list[UnsealedEntry]()
        while last == _FIRST or len(page) == PAGE:
            async with self._db.transaction(self._context) as session:
                repository = AuditRepository(session)
                page = await repository.unsealed(self._context.tenant_id, last, self._end, PAGE, self._wanted)
            if not page:
                return
            last = page[-1].entry.id
            yield page
