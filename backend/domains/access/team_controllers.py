"""`/team`: members, leaving, ownership."""

from typing import Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from backend.domains.access.errors import EmailUnconfirmed
from backend.domains.access.members import MemberService
from backend.domains.access.ports import LastOwner
from backend.domains.access.refusals import audited_transaction
from backend.domains.identity.ports import Addresses
from backend.kernel.auth.permissions import requires_membership, requires_permission
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.operation import operation
from backend.kernel.http.paging import Cursor, Limit
from module_sdk.api.access import Member, MemberRoles, OwnershipTransfer
from module_sdk.api.base import Page

READ: Final = requires_permission("members.read")
UPDATE: Final = requires_permission("members.update")
REMOVE: Final = requires_permission("members.remove")
TRANSFER: Final = requires_permission("ownership.transfer", api_keys=False)


class TeamController(Controller):
    """Members of a company."""

    path = "/team"
    tags = ("team",)

    @operation("GET", "/members", operation_id="list_members", gate=READ, summary="List members")
    async def list_members(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[Member]:
        """By name."""
        async with db.transaction(tenant) as session:
            return await MemberService(session, tenant).page(cursor, limit)

    @operation(
        "PUT",
        "/members/{user_id:uuid}/roles",
        operation_id="set_member_roles",
        gate=UPDATE,
        errors=(LastOwner, EmailUnconfirmed),
        summary="Replace a member's roles",
    )
    async def set_roles(
        self,
        user_id: FromPath[UUID],
        data: JSONBody[MemberRoles],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        addresses: NamedDependency[SkipValidation[Addresses]],
    ) -> Member:
        """The caller must hold everything that the member holds and is to hold."""
        async with audited_transaction(db, tenant, "set_member_roles", f"member:{user_id}") as session:
            return await MemberService(session, tenant).set_roles(user_id, data, addresses)

    @operation(
        "DELETE",
        "/members/{user_id:uuid}",
        operation_id="remove_member",
        gate=REMOVE,
        errors=(LastOwner,),
        summary="Remove a member",
    )
    async def remove(
        self, user_id: FromPath[UUID], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> None:
        """Ends the membership at once, and the member's API keys with it; the caller must hold all that they hold."""
        async with audited_transaction(db, tenant, "remove_member", f"member:{user_id}") as session:
            await MemberService(session, tenant).remove(user_id)

    @operation(
        "POST",
        "/leave",
        operation_id="leave_team",
        gate=requires_membership(api_keys=False),
        status=204,
        errors=(LastOwner,),
        summary="Leave the company",
    )
    async def leave(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> None:
        """Ends the caller's own membership, whatever their roles allow, and their API keys; the last owner stays."""
        async with audited_transaction(db, tenant, "leave_team", f"member:{tenant.user_id}") as session:
            await MemberService(session, tenant).leave()

    @operation(
        "POST",
        "/ownership",
        operation_id="transfer_ownership",
        gate=TRANSFER,
        status=200,
        errors=(EmailUnconfirmed,),
        summary="Hand over ownership",
    )
    async def transfer(
        self,
        data: JSONBody[OwnershipTransfer],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        addresses: NamedDependency[SkipValidation[Addresses]],
    ) -> Member:
        """Makes another member owner in the caller's place, who stays as admin."""
        async with audited_transaction(db, tenant, "transfer_ownership", f"member:{data.user_id}") as session:
            return await MemberService(session, tenant).transfer(data, addresses)
