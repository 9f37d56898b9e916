"""The outermost layer: request id, log context, metrics, and one access line a request; nothing escapes it."""

import time
from typing import Any, Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from backend.kernel.errors import Internal
from backend.kernel.http.problems import send_problem
from backend.kernel.http.request_id import HEADER, request_id_from
from backend.kernel.observe.logging import AccessLog
from backend.kernel.observe.metrics import IN_FLIGHT, LATENCY, REQUESTS

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET_ROUTES: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
UNMATCHED: Final = "(unmatched)"
CLIENT_GONE: Final = 499
"""Status in logs and metrics of a request that ended before its answer began."""


class Observe:
    """ASGI layer around the whole application, routing included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._in_flight = 0
        IN_FLIGHT.set_function(lambda: self._in_flight)
        self._access_log: AccessLog | None = None
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._latencies: dict[tuple[str, str], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        inbound = None
        for name, value in scope["headers"]:
            if name == HEADER:
                inbound = value
                break
        request_id = request_id_from(inbound)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if scope["type"] == ScopeType.HTTP:
            await self._http(scope, receive, send, request_id)
        else:
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = time.perf_counter()
        status, first = CLIENT_GONE, began
        id_header = (HEADER, request_id.encode())

        async def observed(message: Message) -> None:
            nonlocal status, first
            if message["type"] == "http.response.start":
                status, first = message["status"], time.perf_counter()
                message["headers"] = [*message["headers"], id_header]
            await send(message)

        self._in_flight += 1
        try:
            await self._app(scope, receive, observed)
        except Exception as error:
            structlog.get_logger("ocsuite.errors").error("request_broken", exc_info=error)
            if status == CLIENT_GONE:
                await send_problem(scope, observed, Internal())
        finally:
            self._in_flight -= 1
            self._record(scope, status, first - began, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, until_start: float, whole: float) -> None:
        method = str(scope.get("method"))
        route = str(scope.get("path_template") or UNMATCHED)
        label = method if method in _METHODS else "other"
        counter = self._counters.get((label, route, status))
        if counter is None:
            counter = self._counters[label, route, status] = REQUESTS.labels(label, route, str(status))
        counter.inc()
        if status != CLIENT_GONE:
            latency = self._latencies.get((label, route))
            if latency is None:
                latency = self._latencies[label, route] = LATENCY.labels(label, route)
            latency.observe(until_start)
        if route in _QUIET_ROUTES and status < 400:
            return
        milliseconds = int(whole * 100_000) / 100
        fields: dict[str, Any] = {"method": label, "route": route, "status": status, "duration_ms": milliseconds}
        if code := scope["state"].get("problem_code"):
            fields["code"] = code
        self._log().write("request", fields)

    def _log(self) -> AccessLog:
        """Made at the first request, when logging is configured for certain."""
        if self._access_log is None:
            self._access_log = AccessLog()
        return self._access_log

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            structlog.get_logger("ocsuite.errors").error("websocket_broken", exc_info=error)
        finally:
            route = str(scope.get("path_template") or UNMATCHED)
            milliseconds = int((time.perf_counter() - began) * 100_000) / 100
            self._log().write("websocket", {"route": route, "duration_ms": milliseconds})
