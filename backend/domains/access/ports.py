"""What access needs of other domains, bound in ``backend.registry``."""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from module_sdk.wire.identity import Membership


class Memberships(Protocol):
    """Which companies a person belongs to; the tenants domain knows."""

    async def of(self, session: AsyncSession) -> list[Membership]:
        """Every membership, oldest first; ``session`` is open in the person's own context."""
        ...
