"""Which limits a request counts against, and the middleware that asks.

Every route counts against its address, and against the user and the tenant once they are known. A domain declares
policies of its own, whose limits are added to the operations that name them.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Self
from uuid import UUID

from cachetools import TTLCache
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from backend.kernel.auth.authentication import Principal, revocation_key
from backend.kernel.errors import RateLimited, SessionExpired, Unauthenticated
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.traits import traits_of
from backend.kernel.limits.limiter import (
    Hit,
    Limit,
    Plan,
    RateLimiter,
    Verdict,
    refusal_extra,
    state_header,
)
from backend.kernel.observe.metrics import RATE_LIMITED

_MEMBER_SECONDS: Final = 30.0
_MEMBERS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits by what they are counted for; ``None`` does not limit."""

    name: str
    address: Limit | None = None
    user: Limit | None = None

    def times(self, wide: int) -> Self:
        """The same with the limit of an address that many times as wide."""
        return replace(self, address=self.address and self.address._replace(quota=self.address.quota * wide))


@dataclass(frozen=True, slots=True)
class Policies:
    """Every limit of the API. ``named`` are the domains', by name."""

    address: Limit
    user: Limit
    tenant: Limit
    failures: Limit
    lookups: Limit
    named: Mapping[str, Policy]


def default_policies(declared: Iterable[Policy] = (), *, local: bool) -> Policies:
    """The product's limits and those declared. Locally everybody comes from one address, whose are wider therefore."""
    wide = 20 if local else 1
    named = {policy.name: policy.times(wide) for policy in declared}
    return Policies(
        address=Limit("address", 1200 * wide, 60),
        user=Limit("user", 600, 60),
        tenant=Limit("tenant", 3000, 60),
        failures=Limit("failures", 60 * wide, 60),
        lookups=Limit("lookups", 60 * wide, 60),
        named=named,
    )


class RateLimits:
    """Litestar middleware, inside :class:`~backend.kernel.auth.authentication.Authentication`.

    Raises ``RateLimited``, or ``SessionExpired`` for a session that was revoked, which the same round trip tells. A
    tenant is charged for its members only: those whom a handler admitted within the last 30 seconds here, anyone else
    by :func:`charge_tenant` once the handler admits them. A stranger cannot use up a tenant's requests.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        policies: Policies,
        addresses: ClientAddress,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limiter = limiter
        self._policies = policies
        self._addresses = addresses
        self._members: TTLCache[tuple[UUID, UUID], None] = TTLCache(_MEMBERS, _MEMBER_SECONDS, now)
        self._plans: dict[tuple[str, bool, bool], tuple[Plan, tuple[str, ...]]] = {}

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap ``app``."""

        async def rate_limits(scope: Scope, receive: Receive, send: Send) -> None:
            traits = traits_of(scope["route_handler"])
            if not traits.limited or scope.get("method") == "OPTIONS":
                await app(scope, receive, send)
                return
            principal = scope.get("user")
            plan, subjects = self._plan(scope, principal, traits.rate)
            revoked = None
            if isinstance(principal, Principal) and principal.session_id is not None:
                revoked = revocation_key(principal.session_id)
            verdict = await self._limiter.hit_plan(plan, subjects, revoked)
            if verdict.revoked:
                raise SessionExpired
            headers = [(b"ratelimit-policy", plan.policy), (b"ratelimit", state_header(verdict).encode())]
            if not verdict.allowed:
                raise refusal(verdict, {key.decode(): value.decode() for key, value in headers})
            scope["state"]["rate_limits"] = self
            await app(scope, receive, _with_headers(send, headers) if scope["type"] == ScopeType.HTTP else send)

        return rate_limits

    def _plan(self, scope: Scope, principal: Any, name: str) -> tuple[Plan, list[str]]:
        """What this request counts against, and the subject of each limit."""
        address = self._addresses.of(scope)
        user = tenant = None
        if isinstance(principal, Principal):
            user = principal.user_id.hex
            tenant_id = _named_tenant(scope)
            if tenant_id is not None and (principal.user_id, tenant_id) in self._members:
                scope["state"]["charged_tenant"] = tenant_id
                tenant = tenant_id.hex
        shape = (name, user is not None, tenant is not None)
        planned = self._plans.get(shape)
        if planned is None:
            planned = self._plans[shape] = self._prepare(*shape)
        plan, kinds = planned
        subjects = {"address": address, "user": user or "", "tenant": tenant or ""}
        return plan, [subjects[kind] for kind in kinds]

    def _prepare(self, name: str, user: bool, tenant: bool) -> tuple[Plan, tuple[str, ...]]:
        policies = self._policies
        extra = policies.named[name] if name else Policy("")
        wanted = (
            ("address", policies.address),
            ("address", extra.address),
            ("user", policies.user if user else None),
            ("user", extra.user if user else None),
            ("tenant", policies.tenant if tenant else None),
        )
        used = [(kind, limit) for kind, limit in wanted if limit is not None]
        return Plan([limit for _, limit in used]), tuple(kind for kind, _ in used)

    async def admit(self, scope: Scope, user_id: UUID, tenant_id: UUID) -> None:
        """See :func:`charge_tenant`."""
        if scope["state"].get("charged_tenant") == tenant_id:
            return
        scope["state"]["charged_tenant"] = tenant_id
        self._members[user_id, tenant_id] = None
        verdict = await self._limiter.hit([Hit(self._policies.tenant, tenant_id.hex)])
        if not verdict.allowed:
            raise refusal(verdict)


async def charge_tenant(scope: Scope, user_id: UUID, tenant_id: UUID) -> None:
    """Count this request for the tenant; to be called once the user's membership was read. Raises ``RateLimited``.

    Costs nothing if the middleware has counted it already, and does nothing outside of it.
    """
    limits = scope["state"].get("rate_limits")
    if limits is not None:
        await limits.admit(scope, user_id, tenant_id)


def refusal(verdict: Verdict, headers: Mapping[str, str] | None = None) -> RateLimited:
    """The problem of a refused request, counted in the metrics."""
    RATE_LIMITED.labels(verdict.limit.name).inc()
    wait = {"Retry-After": str(verdict.reset_seconds)}
    return RateLimited(extra=refusal_extra(verdict), headers={**(headers or {}), **wait})


def _named_tenant(scope: Scope) -> UUID | None:
    """The tenant that the path or ``X-Tenant-Id`` names, whether or not it exists."""
    from_path: Any = scope["path_params"].get("tenant_id")
    if isinstance(from_path, UUID):
        return from_path
    for name, value in scope["headers"]:
        if name == b"x-tenant-id":
            return _uuid(value)
    return None


@lru_cache(maxsize=4096)
def _uuid(raw: bytes) -> UUID | None:
    try:
        return UUID(raw.decode("latin-1"))
    except ValueError:
        return None


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return with_headers


class TokenLookups:
    """Counts, before the database is asked, the tokens of an address that only the database knows to be bad.

    ``is_free`` tells of a token whether this process knows it, or knows enough to refuse it.
    """

    def __init__(
        self, limiter: RateLimiter, policies: Policies, addresses: ClientAddress, is_free: Callable[[str], bool]
    ) -> None:
        self._limiter = limiter
        self._limit = policies.lookups
        self._addresses = addresses
        self._is_free = is_free

    async def __call__(self, scope: Scope, token: str) -> None:
        """See :data:`~backend.kernel.auth.authentication.Bound`."""
        if self._is_free(token):
            return
        verdict = await self._limiter.hit([Hit(self._limit, self._addresses.of(scope))])
        if not verdict.allowed:
            raise refusal(verdict)


class FailedAuthentications:
    """Litestar middleware, outside of authentication: an address that keeps presenting bad tokens is refused."""

    def __init__(self, limiter: RateLimiter, policies: Policies, addresses: ClientAddress) -> None:
        self._limiter = limiter
        self._limit = policies.failures
        self._addresses = addresses

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap ``app``."""

        async def failed_authentications(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except Unauthenticated:
                verdict = await self._limiter.hit([Hit(self._limit, self._addresses.of(scope))])
                if not verdict.allowed:
                    raise refusal(verdict) from None
                raise

        return failed_authentications
