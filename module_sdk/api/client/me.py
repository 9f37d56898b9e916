"""The person's own account."""

from collections.abc import AsyncGenerator
from uuid import UUID

from module_sdk.api.account import (
    AccountDeleted,
    AccountDeletionPlan,
    AccountDeletionRequest,
    AccountToken,
    AddressProven,
    EmailChange,
    EmailChangeStarted,
    MailPromised,
    MePatch,
    PasswordCandidate,
    PasswordChange,
    PasswordForgotten,
    PasswordReset,
    PasswordStrength,
    SessionsEnd,
    SignedInSession,
)
from module_sdk.api.base import Page
from module_sdk.api.client.transport import Call, Transport, route
from module_sdk.api.identity import User


class AccountClient:
    """Given by :attr:`ApiClient.account`. The operations on links and passwords that come first need no signing in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def forgot_password(self, body: PasswordForgotten) -> MailPromised:
        """Asks for a link by mail; the answer is the same whether or not the address has an account."""
        return await self._transport.fetch(MailPromised, self._public("password/forgot", body))

    async def reset_password(self, body: PasswordReset) -> None:
        """Uses the link: a new password, and every session ends."""
        await self._transport.exchange(self._public("password/reset", body))

    async def judge_password(self, body: PasswordCandidate) -> PasswordStrength:
        """How hard a password is to guess."""
        return await self._transport.fetch(PasswordStrength, self._public("password/strength", body))

    async def confirm_email(self, body: AccountToken) -> AddressProven:
        """Uses a link that proves an address, or makes the change to it."""
        return await self._transport.fetch(AddressProven, self._public("email/confirm", body))

    async def change(self, body: MePatch) -> User:
        """Changes the person's name."""
        return await self._transport.fetch(User, Call(method="PATCH", path="/me", body=body))

    async def change_email(self, body: EmailChange) -> EmailChangeStarted:
        """Asks for another address, which its owner has to confirm where mail is set up."""
        return await self._transport.fetch(EmailChangeStarted, Call(method="POST", path="/me/email", body=body))

    async def send_confirmation(self) -> MailPromised:
        """Sends the link that proves the present address again."""
        return await self._transport.fetch(MailPromised, Call(method="POST", path="/me/email/confirmation"))

    async def change_password(self, body: PasswordChange) -> None:
        """Changes the password; every other session ends."""
        await self._transport.exchange(Call(method="POST", path="/me/password", body=body))

    async def sessions(self) -> Page[SignedInSession]:
        """Where the person is signed in, last seen first."""
        return await self._transport.fetch(Page[SignedInSession], Call(method="GET", path="/me/sessions"))

    async def end_session(self, session_id: UUID) -> None:
        """Ends one session."""
        await self._transport.exchange(Call(method="DELETE", path=route("me", "sessions", session_id)))

    async def end_sessions(self, body: SessionsEnd) -> None:
        """Ends all others, or all."""
        await self._transport.exchange(Call(method="POST", path="/me/sessions/end", body=body))

    async def deletion_plan(self) -> AccountDeletionPlan:
        """What deleting the account would do to each company."""
        return await self._transport.fetch(AccountDeletionPlan, Call(method="GET", path="/me/deletion"))

    async def delete(self, body: AccountDeletionRequest) -> AccountDeleted:
        """Deletes the account."""
        return await self._transport.fetch(AccountDeleted, Call(method="POST", path="/me/deletion", body=body))

    def export(self) -> AsyncGenerator[bytes, None]:
        """The bytes of everything that is the person's own, as JSON, as they arrive."""
        return self._transport.download(Call(method="GET", path="/me/export"))

    def _public(self, path: str, body: PasswordForgotten | PasswordReset | PasswordCandidate | AccountToken) -> Call:
        return Call(method="POST", path=f"/auth/{path}", body=body, authenticated=False)
