"""Everything between the socket and the handlers, put together once."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from litestar import Litestar, Request, Response
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import (
    ASGIApp,
    ControllerRouterHandler,
    ExceptionHandlersMap,
    Message,
    Middleware,
    Receive,
    Scope,
    Send,
)

from backend.kernel.db.database import Database
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.health import Probe, database_check, health_routes, redis_check
from backend.kernel.http.idempotency import Idempotency
from backend.kernel.http.openapi import openapi_config
from backend.kernel.http.problems import exception_handlers
from backend.kernel.http.requests import ApiRequest
from backend.kernel.http.security import Guard, hosts_of
from backend.kernel.http.traits import traits_of
from backend.kernel.limits.limiter import RateLimiter
from backend.kernel.limits.policies import FailedAuthentications, Policies, RateLimits, TokenLookups
from backend.kernel.observe.metrics import metrics_route, watch_pool
from backend.kernel.observe.requests import Observe
from backend.settings import Settings


@dataclass(frozen=True)
class EdgeParts:
    """What ``backend.app`` hands to Litestar, and :meth:`wrap`, which it calls on the finished application.

    ``Litestar(middleware=parts.middleware(authentication), exception_handlers=parts.exception_handlers,
    request_class=parts.request_class, before_request=parts.before_request, openapi_config=parts.openapi_config,
    on_startup=[parts.start], on_shutdown=[parts.stop], …)``. ``limiter`` is for limits that a service counts by
    itself, such as sign-ins.
    """

    limiter: RateLimiter
    redis: RedisBatcher
    policies: Policies
    route_handlers: list[ControllerRouterHandler]
    exception_handlers: ExceptionHandlersMap
    openapi_config: OpenAPIConfig
    request_class: type[ApiRequest]
    before_request: Callable[[Request[Any, Any, Any]], Awaitable[Response[bytes] | None]]
    _addresses: ClientAddress
    _outside: list[Middleware]
    _inside: list[Middleware]
    _layers: list[Callable[[ASGIApp], ASGIApp]]
    _closers: list[Callable[[], Any]]

    def lookups(self, is_free: Callable[[str], bool]) -> TokenLookups:
        """What bounds the work that tokens of strangers cause; for ``Authentication``."""
        return TokenLookups(self.limiter, self.policies, self._addresses, is_free)

    def middleware(self, *authentication: Middleware) -> list[Middleware]:
        """The whole list in order, outermost first, with authentication in its place."""
        return [*self._outside, *authentication, *self._inside]

    def wrap(self, app: Litestar) -> Litestar:
        """Put the layers that also see what no route answers around ``app``'s routing; returns ``app`` itself.

        Raises ``ValueError`` for an operation whose rate policy no domain declared.
        """
        routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
        rates = {traits_of(handler).rate for route in routes for handler in route.route_handlers}
        if unknown := rates - {"", *self.policies.named}:
            raise ValueError(f"no domain declares these rate policies: {', '.join(sorted(unknown))}")
        handler = _with_true_allow(app)
        for layer in self._layers:
            handler = layer(handler)
        app.asgi_handler = handler
        return app

    async def start(self) -> None:
        """Connect to Redis; its absence is survived and shown by readiness."""
        await self.redis.start()

    async def stop(self) -> None:
        """Close what :meth:`start` opened and send the last traces."""
        await self.redis.close()
        for close in self._closers:
            close()
        structlog.get_logger(__name__).info("edges_stopped")


def _with_true_allow(app: Litestar) -> ASGIApp:
    """``app``'s routing, whose answers to OPTIONS otherwise name the methods of a path's first handler alone."""
    handler = app.asgi_handler
    allowed = {
        route.path_format: ", ".join(sorted(route.methods)).encode()
        for route in app.routes
        if isinstance(route, HTTPRoute)
    }

    async def with_true_allow(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_true(message: Message) -> None:
            allow = allowed.get(str(scope.get("path_template")))
            if message["type"] == "http.response.start" and allow is not None:
                others = [(name, value) for name, value in message["headers"] if name != b"allow"]
                message["headers"] = [*others, (b"allow", allow)]
            await send(message)

        await handler(scope, receive, send_true if scope.get("method") == "OPTIONS" else send)

    return with_true_allow


def edges(
    settings: Settings,
    limiter: RateLimiter,
    db: Database,
    *,
    version: str,
    policies: Policies,
    tags: Iterable[tuple[str, str]] = (),
    head: str | None = None,
    checks: Mapping[str, Probe] | None = None,
) -> EdgeParts:
    """The edges of one application.

    Args:
        settings: Origins, proxies, environment, tokens.
        limiter: Over a Redis that is not yet started.
        db: For idempotency keys and readiness.
        version: Of the API document.
        policies: Rate limits.
        tags: Headings of the API document, each with a description.
        head: Migration that readiness asks for; any if absent.
        checks: Further parts of readiness by name.
    """
    addresses = ClientAddress(settings.trusted_proxies)
    redis = limiter.redis
    idempotency = Idempotency(db)
    watch_pool(db.engine)
    readiness = {"database": database_check(db.engine, head), "redis": redis_check(redis), **(checks or {})}

    def guard(app: ASGIApp) -> ASGIApp:
        return Guard(app, origins=settings.web_origins, hosts=hosts_of(settings), https=not settings.is_local)

    layers: list[Callable[[ASGIApp], ASGIApp]] = [guard, Observe]
    closers: list[Callable[[], Any]] = []
    if settings.otel_endpoint:
        from backend.kernel.observe.telemetry import Telemetry  # costs 200 ms, which only those who trace should pay

        telemetry = Telemetry(settings.otel_endpoint, environment=settings.env)
        layers.append(telemetry.wrap)
        closers.append(telemetry.close)
    return EdgeParts(
        limiter=limiter,
        redis=redis,
        policies=policies,
        route_handlers=[
            *health_routes(readiness),
            metrics_route(addresses, settings.metrics_token, public=settings.is_local),
        ],
        exception_handlers=exception_handlers(),
        openapi_config=openapi_config(policies, tags, version=version),
        request_class=ApiRequest,
        before_request=idempotency.before_request,
        _addresses=addresses,
        _outside=[FailedAuthentications(limiter, policies, addresses)],
        _inside=[RateLimits(limiter, policies, addresses), idempotency],
        _layers=layers,
        _closers=closers,
    )
