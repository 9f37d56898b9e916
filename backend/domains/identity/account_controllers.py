"""HTTP operations of a person's own account, but for signing in and out.

Where Clerk signs people in only the download is there: the rest is Clerk's.
"""

from typing import Final
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from backend.domains.access.ports import LastOwner
from backend.domains.identity.account_deletion import DeletionService
from backend.domains.identity.account_errors import LinkInvalid, OwnsCompanies, WrongPassword
from backend.domains.identity.account_export import AccountExport
from backend.domains.identity.account_service import AddressService, PasswordService
from backend.domains.identity.account_sessions import Sessions
from backend.domains.identity.cookies import SessionCookies
from backend.domains.identity.passwords import PasswordWorkers
from backend.domains.identity.ports import AUTH
from backend.domains.identity.rates import JUDGING
from backend.kernel.auth.permissions import requires_person
from backend.kernel.errors import EmailTaken, Forbidden
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.operation import PUBLIC, operation
from backend.kernel.http.requests import PublicRequest, SignedInRequest
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
from module_sdk.api.identity import User

DOWNLOAD: Final = {"application/json": '{"format":"ocsuite.account/1","companies":[]}'}


class LinksController(Controller):
    """What one does without being signed in: forgetting a password, and opening links that came by mail."""

    path = "/auth"
    tags = ("auth",)

    @operation(
        "POST",
        "/password/forgot",
        operation_id="forgot_password",
        gate=PUBLIC,
        status=202,
        rate=AUTH,
        errors=(Forbidden,),
        summary="Ask for a link to choose a new password",
    )
    async def forgot(
        self,
        data: JSONBody[PasswordForgotten],
        request: PublicRequest,
        password_service: NamedDependency[PasswordService],
        client_address: NamedDependency[ClientAddress],
    ) -> MailPromised:
        """The same answer whether or not the address has an account; whether a mail leaves is decided afterwards."""
        return await password_service.forgot(data.email, client_address.of(request.scope))

    @operation(
        "POST",
        "/password/reset",
        operation_id="reset_password",
        gate=PUBLIC,
        status=204,
        rate=AUTH,
        errors=(LinkInvalid, Forbidden),
        summary="Choose a new password by a link",
    )
    async def reset(self, data: JSONBody[PasswordReset], password_service: NamedDependency[PasswordService]) -> None:
        """The link is good once and for 30 minutes. Every session of the account ends."""
        await password_service.reset(data)

    @operation(
        "POST",
        "/password/strength",
        operation_id="judge_password",
        gate=PUBLIC,
        status=200,
        rate=JUDGING,
        errors=(Forbidden,),
        summary="How hard a password is to guess",
    )
    async def strength(
        self, data: JSONBody[PasswordCandidate], passwords: NamedDependency[PasswordWorkers]
    ) -> PasswordStrength:
        """What sign-up, change and reset would say to it. Nothing of it is kept."""
        return await passwords.judge(data.password, data.hints)

    @operation(
        "POST",
        "/email/confirm",
        operation_id="confirm_email",
        gate=PUBLIC,
        status=200,
        rate=AUTH,
        errors=(LinkInvalid, EmailTaken, Forbidden),
        summary="Prove an address by a link",
    )
    async def confirm(self, data: JSONBody[AccountToken], addresses: NamedDependency[AddressService]) -> AddressProven:
        """The link of a sign-up, or that of a change, which it then makes. It is good once and for 24 hours."""
        return AddressProven(email=await addresses.confirm(data.token))


class AccountController(Controller):
    """The signed-in person's own local account. API keys may do none of it."""

    path = "/me"
    tags = ("me",)

    @operation("PATCH", "/", operation_id="change_me", gate=requires_person(), summary="Change my name")
    async def change(
        self,
        data: JSONBody[MePatch],
        request: SignedInRequest,
        addresses: NamedDependency[AddressService],
    ) -> User:
        """It is shown in every company."""
        return await addresses.rename(request.user, data.full_name)

    @operation(
        "POST",
        "/email",
        operation_id="change_my_email",
        gate=requires_person(),
        status=202,
        errors=(WrongPassword, EmailTaken),
        summary="Change my address",
    )
    async def change_email(
        self,
        data: JSONBody[EmailChange],
        request: SignedInRequest,
        addresses: NamedDependency[AddressService],
    ) -> EmailChangeStarted:
        """By a link that is sent to the new address; the present one is told. Without mail it is changed at once."""
        return await addresses.change(request.user, data)

    @operation(
        "POST",
        "/email/confirmation",
        operation_id="send_my_confirmation",
        gate=requires_person(),
        status=202,
        summary="Send the link that proves my address again",
    )
    async def send_confirmation(
        self, request: SignedInRequest, addresses: NamedDependency[AddressService]
    ) -> MailPromised:
        """The last one ends. Nothing is sent for an address that is proven."""
        return await addresses.send_again(request.user)

    @operation(
        "POST",
        "/password",
        operation_id="change_my_password",
        gate=requires_person(),
        status=204,
        errors=(WrongPassword,),
        summary="Change my password",
    )
    async def change_password(
        self,
        data: JSONBody[PasswordChange],
        request: SignedInRequest,
        password_service: NamedDependency[PasswordService],
    ) -> None:
        """Every other session ends."""
        await password_service.change(request.user, data)

    @operation(
        "GET", "/sessions", operation_id="list_my_sessions", gate=requires_person(), summary="Where I am signed in"
    )
    async def sessions(
        self, request: SignedInRequest, account_sessions: NamedDependency[Sessions]
    ) -> Page[SignedInSession]:
        """Last seen first, in one page."""
        return await account_sessions.list_mine(request.user)

    @operation(
        "DELETE",
        "/sessions/{session_id:uuid}",
        operation_id="end_my_session",
        gate=requires_person(),
        summary="End one of my sessions",
    )
    async def end_session(
        self,
        session_id: FromPath[UUID],
        request: SignedInRequest,
        account_sessions: NamedDependency[Sessions],
    ) -> None:
        """Its access tokens are refused from now on."""
        await account_sessions.end(request.user, session_id)

    @operation(
        "POST",
        "/sessions/end",
        operation_id="end_my_sessions",
        gate=requires_person(),
        status=204,
        summary="End all my other sessions, or all",
    )
    async def end_sessions(
        self,
        data: JSONBody[SessionsEnd],
        request: SignedInRequest,
        account_sessions: NamedDependency[Sessions],
    ) -> None:
        """With `all` the one that asks ends, too."""
        await account_sessions.end_all(request.user, current=data.which == "all")

    @operation(
        "GET", "/deletion", operation_id="plan_my_deletion", gate=requires_person(), summary="What deleting me would do"
    )
    async def plan(self, request: SignedInRequest, deletions: NamedDependency[DeletionService]) -> AccountDeletionPlan:
        """To each company, oldest first."""
        return await deletions.plan(request.user)

    @operation(
        "POST",
        "/deletion",
        operation_id="delete_me",
        gate=requires_person(),
        status=200,
        errors=(WrongPassword, OwnsCompanies, LastOwner),
        summary="Delete my account",
    )
    async def delete_me(
        self,
        data: JSONBody[AccountDeletionRequest],
        request: SignedInRequest,
        deletions: NamedDependency[DeletionService],
        session_cookies: NamedDependency[SessionCookies],
    ) -> Response[AccountDeleted]:
        """For good: nobody can bring it back. Companies where nobody else is are erased after their grace."""
        return Response(await deletions.delete(request.user, data), cookies=[session_cookies.removed()])


class DownloadController(Controller):
    """What is stored of the signed-in person, whoever vouches for them."""

    path = "/me/export"
    tags = ("me",)

    @operation("GET", operation_id="export_me", gate=requires_person(), download=DOWNLOAD, summary="Download my data")
    async def export(self, request: SignedInRequest, account_export: NamedDependency[AccountExport]) -> Stream:
        """Profile, sessions, memberships, and the person's own conversations in every company, as one JSON document."""
        headers = {"Content-Disposition": 'attachment; filename="account.json"', "Cache-Control": "no-store"}
        return Stream(await account_export.of(request.user), media_type="application/json", headers=headers)
