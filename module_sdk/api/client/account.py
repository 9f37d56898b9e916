"""The part of the API outside any tenant: sessions, the signed-in person, and the companies they belong to."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec

from module_sdk.api.access import InvitationPreview, InvitationToken
from module_sdk.api.base import Page
from module_sdk.api.client.cookies import SessionCookie, session_cookie
from module_sdk.api.client.errors import UnexpectedReplyError
from module_sdk.api.client.me import AccountClient
from module_sdk.api.client.sessions import Renewal, Session
from module_sdk.api.client.stream import Patience
from module_sdk.api.client.tenant import TenantClient
from module_sdk.api.client.transport import Call, TokenProvider, Transport, decode, default_http, idempotency, route
from module_sdk.api.identity import AccessToken, Me, Membership, SignedIn, SignIn, SignUp
from module_sdk.api.tenants import ErasureReceipt, Tenant, TenantCreate


class ApiClient:
    """The API at ``base_url`` as seen by one caller.

    ``token`` is an access token or an asynchronous function that gives the current one. With ``http`` the connections
    are the caller's, which also closes them; without it they are the client's: use it as a context manager, or call
    :meth:`aclose`. ``reconnect_attempts`` and ``reconnect_delay`` (seconds, doubled each time up to 10) are the
    patience with lost chat streams. Clients derived by ``with_…`` and :meth:`for_tenant` share the connections.
    """

    def __init__(
        self,
        base_url: str,
        *,
        http: httpx.AsyncClient | None = None,
        token: str | TokenProvider | None = None,
        headers: Mapping[str, str] | None = None,
        reconnect_attempts: int = 8,
        reconnect_delay: float = 0.25,
    ) -> None:
        parts = urlsplit(base_url)
        # `port` raises ValueError for one that is no number.
        addressable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if not addressable or parts.query or parts.fragment:
            raise ValueError("base_url must be http(s)://host[:port][/prefix]")
        self._owned: httpx.AsyncClient | None = None
        if http is None:
            http = self._owned = default_http()
        self._patience = Patience(attempts=reconnect_attempts, delay=reconnect_delay)
        self._transport = Transport(
            http=http, base_url=base_url.rstrip("/"), token=_provider(token), headers=_checked(headers or {})
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections that this client made itself."""
        if self._owned is not None:
            await self._owned.aclose()

    def with_token(self, token: str | TokenProvider | None) -> Self:
        """The same API as another caller."""
        return self._derived(replace(self._transport, token=_provider(token)))

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """The same client sending ``headers`` besides, such as ``X-Forwarded-For`` on behalf of a browser."""
        return self._derived(replace(self._transport, headers={**self._transport.headers, **_checked(headers)}))

    def for_tenant(self, tenant_id: UUID) -> TenantClient:
        """The operations within one tenant."""
        return TenantClient(replace(self._transport, tenant_id=tenant_id), self._patience)

    async def sign_up(self, body: SignUp) -> Session:
        """Makes a local account and opens its first session."""
        return await self._open_session("sign-up", body)

    async def sign_in(self, body: SignIn) -> Session:
        """Opens a session of a local account."""
        return await self._open_session("sign-in", body)

    async def refresh(self, cookie: str) -> Renewal:
        """A fresh access token.

        ``cookie`` is the value of a ``Cookie`` header: ``SessionCookie.pair``, or what the browser sent.
        """
        response = await self._transport.exchange(self._with_cookie("token", cookie))
        return Renewal(
            token=decode(AccessToken, response), cookie=session_cookie(response.headers.get_list("Set-Cookie"))
        )

    async def sign_out(self, cookie: str) -> SessionCookie | None:
        """Ends the session on the server; what comes back tells the browser to drop its cookie."""
        response = await self._transport.exchange(self._with_cookie("sign-out", cookie))
        return session_cookie(response.headers.get_list("Set-Cookie"))

    @property
    def account(self) -> AccountClient:
        """The operations on the person's own account."""
        return AccountClient(self._transport)

    async def me(self) -> Me:
        """The signed-in person with every membership."""
        return await self._transport.fetch(Me, Call(method="GET", path="/me"))

    async def tenants(self, *, cursor: str | None = None, limit: int | None = None) -> Page[Tenant]:
        """The companies the person belongs to."""
        query = {"cursor": cursor, "limit": limit}
        return await self._transport.fetch(Page[Tenant], Call(method="GET", path="/tenants", query=query))

    async def create_tenant(self, body: TenantCreate, *, idempotency_key: str | None = None) -> Tenant:
        """Makes a company, owned by the person."""
        return await self._transport.fetch(
            Tenant, Call(method="POST", path="/tenants", body=body, headers=idempotency(idempotency_key))
        )

    async def look_up_invitation(self, body: InvitationToken) -> InvitationPreview:
        """What an invitation's link leads to; needs no signing in."""
        call = Call(method="POST", path="/invitations/lookup", body=body, authenticated=False)
        return await self._transport.fetch(InvitationPreview, call)

    async def accept_invitation(self, body: InvitationToken) -> Membership:
        """Joins the company of an invitation."""
        return await self._transport.fetch(Membership, Call(method="POST", path="/invitations/accept", body=body))

    async def erasure_receipts(self, *, cursor: str | None = None, limit: int | None = None) -> Page[ErasureReceipt]:
        """Receipts of companies that were erased because the person asked for it, newest first."""
        query = {"cursor": cursor, "limit": limit}
        return await self._transport.fetch(
            Page[ErasureReceipt], Call(method="GET", path="/erasure-receipts", query=query)
        )

    async def _open_session(self, operation: str, body: msgspec.Struct) -> Session:
        call = Call(method="POST", path=route("auth", operation), body=body, authenticated=False)
        response = await self._transport.exchange(call)
        signed_in = decode(SignedIn, response)
        cookie = session_cookie(response.headers.get_list("Set-Cookie"))
        if cookie is None:
            raise UnexpectedReplyError("the session came without its cookie")
        return Session(signed_in=signed_in, cookie=cookie)

    def _with_cookie(self, operation: str, cookie: str) -> Call:
        headers = _checked({"Cookie": cookie})
        return Call(method="POST", path=route("auth", operation), headers=headers, authenticated=False)

    def _derived(self, transport: Transport) -> Self:
        derived = copy(self)
        derived._owned = None
        derived._transport = transport
        return derived


def _provider(token: str | TokenProvider | None) -> TokenProvider | None:
    if not isinstance(token, str):
        return token
    fixed = _checked({"Authorization": token})["Authorization"]

    async def provide() -> str:
        return fixed

    return provide


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    """Refuses what could not stand in a header, naming the header but never its value."""
    for name, value in headers.items():
        if not (name.isascii() and value.isascii() and value.isprintable()):
            raise ValueError(f"the value of {name!r} cannot stand in an HTTP header")
    return dict(headers)
