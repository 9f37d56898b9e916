"""OpenTelemetry traces, when a collector is configured."""

from collections.abc import Callable
from typing import Any

from litestar.types import ASGIApp
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter


class Telemetry:
    """Traces of requests, sent in the background to an OTLP collector over HTTP.

    Spans carry method, route, status and addresses; the headers that carry credentials are never recorded.
    """

    def __init__(self, endpoint: str, *, environment: str, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({"service.name": "ocsuite-api", "deployment.environment.name": environment})
        self._provider = TracerProvider(resource=resource)
        exporter = exporter or OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """``app`` with a span around every request, named after its method and route."""
        middleware: Callable[..., Any] = OpenTelemetryMiddleware
        wrapped: ASGIApp = middleware(
            app,
            excluded_urls="health/live,health/ready,metrics",
            tracer_provider=self._provider,
            exclude_spans=["receive", "send"],
        )
        return wrapped

    def close(self) -> None:
        """Send what is left and stop; blocks for at most the exporter's timeout."""
        self._provider.shutdown()
