"""What the pages about the team show, as plain values. Times are relative, with the exact ones behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from frontend import words
from frontend.platform.session import initials
from module_sdk.api.access import Invitation, InvitationSent, Member, Role

OWNER = "owner"


@dataclass(frozen=True)
class MemberView:
    """A line of the list. ``me`` is the person who looks at it."""

    user_id: str = ""
    name: str = ""
    email: str = ""
    initials: str = ""
    roles: list[str] = field(default_factory=list)
    role_keys: list[str] = field(default_factory=list)
    me: bool = False
    owner: bool = False
    manageable: bool = False
    joined: str = ""
    joined_iso: str = ""
    joined_exact: str = ""


@dataclass(frozen=True)
class InvitationView:
    """A line of the list of open invitations."""

    id: str = ""
    email: str = ""
    roles: list[str] = field(default_factory=list)
    invited_by: str = ""
    expired: bool = False
    expires: str = ""
    expires_iso: str = ""
    expires_exact: str = ""


@dataclass(frozen=True)
class RoleChoice:
    """A role to give. ``chosen`` is how its box starts; ``grantable`` tells whether the person may give it."""

    key: str = ""
    name: str = ""
    description: str = ""
    grantable: bool = False
    chosen: bool = False


@dataclass(frozen=True)
class SentView:
    """What became of an invitation. ``mail`` is the contract's; ``link`` is there to be handed over, ``""`` if not."""

    id: str = ""
    email: str = ""
    mail: str = ""
    link: str = ""
    expires: str = ""
    expires_iso: str = ""


def member_view(member: Member, me: str, now: datetime, where: tzinfo) -> MemberView:
    """``member`` for the list; ``me`` is the id of the person who looks at it."""
    keys = [role.key for role in member.roles]
    return MemberView(
        user_id=str(member.user_id),
        name=member.full_name,
        email=member.email or "",
        initials=initials(member.full_name),
        roles=[role.name for role in member.roles],
        role_keys=keys,
        me=str(member.user_id) == me,
        owner=OWNER in keys,
        manageable=member.manageable,
        joined=words.ago(member.joined_at, now),
        joined_iso=member.joined_at.isoformat(),
        joined_exact=words.exact(member.joined_at, where),
    )


def invitation_view(invitation: Invitation, now: datetime, where: tzinfo) -> InvitationView:
    """``invitation`` for the list."""
    return InvitationView(
        id=str(invitation.id),
        email=invitation.email,
        roles=[role.name for role in invitation.roles],
        invited_by=invitation.invited_by.full_name if invitation.invited_by else "",
        expired=invitation.expired,
        expires=words.ago(invitation.expires_at, now),
        expires_iso=invitation.expires_at.isoformat(),
        expires_exact=words.exact(invitation.expires_at, where),
    )


def role_choices(roles: Sequence[Role], chosen: Sequence[str]) -> list[RoleChoice]:
    """``roles`` as boxes, of which those of ``chosen`` are ticked."""
    return [
        RoleChoice(role.key, role.name, role.description, grantable=role.grantable, chosen=role.key in chosen)
        for role in roles
    ]


def sent_view(sent: InvitationSent, where: tzinfo) -> SentView:
    """``sent`` with what to do about it."""
    invitation = sent.invitation
    return SentView(
        id=str(invitation.id),
        email=invitation.email,
        mail=sent.mail,
        link=sent.link or "",
        expires=words.exact(invitation.expires_at, where),
        expires_iso=invitation.expires_at.isoformat(),
    )
