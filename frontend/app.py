"""The app factory: pages, the frame around them, and the edges of the web server."""

import logging
import secrets
from collections.abc import Callable
from functools import partial

import reflex as rx
from reflex_base.constants import Dirs
from reflex_base.event import EventSpec
from starlette.applications import Starlette
from starlette.types import ASGIApp

from frontend import pages, theme
from frontend.kit.browser import PageBehaviour, announcer
from frontend.kit.feedback import Leave, banners, notices
from frontend.kit.primitives import given
from frontend.platform import reflex_seam, runtime
from frontend.platform.account_routes import account_routes
from frontend.platform.binding import SessionBinding, SessionOwner
from frontend.platform.download_routes import download_routes
from frontend.platform.edge import Edge
from frontend.platform.session import SessionState
from frontend.platform.session_routes import session_routes
from frontend.platform.settings import WebSettings, clerk_host
from frontend.platform.sockets import Sockets

Wraps = dict[tuple[int, str], Callable[[bool], rx.Component | None]]
logger = logging.getLogger(__name__)


def create_app(settings: WebSettings) -> rx.App:
    """The web app, ready to be compiled or served. It opens no connection yet."""
    run = runtime.Runtime(settings)
    runtime.install(run)

    def on_page_fault(exception: Exception) -> None:
        run.odd.count("fault in a page")

    app = rx.App(
        reset_style=False,
        html_lang="en",
        head_components=[
            rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
            rx.el.link(
                rel="preload",
                href=theme.PRELOADED_FONT,
                type="font/woff2",
                cross_origin="anonymous",
                custom_attrs={"as": "font"},
            ),
        ],
        # Neither toaster nor connection pulser of Reflex: `frontend.kit.feedback` has lighter, readable ones.
        toaster=None,
        app_wraps=_wraps(settings),
        backend_exception_handler=_on_exception,
        frontend_exception_handler=on_page_fault,
        api_transformer=[
            Starlette(routes=[*session_routes(run), *account_routes(run), *download_routes(run)]),
            partial(_edge, run),
        ],
    )
    reflex_seam.install(app, SessionOwner(run), run.odd, origins=settings.origins)
    app.add_middleware(SessionBinding())
    pages.add_all(app, settings)
    run.load_events = app.get_load_events
    app.register_lifespan_task(run.lifespan)
    return app


def _edge(run: runtime.Runtime, app: ASGIApp) -> ASGIApp:
    settings = run.settings
    return Edge(
        Sockets(app, run.odd),
        static_dir=settings.web_dir / Dirs.STATIC,
        clerk_host=clerk_host(settings.clerk_publishable_key) if settings.clerk_publishable_key else "",
        tls=not settings.is_local,
        hosts=settings.hosts,
        browser_cookie=run.browser_cookie if settings.clerk_publishable_key else "",
    )


@rx.memo
def app_overlay() -> rx.Component:
    """What lies above every page."""
    return rx.fragment(banners(), notices(), announcer(), Leave.create(), PageBehaviour.create())


def _wraps(settings: WebSettings) -> Wraps:
    """What surrounds every page, outermost first by number; Reflex's own providers are above all of it."""
    wraps: Wraps = {
        (55, "ErrorBoundary"): _error_boundary,
        (5, "Overlay"): _overlay,
    }
    if settings.clerk_publishable_key:
        from frontend.features.account import clerk

        wraps[50, "Clerk"] = lambda _stateful: clerk.provider(settings.clerk_publishable_key)
    return wraps


def _overlay(_stateful: bool) -> rx.Component:
    return rx.fragment(app_overlay())


def _error_boundary(_stateful: bool) -> rx.Component:
    from reflex_components_core.base.error_boundary import ErrorBoundary

    return ErrorBoundary.create()


def _on_exception(exception: Exception) -> EventSpec:
    """Log a fault under a reference, and show the reference."""
    reference = secrets.token_hex(8)
    logger.error("event handler failed, reference %s", reference, exc_info=exception)
    event: EventSpec = given(SessionState.failed_unexpectedly, reference)
    return event
