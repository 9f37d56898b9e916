"""Rules of invitations. Services work inside the caller's transaction and never commit."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.access.errors import AlreadyInvited, AlreadyMember, InvitationForAnother, InvitationInvalid
from backend.domains.access.invitation_repository import (
    InvitationRepository,
    accept_invitation,
    find_invitation,
    taken_invitation,
)
from backend.domains.access.role_repository import RoleRepository, lock_team
from backend.domains.access.rules import must_grant
from backend.domains.tenants.ports import Memberships
from backend.kernel.addresses import accepted, masked
from backend.kernel.audit.recording import MetaValue, record
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import LimitReached, NotFound
from backend.kernel.http.paging import TimeKey, decode_cursor, page_of
from crypto import hash_token, new_token
from module_sdk.api.access import Invitation, InvitationCreate, InvitationPreview, PersonRef, RoleRef
from module_sdk.api.base import Page
from module_sdk.api.identity import Membership, TenantRef

RESENT_FOR: Final = timedelta(days=7)


class IssuedInvitation(NamedTuple):
    """An invitation with the token of its link, which is to be sent and kept nowhere."""

    invitation: Invitation
    company: str
    token: str

    def __repr__(self) -> str:
        return f"IssuedInvitation({self.invitation.id})"


class InvitationService:
    """What one member may do with the invitations of one tenant."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._context = context
        self._repository = InvitationRepository(session, context.tenant_id)
        self._roles = RoleRepository(session, context.tenant_id)

    async def page(self, cursor: str | None, limit: int) -> Page[Invitation]:
        """Those that were not taken, the newest first."""
        rows = await self._repository.page(decode_cursor(cursor, TimeKey), limit + 1)
        return page_of(rows, limit, lambda row: TimeKey(row.created_at, row.id), _wire)

    async def create(self, body: InvitationCreate) -> IssuedInvitation:
        """Invite somebody; an invitation to their address that has expired makes room for this one.

        Raises ``PermissionDenied`` for roles that allow more than the caller, ``AlreadyMember``, ``AlreadyInvited``,
        ``LimitReached``.
        """
        await lock_team(self._session, self._context.tenant_id)
        email, roles = accepted(body.email), list(dict.fromkeys(body.roles))
        await must_grant(self._roles, self._context, roles, "roles")
        if await self._repository.is_member(email):
            raise AlreadyMember
        earlier = await self._repository.invitation_to(email)
        if earlier is not None and not earlier.expired:
            raise AlreadyInvited(extra={"invitation_id": str(earlier.id)})
        if earlier is not None:
            await self._repository.delete(earlier.id)
        await self._must_have_room()
        token, invitation_id = new_token(), new_id()
        row = {
            "id": invitation_id,
            "email": email,
            "token_hash": hash_token(token),
            "invited_by": self._context.user_id,
            "expires_at": datetime.now(UTC) + timedelta(days=body.expires_in_days),
        }
        await self._repository.insert(row, roles)
        await self._record("member.invited", invitation_id, {"email": email, "roles": roles})
        return await self._issued(invitation_id, token)

    async def resend(self, invitation_id: UUID) -> IssuedInvitation:
        """A new link in place of the old one, good for a week; raises as :meth:`create` does."""
        await lock_team(self._session, self._context.tenant_id)
        found = await self._found(invitation_id)
        await must_grant(self._roles, self._context, [role["key"] for role in found.roles], "roles")
        if found.expired:
            await self._must_have_room()
        token = new_token()
        if not await self._repository.renew(invitation_id, hash_token(token), datetime.now(UTC) + RESENT_FOR):
            raise NotFound
        await self._record("invitation.resent", invitation_id, {"email": found.email})
        return await self._issued(invitation_id, token)

    async def revoke(self, invitation_id: UUID) -> None:
        """Withdraw an invitation; raises ``NotFound`` for one that is gone."""
        found = await self._found(invitation_id)
        if not await self._repository.delete(invitation_id):
            raise NotFound
        await self._record("invitation.revoked", invitation_id, {"email": found.email})

    async def _must_have_room(self) -> None:
        seats = await self._repository.seats()
        if seats.used >= seats.allowed:
            detail = f"All {seats.allowed} places are taken by members and open invitations."
            raise LimitReached(detail, metric="members", limit=seats.allowed, used=seats.used)

    async def _found(self, invitation_id: UUID) -> Row[Any]:
        found = await self._repository.invitation(invitation_id)
        if found is None:
            raise NotFound
        return found

    async def _issued(self, invitation_id: UUID, token: str) -> IssuedInvitation:
        shown = await find_invitation(self._session, hash_token(token))
        assert shown is not None
        return IssuedInvitation(_wire(await self._found(invitation_id)), shown.name, token)

    async def _record(self, action: str, invitation_id: UUID, meta: Mapping[str, MetaValue]) -> None:
        await record(self._session, action, f"invitation:{invitation_id}", meta)


async def find(session: AsyncSession, token: str) -> Row[Any] | None:
    """The open invitation of a token, in any context."""
    return await find_invitation(session, hash_token(token))


async def preview(session: AsyncSession, token: str, *, are_proven: bool) -> InvitationPreview:
    """What a link leads to, for whoever has it; raises ``InvitationInvalid``.

    Where nobody proves that an address is theirs, the one that was invited is masked: knowing it is all that is asked.
    """
    row = await find(session, token)
    if row is None:
        raise InvitationInvalid
    return InvitationPreview(
        tenant=TenantRef(id=row.tenant_id, name=row.name, slug=row.slug),
        email=row.email if are_proven else masked(row.email),
        roles=msgspec.convert(row.roles, list[RoleRef]),
        invited_by=row.invited_by,
        expires_at=row.expires_at,
    )


async def taken(session: AsyncSession, token: str, memberships: Memberships) -> Membership:
    """What the context's person came to by an invitation that has ended, so that a repeated request gets its answer.

    Raises ``InvitationInvalid`` for whoever did not take it, or does not belong any more.
    """
    tenant_id = await taken_invitation(session, hash_token(token))
    return _membership_in(tenant_id, await memberships.of(session))


async def accept(session: AsyncSession, context: TenantContext, token: str, memberships: Memberships) -> Membership:
    """Take an invitation; ``context`` is of the person and of the invitation's tenant.

    Whoever is a member already gets their membership. Raises ``InvitationInvalid``, ``InvitationForAnother``,
    ``LimitReached``.
    """
    open_one = await find_invitation(session, hash_token(token))
    taken = await accept_invitation(session, hash_token(token))
    match taken.outcome:
        case "another_address":
            assert open_one is not None
            detail = f"It is for {masked(open_one.email)}; sign in with that address to take it."
            raise InvitationForAnother(detail, extra={"email": masked(open_one.email)})
        case "full":
            limit = taken.members_max
            raise LimitReached("Every place in the company is taken.", metric="members", limit=limit, used=limit)
        case "accepted":
            assert open_one is not None
            roles = [role["key"] for role in open_one.roles]
            meta: dict[str, MetaValue] = {"invitation": str(taken.invitation_id), "roles": roles}
            await record(session, "member.joined", f"member:{context.user_id}", meta)
    return _membership_in(context.tenant_id, await memberships.of(session))


def _membership_in(tenant_id: UUID | None, memberships: Sequence[Membership]) -> Membership:
    for membership in memberships:
        if membership.tenant.id == tenant_id:
            return membership
    raise InvitationInvalid


def _wire(row: Row[Any]) -> Invitation:
    return Invitation(
        id=row.id,
        email=row.email,
        roles=msgspec.convert(row.roles or [], list[RoleRef]),
        invited_by=PersonRef(id=row.invited_by, full_name=row.inviter) if row.inviter is not None else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        expired=row.expired,
    )
