"""The tenant of a request, as its gate admitted it, and what tenants offer to other domains."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request
from litestar.di import Provide
from litestar.params import FromPath, HeaderParameter
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.ports import Company
from backend.domains.tenants.repository import TenantRepository
from backend.domains.tenants.service import TenantService, profile_of
from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import CONTEXT
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound
from module_sdk.api.identity import Membership

ApiRequest = Request[Principal, None, Any]
TenantHeader = Annotated[
    UUID | None,
    HeaderParameter(name="X-Tenant-Id", description="The company that the request is about; you must be a member."),
]


async def tenant_from_header(request: ApiRequest, x_tenant_id: TenantHeader = None) -> TenantContext:
    """The tenant that the gate admitted, named by ``X-Tenant-Id``."""
    return admitted(request)


async def tenant_from_path(request: ApiRequest, tenant_id: FromPath[UUID]) -> TenantContext:
    """The tenant that the gate admitted, named by the path."""
    return admitted(request)


def admitted(request: ApiRequest) -> TenantContext:
    """The context that the route's gate left."""
    context = request.scope["state"][CONTEXT]
    assert isinstance(context, TenantContext)
    return context


BY_PATH = {"tenant": Provide(tenant_from_path)}


class TenantPorts:
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
