"""How people part with companies, out of what the domains of access and tenants offer; identity uses it as a port."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.members import MemberService
from backend.domains.tenants.deletion import DeletionService
from backend.kernel.db.tenancy import TenantContext
from module_sdk.api.tenants import DeletionRequest


class CompanyDepartures:
    """Implements identity's ``Departures``. ``grace`` is how long a company waits to be erased."""

    def __init__(self, grace: timedelta) -> None:
        self._grace = grace

    async def leave(self, session: AsyncSession, context: TenantContext) -> None:
        """End the membership of the context's person, on record; raises ``LastOwner``."""
        await MemberService(session, context).leave()

    async def request_erasure(self, session: AsyncSession, context: TenantContext, slug: str) -> None:
        """Ask for the erasure of the context's company, on record."""
        await DeletionService(session, context).request(DeletionRequest(confirmation=slug), self._grace)
