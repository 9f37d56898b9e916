"""What identity needs of others, bound in ``backend.registry``."""

from collections.abc import AsyncGenerator
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kernel.db.tenancy import TenantContext
from backend.kernel.limits.limiter import Limit
from backend.kernel.limits.policies import Policy

AUTH: Final = Policy("auth", address=Limit("auth", 30, 60))
"""What may be tried from one address before anybody is known: signing in, and opening links."""


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
