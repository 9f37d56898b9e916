"""What identity needs of others, bound in ``backend.registry``."""

from collections.abc import AsyncGenerator
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kernel.db.tenancy import TenantContext
from module_sdk.api.identity import Membership


class Memberships(Protocol):
    """Which companies a person belongs to; the tenants domain knows."""

    async def of(self, session: AsyncSession) -> list[Membership]:
        """Every membership, oldest first; ``session`` is open in the person's own context."""
        ...


class Departures(Protocol):
    """How somebody parts with a company; ``session`` is open in their own context there."""

    async def leave(self, session: AsyncSession, context: TenantContext) -> None:
        """End the membership; raises ``LastOwner``."""

    async def request_erasure(self, session: AsyncSession, context: TenantContext, slug: str) -> None:
        """Ask for the company to be erased once its period of grace is over."""


class Belongings(Protocol):
    """What somebody has of their own in a company; ``context`` is theirs there."""

    def export(self, context: TenantContext) -> AsyncGenerator[bytes, None]:
        """All of it as members of a JSON object, without its braces. Each transaction ends before a piece is given."""
        ...

    async def forget(self, session: AsyncSession, context: TenantContext) -> None:
        """Delete all of it."""


class Addresses(Protocol):
    """Whether addresses are proven; offered to other domains."""

    async def is_proven(self, session: AsyncSession, user_id: UUID) -> bool:
        """Whether an address is proven, or need not be: without mail nothing proves one.

        ``session`` is open in a context of the person's own, or of a company that they are a member of.
        """
        ...

    @property
    def are_proven(self) -> bool:
        """Whether this installation can prove addresses at all."""
        ...
