"""Which limits a request counts against, and the middleware that asks.

Every route counts against its address, and against the user and the tenant once they are known. A route may say
otherwise with ``opt={"rate_limit": …}``: ``None`` exempts it, the name of a policy adds that policy's limits.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from backend.kernel.auth import Principal, revocation_key
from backend.kernel.client_address import ClientAddress
from backend.kernel.errors import RateLimited, SessionExpired, Unauthenticated
from backend.kernel.metrics import RATE_LIMITED
from backend.kernel.ratelimit import (
    Check,
    Limit,
    RateLimiter,
    Verdict,
    policy_header,
    refusal_extra,
    state_header,
)

OPT: Final = "rate_limit"
_MEMBER_SECONDS: Final = 30.0
_MEMBERS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits by what they are counted for; ``None`` does not limit."""

    address: Limit | None = None
    user: Limit | None = None


@dataclass(frozen=True, slots=True)
class Policies:
    """Every limit of the API. ``named`` are added by routes that ask for them."""

    address: Limit
    user: Limit
    tenant: Limit
    failures: Limit
    named: Mapping[str, Policy]


def default_policies(*, local: bool) -> Policies:
    """The product's limits. Locally everybody comes from one address, whose limits are wider therefore."""
    wide = 20 if local else 1
    return Policies(
        address=Limit("address", 1200 * wide, 60),
        user=Limit("user", 600, 60),
        tenant=Limit("tenant", 3000, 60),
        failures=Limit("failures", 60 * wide, 60),
        named={
            "auth": Policy(address=Limit("auth", 30 * wide, 60)),
            "chat": Policy(user=Limit("chat", 60, 60)),
        },
    )


class RateLimits:
    """Litestar middleware, inside :class:`~backend.kernel.auth.Authentication`.

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
        self._now = now
        self._members: OrderedDict[tuple[UUID, UUID], float] = OrderedDict()
        self._headers: dict[tuple[Limit, ...], bytes] = {}

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap ``app``."""

        async def rate_limits(scope: Scope, receive: Receive, send: Send) -> None:
            opt = scope["route_handler"].opt
            name = opt.get(OPT, "")
            if name is None or scope.get("method") == "OPTIONS":
                await app(scope, receive, send)
                return
            principal = scope.get("user")
            checks = self._checks(scope, principal, name)
            revoked = None
            if isinstance(principal, Principal) and principal.session_id is not None:
                revoked = revocation_key(principal.session_id)
            verdict = await self._limiter.hit(checks, revoked)
            if verdict.revoked:
                raise SessionExpired
            headers = self._answer_headers(checks, verdict)
            if not verdict.allowed:
                raise refusal(verdict, {key.decode(): value.decode() for key, value in headers})
            scope["state"]["rate_limits"] = self
            await app(scope, receive, _with_headers(send, headers) if scope["type"] == ScopeType.HTTP else send)

        return rate_limits

    def _checks(self, scope: Scope, principal: Any, name: str) -> list[Check]:
        policies = self._policies
        address = self._addresses.of(scope)
        checks = [Check(policies.address, address)]
        extra = policies.named[name] if name else None
        if extra is not None and extra.address is not None:
            checks.append(Check(extra.address, address))
        if not isinstance(principal, Principal):
            return checks
        user = principal.user_id.hex
        checks.append(Check(policies.user, user))
        if extra is not None and extra.user is not None:
            checks.append(Check(extra.user, user))
        tenant_id = _named_tenant(scope)
        if tenant_id is not None and self._members.get((principal.user_id, tenant_id), 0.0) > self._now():
            scope["state"]["charged_tenant"] = tenant_id
            checks.append(Check(policies.tenant, tenant_id.hex))
        return checks

    def _answer_headers(self, checks: list[Check], verdict: Verdict) -> list[tuple[bytes, bytes]]:
        limits = tuple(check.limit for check in checks)
        policy = self._headers.get(limits)
        if policy is None:
            policy = self._headers[limits] = policy_header(limits).encode()
        return [(b"ratelimit-policy", policy), (b"ratelimit", state_header(verdict).encode())]

    async def admit(self, scope: Scope, user_id: UUID, tenant_id: UUID) -> None:
        """See :func:`charge_tenant`."""
        self._members[user_id, tenant_id] = self._now() + _MEMBER_SECONDS
        self._members.move_to_end((user_id, tenant_id))
        if len(self._members) > _MEMBERS:
            self._members.popitem(last=False)
        if scope["state"].get("charged_tenant") != tenant_id:
            scope["state"]["charged_tenant"] = tenant_id
            verdict = await self._limiter.hit([Check(self._policies.tenant, tenant_id.hex)])
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
            try:
                return UUID(value.decode("latin-1"))
            except ValueError:
                return None
    return None


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return with_headers


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
                verdict = await self._limiter.hit([Check(self._limit, self._addresses.of(scope))])
                if not verdict.allowed:
                    raise refusal(verdict) from None
                raise

        return failed_authentications
