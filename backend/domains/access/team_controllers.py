"""`/team`: members, leaving, ownership."""

from typing import Final
from uuid import UUID

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from backend.domains.access.members import MemberService
from backend.domains.access.ports import Addresses
from backend.domains.access.refusals import changing
from backend.kernel.auth.permissions import requires_membership, requires_permission, requires_person
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.paging import Cursor, Limit
from module_sdk.api.access import Member, MemberRoles, OwnershipTransfer
from module_sdk.api.base import Page

READ: Final = requires_permission("members.read")
UPDATE: Final = requires_permission("members.update")
REMOVE: Final = requires_permission("members.remove")
TRANSFER: Final = requires_permission("ownership.transfer")


class TeamController(Controller):
    """Members of a company."""

    path = "/team"
    tags = ("team",)

    @get("/members", operation_id="list_members", summary="List members", guards=[READ])
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

    @put(
        "/members/{user_id:uuid}/roles",
        operation_id="set_member_roles",
        summary="Replace a member's roles",
        guards=[UPDATE],
        opt={"errors": ("last_owner", "email_unconfirmed")},
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
        async with changing(db, tenant, "set_member_roles", f"member:{user_id}") as session:
            return await MemberService(session, tenant).set_roles(user_id, data, addresses)

    @delete(
        "/members/{user_id:uuid}",
        operation_id="remove_member",
        summary="Remove a member",
        guards=[REMOVE],
        opt={"errors": ("last_owner",)},
    )
    async def remove(
        self, user_id: FromPath[UUID], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> None:
        """Ends the membership at once, and the member's API keys with it; the caller must hold all that they hold."""
        async with changing(db, tenant, "remove_member", f"member:{user_id}") as session:
            await MemberService(session, tenant).remove(user_id)

    @post(
        "/leave",
        operation_id="leave_team",
        summary="Leave the company",
        guards=[requires_person(), requires_membership()],
        status_code=204,
        opt={"errors": ("last_owner",)},
    )
    async def leave(self, tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> None:
        """Ends the caller's own membership, whatever their roles allow, and their API keys; the last owner stays."""
        async with changing(db, tenant, "leave_team", f"member:{tenant.user_id}") as session:
            await MemberService(session, tenant).leave()

    @post(
        "/ownership",
        operation_id="transfer_ownership",
        summary="Hand over ownership",
        guards=[requires_person(), TRANSFER],
        status_code=200,
        opt={"errors": ("email_unconfirmed",)},
    )
    async def transfer(
        self,
        data: JSONBody[OwnershipTransfer],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        addresses: NamedDependency[SkipValidation[Addresses]],
    ) -> Member:
        """Makes another member owner in the caller's place, who stays as admin."""
        async with changing(db, tenant, "transfer_ownership", f"member:{data.user_id}") as session:
            return await MemberService(session, tenant).transfer(data, addresses)
