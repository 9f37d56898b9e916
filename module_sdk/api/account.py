"""A person's own account: name, address, password, sessions, links that arrive by mail, and the end of it all."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from module_sdk.api.access import MailOutcome, Token
from module_sdk.api.base import Name, Reply, Request
from module_sdk.api.identity import Email, NewPassword, TenantRef
from module_sdk.contract.text import LINE

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=LINE, examples=["correct horse battery"])]
Fate = Literal["left", "erased", "blocked"]


class PasswordForgotten(Request, frozen=True, kw_only=True):
    """Asks for a link to choose a new password by."""

    email: Email


class MailPromised(Reply, frozen=True, kw_only=True):
    """The answer about an address, whether or not it has an account.

    ``mail_configured`` tells whether this installation sends mail at all; where it does not, its operator has to help.
    """

    mail_configured: bool


class PasswordReset(Request, frozen=True, kw_only=True):
    """The secret of a link and the password to have from now on."""

    token: Token
    password: NewPassword


class AccountToken(Request, frozen=True, kw_only=True):
    """The secret of a link that proves an address."""

    token: Token


class AddressProven(Reply, frozen=True, kw_only=True):
    """The address that a link has proven."""

    email: str


class PasswordCandidate(Request, frozen=True, kw_only=True):
    """A password to be judged; ``hints`` are what an attacker would know, such as name and address."""

    password: Annotated[
        str, msgspec.Meta(min_length=1, max_length=256, pattern=LINE, examples=["correct horse battery"])
    ]
    hints: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=254, pattern=LINE)]],
        msgspec.Meta(max_length=4, examples=[["ada@example.com", "Ada Lovelace"]]),
    ] = msgspec.field(default_factory=list)


class PasswordStrength(Reply, frozen=True, kw_only=True):
    """How hard a password is to guess, 0 to 4; ``reason`` says why it is refused, ``None`` if it is not."""

    score: int
    reason: str | None


class MePatch(Request, frozen=True, kw_only=True):
    """What to change of oneself."""

    full_name: Name


class EmailChange(Request, frozen=True, kw_only=True):
    """Another address, with the present password."""

    email: Email
    password: Password


class EmailChangeStarted(Reply, frozen=True, kw_only=True):
    """``sent``: the link in the mail to ``email`` makes the change. ``not_configured``: it is made, and not proven."""

    email: str
    mail: MailOutcome


class PasswordChange(Request, frozen=True, kw_only=True):
    """The present password and the one to have from now on."""

    current_password: Password
    new_password: NewPassword


class SignedInSession(Reply, frozen=True, kw_only=True):
    """Where one is signed in. ``current`` is the session that asks; ``address`` is the network it was last seen from.

    ``device`` is what the browser said of itself when it signed in, in words, ``""`` if nothing.
    """

    id: UUID
    current: bool
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime


class SessionsEnd(Request, frozen=True, kw_only=True):
    """Which sessions to end: all ``others`` than the one that asks, or ``all``."""

    which: Literal["others", "all"] = "others"


class CompanyFate(Reply, frozen=True, kw_only=True):
    """What becomes of a company when the account is deleted.

    ``left``: it goes on without the person. ``erased``: the person is alone in it, or it waits to be erased already;
    ``erase_after`` is when, once it is known. ``blocked``: others would be left without an owner, so that nothing can
    be deleted before ownership was handed over or the company's deletion was asked for.
    """

    tenant: TenantRef
    fate: Fate
    erase_after: datetime | None = None


class AccountDeletionPlan(Reply, frozen=True, kw_only=True):
    """What deleting the account would do to each of the person's companies."""

    companies: list[CompanyFate]


class AccountDeletionRequest(Request, frozen=True, kw_only=True):
    """Deletes the account; ``confirmation`` is its address, typed by hand."""

    confirmation: Annotated[str, msgspec.Meta(min_length=1, max_length=254, pattern=LINE, examples=["ada@example.com"])]
    password: Password


class AccountDeleted(Reply, frozen=True, kw_only=True):
    """What was deleted and what became of each company; nobody can ask for it again."""

    user_id: UUID
    deleted_at: datetime
    companies: list[CompanyFate]
