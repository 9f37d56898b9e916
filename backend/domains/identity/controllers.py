"""HTTP operations of identity."""

from typing import Annotated

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import CookieParameter, JSONBody

from backend.domains.identity.account_service import AddressService
from backend.domains.identity.cookies import NAME, Origins, SessionCookies
from backend.domains.identity.local import TOKEN_SECONDS
from backend.domains.identity.ports import AUTH
from backend.domains.identity.service import LocalAccounts, OpenSession, People
from backend.kernel.auth.permissions import requires_person
from backend.kernel.errors import EmailTaken, Forbidden, SessionExpired, Unauthenticated, WrongCredentials
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.operation import PUBLIC, operation
from backend.kernel.http.requests import PublicRequest, SignedInRequest
from module_sdk.api.identity import AccessToken, Me, SignedIn, SignIn, SignUp, User

SessionCookie = Annotated[str | None, CookieParameter(name=NAME, description="The session, as sign-in set it")]


class AuthController(Controller):
    """Local accounts. Not mounted where Clerk signs people in."""

    path = "/auth"
    tags = ("auth",)

    @operation(
        "POST",
        "/sign-up",
        operation_id="sign_up",
        gate=PUBLIC,
        rate=AUTH,
        errors=(EmailTaken, Forbidden),
        summary="Open a local account and its first session",
    )
    async def sign_up(
        self,
        data: JSONBody[SignUp],
        request: PublicRequest,
        accounts: NamedDependency[LocalAccounts],
        session_cookies: NamedDependency[SessionCookies],
        origins: NamedDependency[Origins],
        client_address: NamedDependency[ClientAddress],
        addresses: NamedDependency[AddressService],
    ) -> Response[SignedIn]:
        """Answers 409 `email_taken` for an address that has an account.

        The session comes as an HttpOnly cookie beside the access token.
        """
        user, opened = await accounts.sign_up(data, client_address.of(request.scope), _user_agent(request))
        addresses.greet(user)
        return await _signed_in(201, user, opened, request, accounts, session_cookies, origins)

    @operation(
        "POST",
        "/sign-in",
        operation_id="sign_in",
        gate=PUBLIC,
        status=200,
        rate=AUTH,
        errors=(WrongCredentials, Forbidden),
        summary="Open a session of a local account",
    )
    async def sign_in(
        self,
        data: JSONBody[SignIn],
        request: PublicRequest,
        accounts: NamedDependency[LocalAccounts],
        session_cookies: NamedDependency[SessionCookies],
        origins: NamedDependency[Origins],
        client_address: NamedDependency[ClientAddress],
    ) -> Response[SignedIn]:
        """An unknown address and a wrong password get the same answer, 401 `wrong_credentials`."""
        user, opened = await accounts.sign_in(data, client_address.of(request.scope), _user_agent(request))
        return await _signed_in(200, user, opened, request, accounts, session_cookies, origins)

    @operation(
        "POST",
        "/token",
        operation_id="renew_token",
        gate=PUBLIC,
        status=200,
        errors=(Unauthenticated, SessionExpired, Forbidden),
        summary="A fresh access token from the session cookie",
    )
    async def token(
        self,
        request: PublicRequest,
        accounts: NamedDependency[LocalAccounts],
        session_cookies: NamedDependency[SessionCookies],
        origins: NamedDependency[Origins],
        client_address: NamedDependency[ClientAddress],
        session_cookie: SessionCookie = None,
    ) -> Response[AccessToken]:
        """Access tokens live for 60 seconds; a session in use lives on, one unused for 30 days ends."""
        if not session_cookie:
            raise Unauthenticated
        opened = await accounts.renew(session_cookie, client_address.of(request.scope))
        token = await accounts.access_token(opened, origins.party(request))
        return Response(
            AccessToken(access_token=token, expires_in=TOKEN_SECONDS),
            cookies=[session_cookies.carrying(opened.cookie)] if opened.cookie else None,
        )

    @operation(
        "POST",
        "/sign-out",
        operation_id="sign_out",
        gate=PUBLIC,
        status=204,
        errors=(Forbidden,),
        summary="End the session",
    )
    async def sign_out(
        self,
        accounts: NamedDependency[LocalAccounts],
        session_cookies: NamedDependency[SessionCookies],
        session_cookie: SessionCookie = None,
    ) -> Response[None]:
        """The session's access tokens are refused from now on. Ending a session that has ended is no error."""
        if session_cookie:
            await accounts.sign_out(session_cookie)
        return Response(None, cookies=[session_cookies.removed()])


class MeController(Controller):
    """The signed-in person."""

    path = "/me"
    tags = ("me",)

    @operation(
        "GET",
        "/",
        operation_id="me",
        gate=requires_person(api_keys=True),
        summary="The signed-in person and their companies",
    )
    async def me(self, request: SignedInRequest, people: NamedDependency[People]) -> Me:
        """Every membership with roles and permissions, oldest first. An API key sees its company alone."""
        return await people.me(request.user)


def _user_agent(request: PublicRequest) -> str:
    return request.headers.get("user-agent", "")


async def _signed_in(
    status: int,
    user: User,
    opened: OpenSession,
    request: PublicRequest,
    accounts: LocalAccounts,
    session_cookies: SessionCookies,
    origins: Origins,
) -> Response[SignedIn]:
    token = await accounts.access_token(opened, origins.party(request))
    assert opened.cookie is not None
    return Response(
        SignedIn(access_token=token, expires_in=TOKEN_SECONDS, user=user),
        status_code=status,
        cookies=[session_cookies.carrying(opened.cookie)],
    )
