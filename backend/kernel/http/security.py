"""What holds for every request whatever its route: hosts, origins, body size, and the headers of every answer."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send

from backend.kernel.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    ProblemError,
    ValidationFailed,
    WrongHost,
)
from backend.kernel.http.problems import send_problem
from backend.kernel.http.traits import DEFAULT_MAX_BODY, traits_of
from backend.settings import Settings
from module_sdk.api.problems import FieldError

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-site"),
    (b"vary", b"Origin"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_NO_STORE: Final = (b"cache-control", b"no-store")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, idempotency-key, last-event-id, x-request-id, x-tenant-id",
    ),
    (b"access-control-max-age", b"600"),
)
_EXPOSED: Final = (
    b"access-control-expose-headers",
    b"idempotency-replayed, ratelimit, ratelimit-policy, retry-after, x-request-id",
)


def hosts_of(settings: Settings) -> frozenset[str] | None:
    """The names this server answers to on a developer's machine, where a page elsewhere could rebind its own to ours.

    ``None`` accepts any: hosted, names belong to the proxy in front, and nothing here is derived from them.
    """
    if not settings.is_local or settings.api_host not in _LOOPBACK:
        return None
    return _LOOPBACK | {urlsplit(settings.api_url).hostname or "localhost"}


class Guard:
    """ASGI layer inside :class:`~backend.kernel.observe.requests.Observe` and around routing.

    Args:
        app: What to guard.
        origins: Origins whose pages may call with credentials.
        hosts: Accepted host names without port, ``None`` for any.
        https: Whether answers promise HTTPS for the future (HSTS).
    """

    def __init__(self, app: ASGIApp, *, origins: Iterable[str], hosts: frozenset[str] | None, https: bool) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._hosts = None if hosts is None else frozenset(host.encode() for host in hosts)
        self._headers = [*_HEADERS, _HSTS] if https else list(_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        origin = host = fetch_site = None
        has_cookie = False
        for name, value in scope["headers"]:
            if name == b"origin":
                origin = value
            elif name == b"host":
                host = value
            elif name == b"cookie":
                has_cookie = True
            elif name == b"sec-fetch-site":
                fetch_site = value
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._websocket(scope, receive, send, origin)
            return
        guarded = self._guarded(send, origin)
        if scope["method"] == "OPTIONS" and origin is not None and _asks_for_method(scope):
            await self._preflight(guarded, allowed=origin in self._origins)
            return
        problem = self._refusal(scope, host)
        if problem is None and has_cookie and scope["method"] in _UNSAFE and self._is_foreign(origin, fetch_site):
            problem = Forbidden("This origin may not use the session cookie")
        if problem is not None:
            await send_problem(scope, guarded, problem)
            return
        await self._app(scope, _limited(scope, receive), guarded)

    def _refusal(self, scope: Scope, host: bytes | None) -> ProblemError | None:
        if self._hosts is not None and host is not None and _host_name(host) not in self._hosts:
            return WrongHost()
        if "\x00" in scope["path"]:
            return NotFound()
        if b"%00" in scope["query_string"] or b"\x00" in scope["query_string"]:
            return ValidationFailed(errors=[FieldError(path="query", message="Must not contain NUL characters")])
        return None

    def _is_foreign(self, origin: bytes | None, fetch_site: bytes | None) -> bool:
        """Whether a browser says that a page of somebody else sends this; other programs say nothing and may."""
        if origin is not None:
            return origin not in self._origins
        return fetch_site is not None and fetch_site not in {b"same-origin", b"same-site", b"none"}

    def _guarded(self, send: Send, origin: bytes | None) -> Send:
        extra = self._headers
        if origin is not None and origin in self._origins:
            extra = [
                *extra,
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-credentials", b"true"),
                _EXPOSED,
            ]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *extra]
                for name, _ in message["headers"]:
                    if name == b"cache-control":
                        break
                else:
                    headers.append(_NO_STORE)
                message["headers"] = headers
            await send(message)

        return guarded

    @staticmethod
    async def _preflight(send: Send, *, allowed: bool) -> None:
        headers = list(_PREFLIGHT) if allowed else []
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, origin: bytes | None) -> None:
        if origin is not None and origin not in self._origins:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "origin"})
            return
        await self._app(scope, receive, send)


def _asks_for_method(scope: Scope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


def _host_name(host: bytes) -> bytes:
    """Without its port; an IPv6 address keeps its brackets."""
    end = host.find(b"]")
    return host[: end + 1] if end >= 0 else host.partition(b":")[0].lower()


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Counts what is really received, so that neither a chunked body nor a false ``Content-Length`` gets past."""
    received = 0
    complete = False

    async def limited() -> HTTPReceiveMessage:
        nonlocal received, complete
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > _max_body(scope):
                raise PayloadTooLarge(extra={"max_bytes": _max_body(scope)}, headers={"Connection": "close"})
        elif not complete:
            raise BadRequest("The connection ended before the body did")
        return message  # type: ignore[return-value]  # the scope is HTTP, so the message is too

    return limited


def _max_body(scope: Scope) -> int:
    handler: Any = scope.get("route_handler")  # absent before routing, whatever the type says
    return DEFAULT_MAX_BODY if handler is None else traits_of(handler).max_body
