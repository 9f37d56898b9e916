"""What the one web process keeps: connections to the API, access tokens, and tickets of sessions being handed over.

Nothing here is ever part of a Reflex state, so that none of it can reach a page or a state store.
"""

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import Any, Final

import httpx
import msgspec
from cachetools import LRUCache, TTLCache

from frontend.platform.logs import Oddities
from frontend.platform.refusals import Refusals
from frontend.platform.settings import WebSettings
from module_sdk.api.client import ApiClient, SessionCookie

SESSION_COOKIE: Final = "ocsuite_session"
#: With Clerk, whose session scripts can read: names a browser, so that a socket can be told from one elsewhere.
BROWSER_COOKIE: Final = "ocsuite_browser"
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


class AccessTokens:
    """Access tokens by the fingerprint of their session; renewed once however many ask at the same time."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._held: LRUCache[str, _Held] = LRUCache(MAX_TOKENS)

    async def get(self, api: ApiClient, session: str) -> str:
        """A token with at least ten seconds to live. Raises what renewing it raises."""
        key = fingerprint(session)
        held = self._held.setdefault(key, _Held())
        async with held.lock:
            if held.good_until - RENEW_BEFORE_SECONDS <= self._clock():
                renewal = await api.refresh(f"{SESSION_COOKIE}={session}")
                held.token = renewal.token.access_token
                held.good_until = self._clock() + renewal.token.expires_in
            return held.token

    def drop(self, session: str) -> None:
        """Forget the session's token, as on signing out."""
        self._held.pop(fingerprint(session), None)


class _Claims(msgspec.Struct):
    """What of a token says whose it is."""

    sub: str
    sid: str = ""


@dataclass(frozen=True, slots=True)
class ClerkSession:
    """Clerk's session in one browser; ``key`` changes with the account, and names the session elsewhere in the app."""

    key: str
    token: str = field(repr=False)


class ClerkTokens:
    """The latest token of Clerk's session in each browser, which sends a new one before the old one ends.

    What a token says of itself is believed for telling accounts apart only; that it is true is for the API to find.
    """

    def __init__(self) -> None:
        self._held: LRUCache[str, ClerkSession] = LRUCache(MAX_TOKENS)

    def get(self, browser: str) -> ClerkSession | None:
        """The browser's session."""
        return self._held.get(fingerprint(browser))

    def token(self, key: str) -> str:
        """The token of the session called ``key``, ``""`` if its browser has another one or none by now."""
        held = self._held.get(key.partition(" ")[0])
        return held.token if held is not None and held.key == key else ""

    def put(self, browser: str, token: str) -> None:
        """Keep ``token``, or forget the browser's session if it is none of Clerk's or too long for one."""
        name = fingerprint(browser)
        who = _claims(token) if len(token) <= MAX_TOKEN_CHARS else None
        if not browser or who is None:
            self._held.pop(name, None)
            return
        self._held[name] = ClerkSession(f"{name} {who.sid} {who.sub}", token)


def _claims(token: str) -> _Claims | None:
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session to put into a cookie (``cookie`` is ``None``: to take out of it), and where to go then."""

    cookie: SessionCookie | None
    next_path: str


class Tickets:
    """Hands a session from an event handler, which cannot set cookies, to a route, which can. Each works once."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._waiting: TTLCache[str, Ticket] = TTLCache(MAX_TICKETS, TICKET_SECONDS, clock)

    def issue(self, cookie: SessionCookie | None, next_path: str) -> str:
        """A random name for the ticket, good for thirty seconds."""
        name = secrets.token_urlsafe(32)
        self._waiting[name] = Ticket(cookie, next_path)
        return name

    def redeem(self, name: str) -> Ticket | None:
        """The ticket, which is gone afterwards; ``None`` for one unknown, used or expired."""
        return self._waiting.pop(name, None)


class Runtime:
    """The web process: made by the app factory, closed when the server stops."""

    def __init__(self, settings: WebSettings, http: httpx.AsyncClient | None = None) -> None:
        self.settings = settings
        self.tokens = AccessTokens()
        self.clerk = ClerkTokens()
        self.tickets = Tickets()
        self.refusals = Refusals()
        self.odd = Oddities()
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

    def session_of(self, cookie_header: str) -> str | None:
        """What names a browser's session: its cookie, or with Clerk the browser. ``None`` if nobody is signed in."""
        if self.settings.clerk_publishable_key:
            held = self.clerk.get(cookie_value(cookie_header, self.browser_cookie) or "")
            return held.key if held is not None else None
        return session_value(cookie_header)

    @property
    def browser_cookie(self) -> str:
        """The name of the cookie that names a browser; with TLS no other host can set it."""
        return BROWSER_COOKIE if self.settings.is_local else f"__Host-{BROWSER_COOKIE}"

    def api_for(self, session: str, client_address: str = "") -> ApiClient:
        """The API on behalf of a session; its access token is fetched and renewed as needed."""
        api = self.api_from(client_address)

        async def token() -> str:
            if self.settings.clerk_publishable_key:
                return self.clerk.token(session)
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
            self.odd.tell()
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
