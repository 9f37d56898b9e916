"""Reflex's configuration. Addresses, ports and secrets are no part of it: the server reads them as it starts."""

import reflex as rx

from frontend.design import BUILD_ORIGIN, DesignPlugin
from frontend.platform.settings import CLERK_LIBRARY

config = rx.Config(
    app_name="frontend",
    app_module_import="frontend.asgi",
    api_url=BUILD_ORIGIN,
    deploy_url=None,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    # No other origin may talk to the app; the socket's own check is set in `frontend.app`.
    cors_allowed_origins=(),
    # State holds what a page shows, for one worker; docs/decisions/0005-web-session.md says why it never goes to Redis.
    state_manager_mode=rx.constants.StateManagerMode.MEMORY,
    # Bundled only where a key is set; always installed, so that one lock file serves both ways.
    frontend_packages=[CLERK_LIBRARY],
    frontend_compression_formats=["brotli", "gzip"],
    frontend_lazy_bundled_libraries=True,
    plugins=[DesignPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
