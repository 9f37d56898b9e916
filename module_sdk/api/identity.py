"""Sign-up, sign-in, the session's access tokens and the signed-in person."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from module_sdk.api.base import Name, Reply, Request
from module_sdk.api.text import INVISIBLE
from module_sdk.contract.text import LINE

_IN_ADDRESSES = rf"[^@\s\x00-\x1f\x7f-\x9f{INVISIBLE}]+"
Email = Annotated[
    str,
    msgspec.Meta(
        min_length=3,
        max_length=254,
        pattern=rf"^{_IN_ADDRESSES}@{_IN_ADDRESSES}\.{_IN_ADDRESSES}$(?!\n)",
        examples=["ada@example.com"],
    ),
]
NewPassword = Annotated[
    str, msgspec.Meta(min_length=12, max_length=256, pattern=LINE, examples=["correct horse battery"])
]
RoleKey = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{1,39}$(?!\n)", examples=["member"], description="owner, admin, member, …"),
]
"""A role's name for programs: ``owner``, ``admin``, ``member``, ``support``, ``viewer`` or one of the company's own."""
PermissionKey = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$(?!\n)", examples=["chat.use"])]


class SignUp(Request, frozen=True, kw_only=True):
    """A new local account. Addresses are compared without regard to case."""

    email: Email
    password: NewPassword
    full_name: Name


class SignIn(Request, frozen=True, kw_only=True):
    """A local account's address and password."""

    email: Annotated[str, msgspec.Meta(min_length=1, max_length=254, pattern=LINE, examples=["ada@example.com"])]
    password: Annotated[
        str, msgspec.Meta(min_length=1, max_length=256, pattern=LINE, examples=["correct horse battery"])
    ]


class User(Reply, frozen=True, kw_only=True):
    """A person, in whatever companies they are a member of."""

    id: UUID
    email: str | None
    full_name: str
    created_at: datetime


class AccessToken(Reply, frozen=True, kw_only=True):
    """A bearer token and the seconds for which it is accepted."""

    access_token: str
    expires_in: int


class SignedIn(AccessToken, frozen=True, kw_only=True):
    """The answer to sign-up and sign-in; the session cookie comes beside it."""

    user: User


class TenantRef(Reply, frozen=True, kw_only=True):
    """A tenant as it appears inside other documents."""

    id: UUID
    name: str
    slug: str


class Membership(Reply, frozen=True, kw_only=True):
    """A tenant the person belongs to. ``role`` is the highest of their ``roles`` there.

    ``permissions`` are what all roles together allow, less what an API key leaves out.
    """

    tenant: TenantRef
    role: RoleKey
    roles: list[RoleKey]
    permissions: list[PermissionKey]
    erase_after: datetime | None = None


class Me(Reply, frozen=True, kw_only=True):
    """The signed-in person with every membership, oldest first.

    ``email_unconfirmed`` tells that the person has yet to follow the link that was sent to their address.
    """

    user: User
    memberships: list[Membership]
    email_unconfirmed: bool = False
