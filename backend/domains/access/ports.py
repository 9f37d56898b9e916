"""What access needs of other domains, bound in ``backend.registry``."""

from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from module_sdk.api.identity import Membership


class Memberships(Protocol):
    """Which companies a person belongs to; the tenants domain knows."""

    async def of(self, session: AsyncSession) -> list[Membership]:
        """Every membership, oldest first; ``session`` is open in the person's own context."""
        ...


class Addresses(Protocol):
    """Whether people's addresses are proven; the identity domain knows."""

    async def is_proven(self, session: AsyncSession, user_id: UUID) -> bool:
        """Whether an address is proven, or need not be: without mail nothing proves one.

        ``session`` is open in a context of the person's own, or of a company that they are a member of.
        """
        ...

    @property
    def are_proven(self) -> bool:
        """Whether this installation can prove addresses at all."""
        ...
