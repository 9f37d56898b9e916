"""`/team/invitations` of a company, and `/invitations` of whoever has a link."""

from typing import Final
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from backend.domains.access import invitations
from backend.domains.access.errors import (
    AlreadyInvited,
    AlreadyMember,
    EmailUnconfirmed,
    InvitationForAnother,
    InvitationInvalid,
)
from backend.domains.access.invitation_mail import InvitationPost
from backend.domains.access.invitations import InvitationService
from backend.domains.access.refusals import audited_transaction
from backend.domains.identity.ports import AUTH, Addresses
from backend.domains.tenants.ports import Memberships
from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import requires_permission, requires_person
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS, TenantContext
from backend.kernel.errors import LimitReached
from backend.kernel.http.idempotency import keep_instead
from backend.kernel.http.operation import PUBLIC, operation
from backend.kernel.http.paging import Cursor, Limit
from backend.kernel.http.requests import SignedInRequest
from module_sdk.api.access import Invitation, InvitationCreate, InvitationPreview, InvitationSent, InvitationToken
from module_sdk.api.base import Page
from module_sdk.api.identity import Membership

INVITE: Final = requires_permission("members.invite")
READ: Final = requires_permission("members.read")


class InvitationsController(Controller):
    """Invitations that a company has sent."""

    path = "/team/invitations"
    tags = ("team",)

    @operation("GET", operation_id="list_invitations", gate=READ, summary="List open invitations")
    async def list_open(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[Invitation]:
        """Those that were not taken, the newest first; expired ones stay for a month."""
        async with db.transaction(tenant) as session:
            return await InvitationService(session, tenant).page(cursor, limit)

    @operation(
        "POST",
        operation_id="invite",
        gate=INVITE,
        idempotent=True,
        errors=(AlreadyMember, AlreadyInvited, LimitReached),
        summary="Invite somebody",
    )
    async def invite(
        self,
        data: JSONBody[InvitationCreate],
        request: SignedInRequest,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        post_office: NamedDependency[SkipValidation[InvitationPost]],
    ) -> InvitationSent:
        """For one address, with roles of which the caller holds everything. `link` is shown this once, if at all."""
        async with audited_transaction(db, tenant, "invite", "invitation:new") as session:
            issued = await InvitationService(session, tenant).create(data)
        return _without_link_kept(request, await post_office.send(issued))

    @operation(
        "DELETE",
        "/{invitation_id:uuid}",
        operation_id="revoke_invitation",
        gate=INVITE,
        summary="Withdraw an invitation",
    )
    async def revoke(
        self, invitation_id: FromPath[UUID], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> None:
        """Its link ends at once."""
        async with audited_transaction(db, tenant, "revoke_invitation", f"invitation:{invitation_id}") as session:
            await InvitationService(session, tenant).revoke(invitation_id)

    @operation(
        "POST",
        "/{invitation_id:uuid}/resend",
        operation_id="resend_invitation",
        gate=INVITE,
        status=200,
        idempotent=True,
        errors=(LimitReached,),
        summary="Send an invitation again",
    )
    async def resend(
        self,
        invitation_id: FromPath[UUID],
        request: SignedInRequest,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        post_office: NamedDependency[SkipValidation[InvitationPost]],
    ) -> InvitationSent:
        """With a new link, good for a week; the old one ends."""
        async with audited_transaction(db, tenant, "resend_invitation", f"invitation:{invitation_id}") as session:
            issued = await InvitationService(session, tenant).resend(invitation_id)
        return _without_link_kept(request, await post_office.send(issued))


class InvitedController(Controller):
    """What whoever has an invitation's link can do with it."""

    path = "/invitations"
    tags = ("team",)

    @operation(
        "POST",
        "/lookup",
        operation_id="look_up_invitation",
        gate=PUBLIC,
        status=200,
        rate=AUTH,
        errors=(InvitationInvalid,),
        summary="Read an invitation",
    )
    async def look_up(
        self,
        data: JSONBody[InvitationToken],
        db: NamedDependency[Database],
        addresses: NamedDependency[SkipValidation[Addresses]],
    ) -> InvitationPreview:
        """What its link leads to. Unknown, used, expired and withdrawn ones get the same answer."""
        async with db.transaction(ANONYMOUS) as session:
            return await invitations.preview(session, data.token, are_proven=addresses.are_proven)

    @operation(
        "POST",
        "/accept",
        operation_id="accept_invitation",
        gate=requires_person(),
        status=200,
        rate=AUTH,
        errors=(InvitationInvalid, InvitationForAnother, EmailUnconfirmed, LimitReached),
        summary="Accept an invitation",
    )
    async def accept(
        self,
        data: JSONBody[InvitationToken],
        principal: NamedDependency[Principal],
        db: NamedDependency[Database],
        memberships: NamedDependency[SkipValidation[Memberships]],
        addresses: NamedDependency[SkipValidation[Addresses]],
    ) -> Membership:
        """Joins the company, for whoever has the address that was invited; members get their membership.

        Where mail is set up the address has to be confirmed: the link alone may come from the inviter's own hand.
        """
        async with db.transaction(principal.context) as session:
            found = await invitations.find(session, data.token)
            if found is None:
                return await invitations.taken(session, data.token, memberships)
            if not await addresses.is_proven(session, principal.user_id):
                raise EmailUnconfirmed("Follow the link that was sent to your address, then accept.")
        context = TenantContext(found.tenant_id, principal.user_id)
        async with audited_transaction(db, context, "accept_invitation", f"invitation:{found.id}") as session:
            return await invitations.accept(session, context, data.token, memberships)


def _without_link_kept(request: SignedInRequest, sent: InvitationSent) -> InvitationSent:
    """Let a repeated request be answered without the link, which is a secret and kept nowhere."""
    if sent.link is not None:
        status = 201 if request.scope["path"].endswith("/invitations") else 200
        kept = msgspec.json.encode(msgspec.structs.replace(sent, link=None))
        keep_instead(request.scope, status, "application/json", kept)
    return sent
