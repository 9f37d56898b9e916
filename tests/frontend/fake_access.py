"""The team of the fake API: members by the page, invitations, and mail that does what a test says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, delete, get, post, put
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from module_sdk.api.access import (
    Invitation,
    InvitationCreate,
    InvitationPreview,
    InvitationSent,
    InvitationToken,
    MailOutcome,
    Member,
    MemberRoles,
    PersonRef,
    RoleRef,
)
from module_sdk.api.base import Page
from module_sdk.api.identity import TenantRef
from tests.frontend.fake_api import NOW, Refused, body, who
from tests.frontend.fake_audit import ADA

ApiRequest = Request[Any, Any, Any]
TOKEN = "Vq3xq9S0b1mUu8mJ0gk7c2Qh5yYV4o1nEw6tZr3LsAk"


def refs(keys: list[str]) -> list[RoleRef]:
    return [RoleRef(key=key, name=key.title()) for key in keys]


@dataclass
class Team:
    """What the fake remembers of a team. ``mail`` is what becomes of the next invitations.

    While it is ``closed``, nobody may see who is in it.
    """

    members: list[Member] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    previews: dict[str, InvitationPreview] = field(default_factory=dict)
    mail: MailOutcome = "not_configured"
    closed: bool = False

    def seed(self, name: str, *keys: str, manageable: bool = True, user_id: UUID | None = None) -> Member:
        """Somebody with roles."""
        email = f"{name.split(maxsplit=1)[0].lower()}@example.com"
        made = Member(
            user_id=user_id or uuid4(), email=email, full_name=name, roles=refs(list(keys)), manageable=manageable,
            joined_at=NOW,
        )  # fmt: skip
        self.members.append(made)
        return made

    def invited(self, email: str, *, expired: bool = False) -> Invitation:
        """An open invitation, or one that has expired."""
        ends = datetime.now(UTC) + timedelta(days=-2 if expired else 5)
        made = Invitation(
            id=uuid4(), email=email, roles=refs(["member"]), invited_by=PersonRef(id=uuid4(), full_name="Ada Lovelace"),
            created_at=NOW, expires_at=ends, expired=expired,
        )  # fmt: skip
        self.invitations.insert(0, made)
        return made

    def preview(self, email: str) -> str:
        """The token of an invitation to look up."""
        self.previews[TOKEN] = InvitationPreview(
            tenant=TenantRef(id=uuid4(), name="Acme Robotics", slug="acme-robotics"), email=email,
            roles=refs(["member"]), invited_by="Ada Lovelace", expires_at=datetime.now(UTC) + timedelta(days=5),
        )  # fmt: skip
        return TOKEN


ADA_ALONE = Member(
    user_id=ADA, email=None, full_name="Ada Lovelace", roles=refs(["owner"]), manageable=True, joined_at=NOW
)


def team(state: State) -> Team:
    found: Team = state.team
    return found


def sent(state: State, invitation: Invitation) -> InvitationSent:
    mail = team(state).mail
    link = f"http://localhost/invite?token={TOKEN}" if mail == "not_configured" else None
    return InvitationSent(invitation=invitation, mail=mail, link=link)


@get("/team/members", sync_to_thread=False)
def list_members(
    request: ApiRequest, state: State, cursor: FromQuery[int] = 0, limit: FromQuery[int] = 50
) -> Page[Member]:
    who(request, state)
    if team(state).closed:
        extra = {"title": "See the members", "roles": ["Viewer"], "people": ["Grace Hopper"]}
        raise Refused(403, "permission_denied", "You may not do this", "Ask somebody.", extra=extra)
    found = team(state).members or [ADA_ALONE]
    more = str(cursor + limit) if len(found) > cursor + limit else None
    return Page(items=found[cursor : cursor + limit], next_cursor=more)


@put("/team/members/{user_id:uuid}/roles")
async def set_roles(request: ApiRequest, state: State, user_id: FromPath[UUID]) -> Member:
    who(request, state)
    keys = (await body(request, MemberRoles)).roles
    members = team(state).members
    found = next(one for one in members if one.user_id == user_id)
    changed = msgspec.structs.replace(found, roles=refs(keys))
    members[members.index(found)] = changed
    return changed


@post("/team/leave", status_code=204, sync_to_thread=False)
def leave(request: ApiRequest, state: State) -> None:
    who(request, state)
    raise Refused(409, "last_owner", "A company keeps at least one owner")


@get("/team/invitations", sync_to_thread=False)
def list_invitations(request: ApiRequest, state: State) -> Page[Invitation]:
    who(request, state)
    return Page(items=team(state).invitations)


@post("/team/invitations")
async def invite(request: ApiRequest, state: State) -> InvitationSent:
    who(request, state)
    data = await body(request, InvitationCreate)
    if any(one.email == data.email for one in team(state).members):
        raise Refused(409, "already_member", "This person is a member already")
    return sent(state, team(state).invited(data.email))


@post("/team/invitations/{invitation_id:uuid}/resend", status_code=200, sync_to_thread=False)
def resend(request: ApiRequest, state: State, invitation_id: FromPath[UUID]) -> InvitationSent:
    who(request, state)
    return sent(state, next(one for one in team(state).invitations if one.id == invitation_id))


@delete("/team/invitations/{invitation_id:uuid}", sync_to_thread=False)
def revoke(request: ApiRequest, state: State, invitation_id: FromPath[UUID]) -> None:
    who(request, state)
    team(state).invitations[:] = [one for one in team(state).invitations if one.id != invitation_id]


@post("/invitations/lookup", status_code=200)
async def look_up(request: ApiRequest, state: State) -> InvitationPreview:
    token = (await body(request, InvitationToken)).token
    if token not in team(state).previews:
        raise Refused(410, "invitation_invalid", "This invitation is not valid any more")
    return team(state).previews[token]


TEAM_HANDLERS = [
    list_members, set_roles, leave, list_invitations, invite, resend, revoke, look_up,
]  # fmt: skip
