"""`/tenants`: create, list, read, rename; profile, onboarding, usage."""

from typing import Final

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from backend.domains.tenants.repository import TenantRepository
from backend.domains.tenants.service import TenantService, new_tenant_context
from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import requires_permission, requires_person
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import LimitReached, SlugTaken
from backend.kernel.http.operation import operation
from backend.kernel.http.tenant import BY_PATH
from backend.settings import Allowances
from crypto import Keyring
from module_sdk.api.base import Page
from module_sdk.api.tenants import (
    Onboarding,
    OnboardingPatch,
    Profile,
    ProfileReply,
    Tenant,
    TenantCreate,
    TenantPatch,
    Usage,
)

READ: Final = requires_permission("company.read")
UPDATE: Final = requires_permission("company.update")


class TenantsController(Controller):
    """The signed-in person's companies."""

    path = "/tenants"
    tags = ("tenants",)

    @operation(
        "POST",
        operation_id="create_tenant",
        gate=requires_person(),
        idempotent=True,
        errors=(SlugTaken, LimitReached),
        summary="Create a company",
    )
    async def create(
        self,
        data: JSONBody[TenantCreate],
        principal: NamedDependency[Principal],
        db: NamedDependency[Database],
        keyring: NamedDependency[Keyring],
        allowances: NamedDependency[SkipValidation[Allowances]],
    ) -> Tenant:
        """The creator becomes its owner. Without `slug` one is made from the name."""
        context = new_tenant_context(principal.user_id)
        async with db.transaction(context) as session:
            return await TenantService(session, context).create(data, keyring, allowances)

    @operation("GET", operation_id="list_tenants", gate=requires_person(api_keys=True), summary="List my companies")
    async def list_mine(self, principal: NamedDependency[Principal], db: NamedDependency[Database]) -> Page[Tenant]:
        """Every company the signed-in person is a member of, oldest first, on one page."""
        async with db.transaction(principal.context) as session:
            return Page(items=[tenant for _, tenant in await TenantRepository(session).memberships()])


class TenantController(Controller):
    """One company, named by the path; anyone but its members gets `not_found`."""

    path = "/tenants/{tenant_id:uuid}"
    tags = ("tenants",)
    dependencies = BY_PATH

    @operation("GET", operation_id="read_tenant", gate=READ, summary="Read a company")
    async def read(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> Tenant:
        """The company with the caller's role in it."""
        async with db.transaction(tenant) as session:
            return await TenantService(session, tenant).tenant()

    @operation("PATCH", operation_id="change_tenant", gate=UPDATE, errors=(SlugTaken,), summary="Rename a company")
    async def change(
        self, data: JSONBody[TenantPatch], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> Tenant:
        """Absent fields stay as they are."""
        async with db.transaction(tenant) as session:
            return await TenantService(session, tenant).change(data)

    @operation("GET", "/profile", operation_id="read_profile", gate=READ, summary="Read the business profile")
    async def read_profile(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> ProfileReply:
        """What the executives know of the company."""
        async with db.transaction(tenant) as session:
            return await TenantService(session, tenant).profile()

    @operation("PUT", "/profile", operation_id="save_profile", gate=UPDATE, summary="Save the business profile")
    async def put_profile(
        self, data: JSONBody[Profile], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> ProfileReply:
        """Replaces the whole profile."""
        async with db.transaction(tenant) as session:
            return await TenantService(session, tenant).put_profile(data)

    @operation("GET", "/onboarding", operation_id="read_onboarding", gate=READ, summary="Read the onboarding state")
    async def read_onboarding(
        self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> Onboarding:
        """The step to show next."""
        async with db.transaction(tenant) as session:
            return await TenantService(session, tenant).onboarding()

    @operation(
        "PATCH", "/onboarding", operation_id="move_onboarding", gate=UPDATE, summary="Move the onboarding wizard"
    )
    async def move_onboarding(
        self, data: JSONBody[OnboardingPatch], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> Onboarding:
        """`done` completes the wizard."""
        async with db.transaction(tenant) as session:
            return await TenantService(session, tenant).move_onboarding(data)

    @operation("GET", "/usage", operation_id="read_usage", gate=READ, summary="Read limits and use")
    async def usage(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> Usage:
        """Every limit with what is used of it today."""
        async with db.transaction(tenant) as session:
            return await TenantService(session, tenant).usage()
