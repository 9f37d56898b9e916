"""Composition root of the HTTP API."""

from importlib.metadata import version

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from backend.domains.access.domain import Access
from backend.domains.access.key_tokens import KeyOrSession
from backend.domains.identity.domain import Identity
from backend.kernel.auth.authentication import Authentication, Principal
from backend.kernel.auth.permissions import GATEKEEPER
from backend.kernel.http.edges import edges
from backend.kernel.http.provide import provide
from backend.kernel.http.requests import SignedInRequest
from backend.kernel.http.tenant import tenant_from_header
from backend.kernel.limits.policies import Policies, default_policies
from backend.kernel.observe.logging import configure_logging
from backend.migrate import head
from backend.registry import DOMAINS, Domains, Product, declarations
from backend.settings import Settings


def create_app(settings: Settings, *, policies: Policies | None = None, domains: Domains = DOMAINS) -> Litestar:
    """The API. Connects when it starts, not when it is made. ``policies`` replace the product's rate limits."""
    configure_logging(settings.env)
    product, declared = Product(settings, domains), declarations(domains)
    base = product.base
    edge = edges(
        settings,
        base.limiter,
        base.db,
        version=version("ocsuite"),
        policies=policies or default_policies(declared.rates, local=settings.is_local),
        tags=declared.tags,
        head=head(),
    )
    sessions, keys = product.of(Identity).authenticator, product.of(Access).key_maker
    authenticator = KeyOrSession(base.db, sessions, keys)
    app = Litestar(
        route_handlers=[*edge.route_handlers, *(router for domain in product.domains for router in domain.routers)],
        dependencies={
            "principal": Provide(_principal, sync_to_thread=False),
            "tenant": Provide(tenant_from_header),
            **provide(db=base.db),
        },
        state=State({GATEKEEPER: product.offers.gatekeeper}),
        middleware=edge.middleware(Authentication(authenticator, edge.lookups(authenticator.is_free))),
        exception_handlers=edge.exception_handlers,
        request_class=edge.request_class,
        before_request=edge.before_request,
        openapi_config=edge.openapi_config,
        on_startup=[edge.start, *(domain.start for domain in product.domains)],
        on_shutdown=[*(domain.close for domain in product.domains), product.close, edge.stop],
        logging_config=None,
    )
    return edge.wrap(app)


def _principal(request: SignedInRequest) -> Principal:
    return request.user
