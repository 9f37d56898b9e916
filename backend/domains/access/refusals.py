"""Transactions whose refusals go on record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.errors import RULES
from backend.kernel.audit.recording import MetaValue, record
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import PermissionDenied, ProblemError
from backend.kernel.http.problems import problem_of


@asynccontextmanager
async def audited_transaction(
    db: Database, context: TenantContext, operation: str, resource: str
) -> AsyncIterator[AsyncSession]:
    """One transaction in ``context``; that a rule or a policy refused it is recorded after it was rolled back."""
    try:
        async with db.transaction(context) as session:
            yield session
    except RULES as refused:
        await _record(db, context, operation, resource, refused)
        raise
    except DBAPIError as error:
        problem = problem_of(error)
        if isinstance(problem, PermissionDenied):
            await _record(db, context, operation, resource, problem)
        raise


async def _record(db: Database, context: TenantContext, operation: str, resource: str, refused: ProblemError) -> None:
    meta: dict[str, MetaValue] = {"operation": operation, "code": refused.code, **refused.extra}
    async with db.transaction(context) as session:
        await record(session, "access.refused", resource, meta, outcome="refused")
