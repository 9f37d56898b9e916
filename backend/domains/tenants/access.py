"""The first wall: which tenant a request is about, and whether its person is a member of it."""

from typing import Annotated, Any
from uuid import UUID

import structlog
from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, HeaderParameter
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.ports import Company
from backend.domains.tenants.repository import TenantRepository, role_in
from backend.domains.tenants.service import TenantService, profile_of
from backend.kernel.auth import Principal
from backend.kernel.db import Database
from backend.kernel.errors import NotFound, TenantRequired
from backend.kernel.limits import charge_tenant
from backend.kernel.tenancy import TenantContext
from module_sdk.wire.identity import Membership, TenantRef

ApiRequest = Request[Principal, None, Any]
TenantHeader = Annotated[
    UUID | None,
    HeaderParameter(name="X-Tenant-Id", description="The company that the request is about; you must be a member."),
]


async def admit(db: Database, user_id: UUID, tenant_id: UUID) -> TenantContext:
    """The context of a member; ``NotFound`` for anyone else, exactly as for a tenant that does not exist."""
    role = await role_in(db, tenant_id, user_id)
    if role is None:
        raise NotFound
    return TenantContext(tenant_id, user_id, role)


async def tenant_from_header(
    db: NamedDependency[Database], request: ApiRequest, x_tenant_id: TenantHeader = None
) -> TenantContext:
    """The tenant named by ``X-Tenant-Id``."""
    if x_tenant_id is None:
        raise TenantRequired
    return await _admit_request(db, request, x_tenant_id)


async def tenant_from_path(
    db: NamedDependency[Database], request: ApiRequest, tenant_id: FromPath[UUID]
) -> TenantContext:
    """The tenant named by the path."""
    return await _admit_request(db, request, tenant_id)


async def _admit_request(db: Database, request: ApiRequest, tenant_id: UUID) -> TenantContext:
    context = await admit(db, request.user.user_id, tenant_id)
    structlog.contextvars.bind_contextvars(tenant_id=str(tenant_id))
    await charge_tenant(request.scope, request.user.user_id, tenant_id)
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

    async def of(self, session: AsyncSession, user_id: UUID) -> list[Membership]:
        """Every membership of the person in whose context the session runs, oldest first."""
        return [
            Membership(tenant=TenantRef(id=tenant.id, name=tenant.name, slug=tenant.slug), role=tenant.role)
            for tenant in await TenantRepository(session).memberships()
        ]
