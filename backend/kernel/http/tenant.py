"""The tenant of a request, as its gate admitted it."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request
from litestar.di import Provide
from litestar.params import FromPath, HeaderParameter

from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import CONTEXT
from backend.kernel.db.tenancy import TenantContext

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


BY_PATH: Final = {"tenant": Provide(tenant_from_path)}
