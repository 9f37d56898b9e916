"""The real API on a real socket, in a thread of the test process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from backend.app import create_app
from backend.kernel.http.connections import bounded
from backend.kernel.limits.policies import Policies
from backend.settings import Settings
from tests.support.ports import reserved_port


@contextmanager
def running_api(settings: Settings, policies: Policies | None = None) -> Iterator[str]:
    """Serve until the block ends; gives the base URL. ``policies`` replace the product's rate limits."""
    port = reserved_port()
    config = uvicorn.Config(
        create_app(settings, policies=policies),
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        **bounded(settings.connections),
    )
    server, started = uvicorn.Server(config), threading.Event()
    startup = server.startup

    async def announce(sockets: object = None) -> None:
        await startup()
        started.set()

    server.startup = announce  # type: ignore[method-assign]  # uvicorn has no event for "listening"
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), name="api")
    thread.start()
    try:
        if not started.wait(20):
            raise RuntimeError("the API did not start; see the log above")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
