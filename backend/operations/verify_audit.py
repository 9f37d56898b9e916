"""Verifies audit logs in the database, as the application role; only the list of companies needs the owner role."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from backend.domains.audit.chain_verifier import Verdict
from backend.domains.audit.domain import Audit
from backend.kernel.db.database import driver_url
from backend.operations.errors import Echo, OperationRefused, database_problems
from backend.registry import Product
from backend.settings import Settings
from module_sdk.api.audit import AuditCheckpoint, AuditFault

PROGRESS_EVERY: Final = 100_000


class Company(NamedTuple):
    """Whose log it is; ``name`` is the slug if that is known."""

    id: UUID
    name: str


async def verify_logs(
    settings: Settings, wanted: str | None, saved: Sequence[AuditCheckpoint], echo: Echo, progress: Echo
) -> bool:
    """Walk over the chain of a company (its id or slug), or of all; whether every one is intact.

    Raises :class:`OperationFailed`. Writes nothing.
    """
    with database_problems():
        companies = await _companies(settings, wanted)
        if strange := {checkpoint.tenant_id for checkpoint in saved} - {company.id for company in companies}:
            raise OperationRefused(f"the checkpoint is of another company, {min(strange)}")
        product = Product(settings)
        verifications = product.of(Audit).verifications
        try:
            keys, intact = await verifications.keys(), True
            for company in companies:
                own = [checkpoint for checkpoint in saved if checkpoint.tenant_id == company.id]
                verdict = await verifications.walk(company.id, keys, own, _Steps(company.name, progress))
                echo(described(company.name, verdict))
                intact = intact and verdict.fault is None
        finally:
            await product.close()
    return intact


def described(name: str, verdict: Verdict) -> str:
    """A verdict in one line."""
    if verdict.fault is not None:
        return f"{name}: {fault_line(verdict.fault)}"
    return f"{name}: intact, {verdict.sealed_seq} sealed, {verdict.waiting} waiting"


def fault_line(fault: AuditFault) -> str:
    """Kind, place and entry of a fault in one line."""
    return f"{fault.kind} at number {fault.seq}, entry {fault.entry_id or 'unknown'}: {fault.detail}"


class _Steps:
    """Says how far a long walk is, every so many entries."""

    def __init__(self, name: str, progress: Echo) -> None:
        self._name = name
        self._progress = progress
        self._next = PROGRESS_EVERY

    def __call__(self, looked_at: int) -> None:
        if looked_at >= self._next:
            self._next += PROGRESS_EVERY
            self._progress(f"{self._name}: {looked_at} entries looked at")


async def _companies(settings: Settings, wanted: str | None) -> list[Company]:
    tenant_id = _as_id(wanted)
    if not settings.database_owner_url:
        if tenant_id is None:
            raise OperationRefused("DATABASE_OWNER_URL is not set; name the company by its id with --tenant")
        return [Company(tenant_id, str(tenant_id))]
    engine = create_async_engine(driver_url(settings.database_owner_url))
    try:
        async with engine.connect() as connection:
            rows = await connection.execute(text("SELECT id, slug FROM tenants ORDER BY slug"))
            found = [Company(row.id, row.slug) for row in rows if wanted in (None, row.slug) or row.id == tenant_id]
    finally:
        await engine.dispose()
    if wanted is not None and not found:
        raise OperationRefused(f"there is no company {wanted!r}")
    return found


def _as_id(wanted: str | None) -> UUID | None:
    try:
        return None if wanted is None else UUID(wanted)
    except ValueError:
        return None
