"""What tenants offer to other domains."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.ports import Company
from backend.domains.tenants.repository import TenantRepository
from backend.domains.tenants.service import TenantService, profile_of
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound
from module_sdk.api.identity import Membership


class CompaniesAdapter:
    """Implements what other domains may use: ``Companies`` and identity's ``Memberships``."""

    async def company(self, session: AsyncSession, context: TenantContext) -> Company:
        """Name and business profile of the context's tenant."""
        found = await TenantRepository(session).company(context.tenant_id)
        if found is None:
            raise NotFound
        name, profile = found
        return Company(name, profile_of(profile))

    async def spend(self, session: AsyncSession, context: TenantContext, metric: str) -> None:
        """Use one of a daily limit; raises ``LimitReached``."""
        await TenantService(session, context).spend(metric)

    async def wrapped_key(self, session: AsyncSession, tenant_id: UUID) -> bytes | None:
        """The tenant's wrapped data key, ``None`` once it was erased."""
        return await TenantRepository(session).wrapped_key(tenant_id)

    async def of(self, session: AsyncSession) -> list[Membership]:
        """Every membership of the person in whose context the session runs, oldest first."""
        return [membership for membership, _ in await TenantRepository(session).memberships()]
