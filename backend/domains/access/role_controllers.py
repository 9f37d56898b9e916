"""`/permissions` and `/roles`."""

from typing import Final

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.domains.access.errors import RoleBuiltIn, RoleInUse, RoleTaken
from backend.domains.access.refusals import audited_transaction
from backend.domains.access.roles import RoleService
from backend.kernel.auth.permissions import requires_permission
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.operation import operation
from module_sdk.api.access import Permission, Role, RoleCreate, RolePatch
from module_sdk.api.base import Page

READ: Final = requires_permission("roles.read")
MANAGE: Final = requires_permission("roles.manage")


class RolesController(Controller):
    """Roles of a company, and what they can consist of."""

    tags = ("roles",)

    @operation("GET", "/permissions", operation_id="list_permissions", gate=READ, summary="List every permission")
    async def list_permissions(
        self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> Page[Permission]:
        """On one page, in the order in which they are shown, with the built-in roles that hold them."""
        async with db.transaction(tenant) as session:
            return await RoleService(session, tenant).catalogue()

    @operation("GET", "/roles", operation_id="list_roles", gate=READ, summary="List roles")
    async def list_roles(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> Page[Role]:
        """On one page, the highest first, each with its permissions and how many members and invitations have it."""
        async with db.transaction(tenant) as session:
            return await RoleService(session, tenant).roles()

    @operation(
        "POST",
        "/roles",
        operation_id="create_role",
        gate=MANAGE,
        idempotent=True,
        errors=(RoleTaken,),
        summary="Make or copy a role",
    )
    async def create(
        self, data: JSONBody[RoleCreate], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> Role:
        """With permissions that the caller holds. Without `key` one is made from the name."""
        async with audited_transaction(db, tenant, "create_role", f"role:{data.key or data.name}") as session:
            return await RoleService(session, tenant).create(data)

    @operation("GET", "/roles/{role_key:str}", operation_id="read_role", gate=READ, summary="Read a role")
    async def read(
        self, role_key: FromPath[str], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> Role:
        """With its permissions and how many members and invitations have it."""
        async with db.transaction(tenant) as session:
            return await RoleService(session, tenant).role(role_key)

    @operation(
        "PATCH",
        "/roles/{role_key:str}",
        operation_id="change_role",
        gate=MANAGE,
        errors=(RoleTaken, RoleBuiltIn),
        summary="Rename a role or change what it allows",
    )
    async def change(
        self,
        role_key: FromPath[str],
        data: JSONBody[RolePatch],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
    ) -> Role:
        """Absent fields stay; the caller must hold every permission that the role holds before and after."""
        async with audited_transaction(db, tenant, "change_role", f"role:{role_key}") as session:
            return await RoleService(session, tenant).change(role_key, data)

    @operation(
        "DELETE",
        "/roles/{role_key:str}",
        operation_id="delete_role",
        gate=MANAGE,
        errors=(RoleInUse, RoleBuiltIn),
        summary="Delete a role",
    )
    async def delete(
        self, role_key: FromPath[str], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> None:
        """One that neither members nor invitations have; the caller must hold every permission that it holds."""
        async with audited_transaction(db, tenant, "delete_role", f"role:{role_key}") as session:
            await RoleService(session, tenant).delete(role_key)
