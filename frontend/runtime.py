"""What the one web process keeps: connections to the API, access tokens, and tickets of sessions being handed over.

Nothing here is ever part of a Reflex state, so that none of it can reach a page or a state store.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import Any, Final

import httpx

from frontend.refusals import Refusals
from frontend.settings import WebSettings
from module_sdk.client import ApiClient, SessionCookie

SESSION_COOKIE: Final = "ocsuite_session"
#: Access tokens live 60 s; one that is closer to its end than this is not worth sending.
RENEW_BEFORE_SECONDS: Final = 10.0
TICKET_SECONDS: Final = 30.0
MAX_TOKENS: Final = 10_000
MAX_TICKETS: Final = 1_000
#: As long as the API accepts.
MAX_TOKEN_CHARS: Final = 8192

Clock = Callable[[], float]


def session_value(cookie_header: str) -> str | None:
    """The session cookie's value in a ``Cookie`` header, ``None`` without one."""
    return cookie_value(cookie_header, SESSION_COOKIE)


def cookie_value(cookie_header: str, name: str) -> str | None:
    """The value of the cookie called ``name`` in a ``Cookie`` header, ``None`` without one."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(cookie_header)
    except CookieError:
        return None
    morsel = jar.get(name)
    return morsel.coded_value or None if morsel else None


def fingerprint(session: str) -> str:
    """A name for a session that does not give it away."""
    return hashlib.sha256(session.encode()).hexdigest()


@dataclass(slots=True)
class _Held:
    token: str = field(default="", repr=False)
    good_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TokenCache:
    """Access tokens by the fingerprint of their session; renewed once however many ask at the same time."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()

    async def get(self, api: ApiClient, session: str) -> str:
        """A token with at least ten seconds to live. Raises what renewing it raises."""
        key = fingerprint(session)
        held = self._held.setdefault(key, _Held())
        self._held.move_to_end(key)
        while len(self._held) > MAX_TOKENS:
            self._held.popitem(last=False)
        async with held.lock:
            if held.good_until - RENEW_BEFORE_SECONDS <= self._clock():
                renewal = await api.refresh(f"{SESSION_COOKIE}={session}")
                held.token = renewal.token.access_token
                held.good_until = self._clock() + renewal.token.expires_in
            return held.token

    def drop(self, session: str) -> None:
        """Forget the session's token, as on signing out."""
        self._held.pop(fingerprint(session), None)


class ClerkTokens:
    """The latest token of Clerk's session in each tab; the browser sends a new one before the old one ends."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, str] = OrderedDict()

    def get(self, tab: str) -> str | None:
        """The tab's token."""
        return self._held.get(tab)

    def put(self, tab: str, token: str) -> None:
        """Keep ``token``, or forget the tab if it is ``""`` or too long for one."""
        if not token or len(token) > MAX_TOKEN_CHARS:
            self._held.pop(tab, None)
            return
        self._held[tab] = token
        self._held.move_to_end(tab)
        while len(self._held) > MAX_TOKENS:
            self._held.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session to put into a cookie (``cookie`` is ``None``: to take out of it), and where to go then."""

    cookie: SessionCookie | None
    next_path: str
    expires_at: float


class Tickets:
    """Hands a session from an event handler, which cannot set cookies, to a route, which can. Each works once."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._waiting: OrderedDict[str, Ticket] = OrderedDict()

    def issue(self, cookie: SessionCookie | None, next_path: str) -> str:
        """A random name for the ticket, good for thirty seconds."""
        name = secrets.token_urlsafe(32)
        self._waiting[name] = Ticket(cookie, next_path, self._clock() + TICKET_SECONDS)
        while len(self._waiting) > MAX_TICKETS:
            self._waiting.popitem(last=False)
        return name

    def redeem(self, name: str) -> Ticket | None:
        """The ticket, which is gone afterwards; ``None`` for one unknown, used or expired."""
        ticket = self._waiting.pop(name, None)
        return ticket if ticket and ticket.expires_at > self._clock() else None


class Runtime:
    """The web process: made by the app factory, closed when the server stops."""

    def __init__(self, settings: WebSettings, http: httpx.AsyncClient | None = None) -> None:
        self.settings = settings
        self.tokens = TokenCache()
        self.clerk = ClerkTokens()
        self.tickets = Tickets()
        self.refusals = Refusals()
        #: The events that load a page's content, by path; the app factory puts Reflex's own look-up here.
        self.load_events: Callable[[str], list[Any]] = lambda _path: []
        self._http = http
        self._api: ApiClient | None = None

    @property
    def http(self) -> httpx.AsyncClient:
        """The connections, made with the first use, inside the server's event loop."""
        if self._http is None:
            # Kept shorter than the five seconds after which uvicorn closes an idle connection.
            self._http = httpx.AsyncClient(limits=httpx.Limits(max_connections=200, keepalive_expiry=3.0))
        return self._http

    @property
    def api(self) -> ApiClient:
        """The API without a caller."""
        if self._api is None:
            self._api = ApiClient(self.settings.api_url, http=self.http)
        return self._api

    def session_of(self, cookie_header: str, tab: str) -> str | None:
        """What names a tab's session: its cookie, or with Clerk the tab. ``None`` if nobody is signed in."""
        if self.settings.clerk_publishable_key:
            return tab if self.clerk.get(tab) else None
        return session_value(cookie_header)

    def api_for(self, session: str, client_address: str = "") -> ApiClient:
        """The API on behalf of a session; its access token is fetched and renewed as needed."""
        api = self.api_from(client_address)

        async def token() -> str:
            if self.settings.clerk_publishable_key:
                return self.clerk.get(session) or ""
            return await self.tokens.get(api, session)

        return api.with_token(token)

    def api_from(self, client_address: str) -> ApiClient:
        """The API without a caller, for a browser at ``client_address``."""
        if self.settings.forward_client_address and client_address:
            return self.api.with_headers({"X-Forwarded-For": client_address})
        return self.api

    async def api_answers(self) -> bool:
        """Whether the API is there."""
        try:
            return (await self.http.get(f"{self.settings.api_url}/health/live", timeout=2.0)).is_success
        except httpx.TransportError:
            return False

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Close the connections when the server stops."""
        try:
            yield
        finally:
            if self._http is not None:
                await self._http.aclose()


_current: Runtime | None = None


def install(runtime: Runtime) -> None:
    """Make ``runtime`` the one that states reach; Reflex makes states itself and passes them nothing."""
    global _current  # noqa: PLW0603 - the one process-wide name, see above
    _current = runtime


def current() -> Runtime:
    """The runtime installed by the app factory."""
    if _current is None:
        raise RuntimeError("the web app has not been created")
    return _current
