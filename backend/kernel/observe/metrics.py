"""Prometheus metrics of this process. No label ever names a tenant, a person or a path with ids in it."""

import hmac
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from backend.kernel.errors import Unauthenticated
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.traits import OPERATIONAL

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

REQUESTS: Final = Counter(
    "ocsuite_http_requests", "Requests answered", ("method", "route", "status"), registry=REGISTRY
)
LATENCY: Final = Histogram(
    "ocsuite_http_response_start_seconds",
    "Time until a response began",
    ("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=REGISTRY,
)
IN_FLIGHT: Final = Gauge("ocsuite_http_requests_in_flight", "Requests being answered", registry=REGISTRY)
RATE_LIMITED: Final = Counter(
    "ocsuite_rate_limited", "Requests refused by a rate limit", ("policy",), registry=REGISTRY
)
RATE_LIMIT_DEGRADED: Final = Gauge(
    "ocsuite_rate_limit_degraded", "1 while limits hold per process because Redis is away", registry=REGISTRY
)
STREAMS_OPEN: Final = Gauge("ocsuite_streams_open", "Event streams being sent", registry=REGISTRY)
GENERATIONS: Final = Counter(
    "ocsuite_generations", "Answers by how they ended", ("provider", "outcome"), registry=REGISTRY
)
_DB_CONNECTIONS: Final = Gauge(
    "ocsuite_db_connections", "Database connections of the pool", ("state",), registry=REGISTRY
)


def watch_pool(engine: AsyncEngine) -> None:
    """Report the pool's connections, used and idle, whenever metrics are read."""
    pool = engine.pool
    if isinstance(pool, QueuePool):
        _DB_CONNECTIONS.labels("used").set_function(pool.checkedout)
        _DB_CONNECTIONS.labels("idle").set_function(pool.checkedin)


def metrics_route(addresses: ClientAddress, token: str, *, public: bool) -> HTTPRouteHandler:
    """``GET /metrics`` for loopback, for machines of ours, for whoever has ``token``, and for all if ``public``."""

    @get(
        "/metrics",
        sync_to_thread=False,
        include_in_schema=False,
        opt=OPERATIONAL.opt,
    )
    def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Metrics in Prometheus' text format."""
        given = request.headers.get("authorization", "")
        by_token = bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
        if not (public or by_token or addresses.is_ours(request.scope)):
            raise Unauthenticated
        return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return metrics
