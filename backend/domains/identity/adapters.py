"""Whether addresses are proven, in each mode: identity's ``Addresses``."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.identity.account_repository import AccountRepository
from backend.domains.identity.ports import Addresses
from backend.settings import Settings


class ProvenByMail:
    """By a link; where no mail is sent nothing proves an address, and none has to be proven."""

    def __init__(self, *, mail_configured: bool) -> None:
        self.are_proven = mail_configured

    async def is_proven(self, session: AsyncSession, user_id: UUID) -> bool:
        """See :class:`~backend.domains.identity.ports.Addresses`."""
        return not self.are_proven or await AccountRepository(session).address_is_proven(user_id)


def addresses(settings: Settings) -> Addresses:
    """As the mode of ``settings`` has them proven."""
    return ProvenByMail(mail_configured=settings.mail is not None) if settings.clerk is None else ProvenByClerk()


class ProvenByClerk:
    """By Clerk, which lets nobody in otherwise."""

    are_proven = True

    async def is_proven(self, _session: AsyncSession, _user_id: UUID) -> bool:
        """Always."""
        return True
