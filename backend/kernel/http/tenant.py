"""The tenant of a request, as its gate admitted it."""

from typing import Annotated, Final
from uuid import UUID

from litestar.di import Provide
from litestar.params import FromPath, HeaderParameter

from backend.kernel.auth.permissions import CONTEXT
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.requests import SignedInRequest

TenantHeader = Annotated[
    UUID | None,
    HeaderParameter(name="X-Tenant-Id", description="The company that the request is about; you must be a member."),
]


async def tenant_from_header(request: SignedInRequest, x_tenant_id: TenantHeader = None) -> TenantContext:
    """The tenant that the gate admitted, named by ``X-Tenant-Id``."""
    return admitted(request)


async def tenant_from_path(request: SignedInRequest, tenant_id: FromPath[UUID]) -> TenantContext:
    """The tenant that the gate admitted, named by the path."""
    return admitted(request)


def admitted(request: SignedInRequest) -> TenantContext:
    """The context that the route's gate left."""
    context = request.scope["state"][CONTEXT]
    assert isinstance(context, TenantContext)
    return context


BY_PATH: Final = {"tenant": Provide(tenant_from_path)}
