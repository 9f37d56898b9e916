"""Erases companies whose time has come, as the worker."""

from typing import Final

import structlog

from backend.domains.tenants.deletion_repository import DeletionRepository
from backend.domains.tenants.ports import AuditLog
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ANONYMOUS, TenantContext
from backend.kernel.db.tenant_keys import TenantKeys

log = structlog.get_logger(__name__)

ERASE_SECONDS: Final = 3600.0
"""How long the statement that erases a company may take; give the eraser a database that waits as long."""


class Eraser:
    """Every worker may run one: a company is erased by one transaction, which is repeated if its worker died."""

    def __init__(self, db: Database, keys: TenantKeys, audit_log: AuditLog) -> None:
        self._db = db
        self._keys = keys
        self._audit_log = audit_log

    async def erase_due(self) -> int:
        """Erase what is due; how many companies. One that cannot be erased holds up no other and is tried again."""
        async with self._db.transaction(ANONYMOUS) as session:
            due = await DeletionRepository(session).due()
        if due:  # so that receipts name the end of the whole log
            await self._audit_log.seal_waiting()
        erased = 0
        for tenant_id in due:
            context = TenantContext(tenant_id, None)
            try:
                async with self._db.transaction(context) as session:
                    done = await DeletionRepository(session).erase(tenant_id, new_id())
                    if done:  # before the commit, since nobody would come back for it
                        await self._audit_log.forget(tenant_id)
            except Exception as error:
                # Whatever is wrong with one company's rows, the others are to be erased.
                log.warning("tenant_not_erased", tenant_id=str(tenant_id), reason=type(error).__name__)
                continue
            self._keys.forget(tenant_id)
            if done:
                erased += 1
                log.info("tenant_erased", tenant_id=str(tenant_id))
        return erased
