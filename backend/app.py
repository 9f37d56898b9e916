"""Composition root of the HTTP API."""

from importlib.metadata import version

from litestar import Litestar
from litestar.datastructures import State

from backend.kernel.auth.authentication import Authentication
from backend.kernel.auth.permissions import GATEKEEPER
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.http.edges import edges
from backend.kernel.limits.policies import Policies
from backend.kernel.observe.logging import configure_logging
from backend.migrate import head
from backend.registry import Api, Foundation
from backend.settings import Settings


def create_app(settings: Settings, *, policies: Policies | None = None) -> Litestar:
    """The API. Connects when it starts, not when it is made. ``policies`` replace the product's rate limits."""
    configure_logging(settings.env)
    base = Foundation(settings)
    redis = RedisBatcher(settings.redis_url)
    edge = edges(settings, redis, base.db, version=version("ocsuite"), head=head(), policies=policies)
    api = Api(base, redis, edge.limiter)
    app = Litestar(
        route_handlers=[*edge.route_handlers, *api.routes],
        dependencies=api.dependencies,
        state=State({GATEKEEPER: api.gatekeeper}),
        middleware=edge.middleware(Authentication(api.authenticator, edge.lookups(api.authenticator.is_free))),
        exception_handlers=edge.exception_handlers,
        request_class=edge.request_class,
        before_request=edge.before_request,
        openapi_config=edge.openapi_config,
        on_startup=[edge.start, api.start],
        on_shutdown=[api.close, edge.stop],
        logging_config=None,
    )
    return edge.wrap(app)
