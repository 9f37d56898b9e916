"""Permissions, roles, members, invitations, ownership and API keys of a company."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from module_sdk.api.base import FILLED_LINE, Name, Reply, Request
from module_sdk.api.identity import Email, PermissionKey, RoleKey, TenantRef
from module_sdk.contract.text import LINE

RoleName = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=60, pattern=FILLED_LINE, examples=["Analyst"], extra={"cleaned": True}),
]
Note = Annotated[str, msgspec.Meta(max_length=280, pattern=LINE)]
Days = Annotated[int, msgspec.Meta(ge=1, le=365)]
Token = Annotated[
    str,
    msgspec.Meta(
        min_length=20,
        max_length=128,
        pattern=r"^[A-Za-z0-9_-]+$(?!\n)",
        examples=["Vq3xq9S0b1mUu8mJ0gk7c2Qh5yYV4o1nEw6tZr3LsAk"],
    ),
]
MailOutcome = Literal["sent", "not_configured", "failed"]
ApiKeyStatus = Literal["active", "expired", "revoked"]


class PersonRef(Reply, frozen=True, kw_only=True):
    """A person as they appear inside other documents."""

    id: UUID
    full_name: str


class Permission(Reply, frozen=True, kw_only=True):
    """What one may be allowed to do. ``area`` groups permissions, ``roles`` are the built-in roles that hold it."""

    key: PermissionKey
    title: str
    description: str
    area: str
    roles: list[RoleKey]


class RoleRef(Reply, frozen=True, kw_only=True):
    """A role as it appears inside other documents."""

    key: RoleKey
    name: str


class Role(Reply, frozen=True, kw_only=True):
    """A named set of permissions. Built-in roles are the product's and cannot be changed, only copied.

    ``members`` and ``invitations`` count who uses it; ``grantable`` tells whether the caller may give it to somebody,
    which needs every permission of it.
    """

    key: RoleKey
    name: str
    description: str
    built_in: bool
    permissions: list[PermissionKey]
    members: int
    invitations: int
    grantable: bool
    created_at: datetime
    updated_at: datetime


class RoleCreate(Request, frozen=True, kw_only=True):
    """A new role. Without ``key`` one is made from the name; ``copy_of`` adds that role's permissions."""

    name: RoleName
    key: RoleKey | None = None
    description: Note = ""
    permissions: Annotated[
        list[PermissionKey], msgspec.Meta(max_length=200, examples=[["company.read", "chat.read"]])
    ] = msgspec.field(default_factory=list)
    copy_of: RoleKey | None = None


class RolePatch(Request, frozen=True, kw_only=True):
    """What to change of a role; absent fields stay, ``permissions`` replace the whole set."""

    name: RoleName | UnsetType = UNSET
    description: Note | UnsetType = UNSET
    permissions: Annotated[list[PermissionKey], msgspec.Meta(max_length=200)] | UnsetType = UNSET


class Member(Reply, frozen=True, kw_only=True):
    """A member of the company, whose roles come highest first.

    ``manageable`` tells whether the caller holds every permission that the member holds, without which their roles
    cannot be changed and they cannot be removed.
    """

    user_id: UUID
    email: str | None
    full_name: str
    roles: list[RoleRef]
    manageable: bool
    joined_at: datetime


class MemberRoles(Request, frozen=True, kw_only=True):
    """The whole set of a member's roles."""

    roles: Annotated[list[RoleKey], msgspec.Meta(min_length=1, max_length=20, examples=[["member"]])]


class OwnershipTransfer(Request, frozen=True, kw_only=True):
    """Who becomes owner in the caller's place; the caller stays as admin."""

    user_id: UUID


class InvitationCreate(Request, frozen=True, kw_only=True):
    """Asks somebody to join; the invitation is for this address alone."""

    email: Email
    roles: Annotated[list[RoleKey], msgspec.Meta(min_length=1, max_length=20)] = msgspec.field(
        default_factory=lambda: ["member"]
    )
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 7


class Invitation(Reply, frozen=True, kw_only=True):
    """An invitation that was not taken yet. It is gone once it was accepted or revoked; the audit log remembers."""

    id: UUID
    email: str
    roles: list[RoleRef]
    invited_by: PersonRef | None
    created_at: datetime
    expires_at: datetime
    expired: bool


class InvitationSent(Reply, frozen=True, kw_only=True):
    """An invitation that was just made or sent again.

    ``link`` is there where no mail server is configured, as in local mode: hand it over yourself. It is shown once.
    """

    invitation: Invitation
    mail: MailOutcome
    link: str | None = None


class InvitationToken(Request, frozen=True, kw_only=True):
    """The secret of an invitation's link."""

    token: Token


class InvitationPreview(Reply, frozen=True, kw_only=True):
    """What the holder of an invitation's link is told before they accept."""

    tenant: TenantRef
    email: str
    roles: list[RoleRef]
    invited_by: str | None
    expires_at: datetime


class ApiKeyCreate(Request, frozen=True, kw_only=True):
    """A new key, with permissions of the maker's own; it can never do more than its maker can at the time."""

    name: Name
    permissions: Annotated[
        list[PermissionKey], msgspec.Meta(min_length=1, max_length=200, examples=[["dashboard.read"]])
    ]
    expires_in_days: Days = 90


class ApiKey(Reply, frozen=True, kw_only=True):
    """A key without its secret. ``prefix`` is the beginning of the secret, to recognise it by."""

    id: UUID
    name: str
    prefix: str
    permissions: list[PermissionKey]
    made_by: PersonRef
    status: ApiKeyStatus
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeyMade(Reply, frozen=True, kw_only=True):
    """A new key with its secret, which is shown this once and goes into ``Authorization: Bearer``."""

    api_key: ApiKey
    secret: str
