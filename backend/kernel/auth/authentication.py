"""Who is asking: the bearer token of a request, checked before any handler that is not public."""

import hashlib
import string
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import structlog
from cachetools import TLRUCache
from litestar.types import ASGIApp, Receive, Scope, Send
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars

from backend.kernel.db.redis import RedisBatcher
from backend.kernel.db.tenancy import TenantContext, UserContext
from backend.kernel.errors import Unauthenticated
from backend.kernel.http.traits import traits_of

TOKEN_MAX_CHARS: Final = 8192

# token68 of RFC 9110; deleting its characters takes 1 µs where an expression takes 15 for a token of 640.
_TOKEN_CHARS: Final = string.ascii_letters.encode() + string.digits.encode() + b"-._~+/="
_CACHE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ApiKeyRef:
    """An API key and the one tenant that it is good for."""

    id: UUID
    tenant_id: UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """The person a request acts for. ``expires_at`` is when their access token or API key ends.

    ``organisation_id`` is the organisation active at the identity provider; it grants nothing (decision 0007).
    ``api_key`` is there if a key of theirs acts for them.
    """

    user_id: UUID
    session_id: str | None
    expires_at: datetime
    organisation_id: str | None = None
    api_key: ApiKeyRef | None = None

    @property
    def context(self) -> TenantContext | UserContext:
        """Of what is the person's own; with an API key only what its tenant sees of them."""
        if self.api_key is None:
            return UserContext(self.user_id)
        return TenantContext(self.api_key.tenant_id, self.user_id, api_key_id=self.api_key.id)


class Authenticator(Protocol):
    """Turns a bearer token into a principal."""

    async def authenticate(self, token: str) -> Principal:
        """The principal of a valid token.

        Raises ``Unauthenticated`` for a token that is malformed, forged, foreign or expired, ``Unavailable`` while the
        keys to check it cannot be had. Whether its session was revoked is asked by ``backend.kernel.limits.policies``.
        """
        ...


Bound = Callable[[Scope, str], Awaitable[None]]
"""Raises ``RateLimited`` for a token whose check would cost more than its address may; see :class:`Authentication`."""


class Revocations:
    """Sessions that ended while tokens of theirs are still good, known to every process through Redis.

    ``backend.kernel.limits`` asks about them in the round trip that counts the request. While Redis is away nothing
    is known to be revoked: tokens then live out what remains of their 60 seconds, whereas refusing everybody would
    turn the outage of a cache into one of the product.
    """

    def __init__(self, redis: RedisBatcher) -> None:
        self._redis = redis

    async def revoke(self, session_id: str, seconds: int) -> None:
        """Refuse the session's tokens for ``seconds``, their longest remaining life; Redis may be away."""
        try:
            await self._redis.set(revocation_key(session_id), b"1", ex=seconds)
        except RedisError as error:
            log = structlog.stdlib.get_logger("ocsuite.auth")
            log.warning("revocation_not_shared", error=type(error).__name__, seconds=seconds)


def revocation_key(session_id: str) -> str:
    """The Redis key that exists while a session's tokens are refused."""
    return f"ocsuite:revoked:{session_id}"


class TokenCache:
    """An authenticator that remembers the tokens that another has verified.

    A verification costs a signature and perhaps a query, so that its result is kept under the token's hash until the
    token ends, and never for more than a minute: a withdrawn signing key or a deleted person is noticed by then.
    ``now`` returns Unix seconds.
    """

    def __init__(self, verifier: Authenticator, *, now: Callable[[], float], capacity: int = 10_000) -> None:
        self._verifier = verifier

        def until(_key: bytes, principal: Principal, moment: float) -> float:
            return min(principal.expires_at.timestamp(), moment + _CACHE_SECONDS)

        self._known: TLRUCache[bytes, Principal] = TLRUCache(capacity, until, now)

    async def authenticate(self, token: str) -> Principal:
        """The principal of a valid token; see :class:`Authenticator`."""
        key = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = await self._verifier.authenticate(token)
        return known


def bearer_token(scope: Scope) -> str:
    """The token of the one ``Authorization: Bearer`` header; raises ``Unauthenticated``."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if not values:
        raise Unauthenticated
    if len(values) > 1 or len(values[0]) > TOKEN_MAX_CHARS:
        raise invalid_token()
    scheme, _, token = values[0].partition(b" ")
    token = token.strip(b" ")
    if scheme.lower() != b"bearer" or not token or token.translate(None, _TOKEN_CHARS):
        raise invalid_token()
    return token.decode("ascii")


def invalid_token(detail: str | None = None) -> Unauthenticated:
    """The refusal of a token that was presented, as RFC 6750 words it."""
    return Unauthenticated(detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class Authentication:
    """Litestar middleware that lets nobody in without a valid token, except to handlers that are public.

    Sets ``scope["user"]`` to the :class:`Principal`, ``scope["auth"]`` to ``None``, and binds ``user_id`` to the log.
    ``bound`` is asked before a token is, and may refuse whoever costs too much.
    """

    def __init__(self, authenticator: Authenticator, bound: Bound | None = None) -> None:
        self._authenticator = authenticator
        self._bound = bound

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap ``app``."""
        authenticate, bound = self._authenticator.authenticate, self._bound

        async def authentication(scope: Scope, receive: Receive, send: Send) -> None:
            if not traits_of(scope["route_handler"]).public:
                token = bearer_token(scope)
                if bound is not None:
                    await bound(scope, token)
                principal = await authenticate(token)
                scope["user"], scope["auth"] = principal, None
                bind_contextvars(user_id=str(principal.user_id))
            await app(scope, receive, send)

        return authentication
