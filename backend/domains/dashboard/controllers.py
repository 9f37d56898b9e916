"""`/dashboard`."""

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from backend.domains.dashboard.service import gather
from backend.domains.tenants.ports import Companies
from backend.kernel.auth.permissions import requires_permission
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.operation import operation
from backend.modules.registry import ModuleRegistry
from module_sdk.api.dashboard import Dashboard
from module_sdk.contract.company import CompanyFacts


class DashboardController(Controller):
    """Key figures of a company."""

    path = "/dashboard"
    tags = ("dashboard",)

    @operation(
        "GET",
        operation_id="dashboard",
        gate=requires_permission("dashboard.read"),
        summary="Read a company's key figures",
    )
    async def read(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        companies: NamedDependency[SkipValidation[Companies]],
        modules: NamedDependency[ModuleRegistry],
    ) -> Dashboard:
        """Every figure says where it was read; `demonstration` marks figures that are not the company's own."""
        async with db.transaction(tenant) as session:
            company = await companies.company(session, tenant)
        facts = CompanyFacts(name=company.name, profile=company.profile)
        return await gather(tenant.tenant_id, facts, modules.metrics_modules())
