"""What other domains may use of tenants, and what tenants needs of them, bound in ``backend.registry``."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kernel.db.tenancy import TenantContext
from module_sdk.api.identity import Membership
from module_sdk.api.tenants import Profile


class Company(NamedTuple):
    """A tenant as the executives know it."""

    name: str
    profile: Profile


class Companies(Protocol):
    """Reads the company and spends its limits, inside the caller's transaction."""

    async def company(self, session: AsyncSession, context: TenantContext) -> Company:
        """Name and business profile."""

    async def spend(self, session: AsyncSession, context: TenantContext, metric: str) -> None:
        """Use one of a daily limit; raises ``LimitReached``."""

    async def wrapped_key(self, session: AsyncSession, tenant_id: UUID) -> bytes | None:
        """The tenant's wrapped data key, ``None`` once it was erased."""


class Memberships(Protocol):
    """Which companies a person belongs to; offered to other domains."""

    async def of(self, session: AsyncSession) -> list[Membership]:
        """Every membership, oldest first; ``session`` is open in the person's own context."""
        ...


class AuditLog(Protocol):
    """Seals the audit log, and forgets that of a tenant."""

    async def seal_waiting(self) -> int:
        """Seal every entry that waits for it, of whichever tenant; how many."""

    async def forget(self, tenant_id: UUID) -> None:
        """Remove what is kept of a tenant's log outside the database; raises what Redis raises."""


class ReceiptSigner(Protocol):
    """Signs with the key of the audit log."""

    async def sign(self, messages: Sequence[bytes]) -> tuple[str, list[bytes]]:
        """The key's id, and of each message an Ed25519 signature, 64 bytes. Raises ``Unavailable``."""
