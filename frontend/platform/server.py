"""Serves the built pages and their event handlers from one port, without Node: ``ocsuite web``."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from importlib import import_module

import uvicorn
from starlette.types import ASGIApp

from frontend.build import ROOT, ensure_built, reflex_environment
from frontend.platform import logs
from frontend.platform.settings import WebSettings
from frontend.platform.sockets import MESSAGE_BYTES

logger = logging.getLogger(__name__)


#: A class of uvicorn's protocols, or the name that uvicorn knows it by.
Protocol = type[asyncio.Protocol] | str


def run(
    environ: Mapping[str, str],
    say: Callable[[str], None] = logger.info,
    *,
    http: Protocol = "auto",
    ws: Protocol = "auto",
) -> None:
    """Build the pages if their sources changed, then serve until SIGINT or SIGTERM.

    ``http`` and ``ws`` are the protocols that read from connections, so that whoever starts the server can bound them.

    Raises:
        WebSettingsError: A variable is wrong.
        frontend.build.BuildError: The pages do not build.
    """
    settings = WebSettings.load(environ)
    ensure_built(settings, environ, say)
    logs.configure()
    server = uvicorn.Server(server_config(settings, load_app(settings), http=http, ws=ws))
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal that ended it once more, for whoever handled it before; nobody has to, here.
        signal.signal(number, _already_stopped)
    server.run()


def server_config(
    settings: WebSettings, app: ASGIApp, *, http: Protocol = "auto", ws: Protocol = "auto"
) -> uvicorn.Config:
    """How ``app`` is served."""
    return uvicorn.Config(
        app,
        http=http,
        ws=ws,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Without them every visitor would have the proxy's address, and share its rate limits with all others.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=2,
        ws_max_size=MESSAGE_BYTES,
    )


def _already_stopped(_number: int, _frame: object) -> None:
    return None


def load_app(settings: WebSettings) -> ASGIApp:
    """The ASGI app over pages that are already built. Changes the process: one call, in a process of its own.

    Reflex takes its configuration from the working directory and from the environment, once, at its first import.
    """
    os.environ |= reflex_environment(settings)
    from reflex_base.environment import environment

    environment.REFLEX_SKIP_COMPILE.set(True)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
    os.chdir(ROOT)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    reflex_app = import_module("frontend.asgi").app
    served: ASGIApp = reflex_app()
    return served
