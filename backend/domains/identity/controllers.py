"""HTTP operations of identity."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import CookieParameter, JSONBody

from backend.domains.identity.account_service import AddressService
from backend.domains.identity.cookies import NAME, Origins, SessionCookies
from backend.domains.identity.local import TOKEN_SECONDS
from backend.domains.identity.service import LocalAccounts, OpenSession, People
from backend.kernel.auth.authentication import PUBLIC, Principal
from backend.kernel.auth.permissions import requires_person
from backend.kernel.errors import Unauthenticated
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.limits.policies import OPT as RATE_LIMIT
from module_sdk.api.identity import AccessToken, Me, SignedIn, SignIn, SignUp, User

SessionCookie = Annotated[str | None, CookieParameter(name=NAME, description="The session, as sign-in set it")]
ApiCall = Request[Any, Any, Any]


class AuthController(Controller):
    """Local accounts. Not mounted where Clerk signs people in."""

    path = "/auth"
    tags = ("auth",)

    @post(
        "/sign-up",
        operation_id="sign_up",
        opt={PUBLIC: True, RATE_LIMIT: "auth", "errors": ("email_taken", "forbidden")},
        summary="Open a local account and its first session",
    )
    async def sign_up(
        self,
        data: JSONBody[SignUp],
        request: ApiCall,
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

    @post(
        "/sign-in",
        status_code=200,
        operation_id="sign_in",
        opt={PUBLIC: True, RATE_LIMIT: "auth", "errors": ("wrong_credentials", "forbidden")},
        summary="Open a session of a local account",
    )
    async def sign_in(
        self,
        data: JSONBody[SignIn],
        request: ApiCall,
        accounts: NamedDependency[LocalAccounts],
        session_cookies: NamedDependency[SessionCookies],
        origins: NamedDependency[Origins],
        client_address: NamedDependency[ClientAddress],
    ) -> Response[SignedIn]:
        """An unknown address and a wrong password get the same answer, 401 `wrong_credentials`."""
        user, opened = await accounts.sign_in(data, client_address.of(request.scope), _user_agent(request))
        return await _signed_in(200, user, opened, request, accounts, session_cookies, origins)

    @post(
        "/token",
        status_code=200,
        operation_id="renew_token",
        opt={PUBLIC: True, "errors": ("unauthenticated", "session_expired", "forbidden")},
        summary="A fresh access token from the session cookie",
    )
    async def token(
        self,
        request: ApiCall,
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

    @post(
        "/sign-out",
        status_code=204,
        operation_id="sign_out",
        opt={PUBLIC: True, "errors": ("forbidden",)},
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

    @get(
        "/",
        operation_id="me",
        summary="The signed-in person and their companies",
        guards=[requires_person(api_keys=True)],
    )
    async def me(self, request: Request[Principal, None, Any], people: NamedDependency[People]) -> Me:
        """Every membership with roles and permissions, oldest first. An API key sees its company alone."""
        return await people.me(request.user)


def _user_agent(request: ApiCall) -> str:
    return request.headers.get("user-agent", "")


async def _signed_in(
    status: int,
    user: User,
    opened: OpenSession,
    request: ApiCall,
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
