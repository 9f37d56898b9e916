"""Servers for the web app's tests: the fake API, which can be stopped and started again, and the web app itself."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import uvicorn
from litestar.testing import TestClient
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from tests.frontend.fake_api import World, create_fake
from tests.support.ports import reserved_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300.0  # as in `tests.journeys.product`


def visitor(routes: Sequence[BaseRoute], cookies: Mapping[str, str] | None = None) -> httpx.Client:
    """What a browser with those cookies gets from these routes of the web app; redirects are not followed."""
    client = TestClient(Starlette(routes=routes), cookies=dict(cookies or {}))  # type: ignore[type-var]  # ASGI is one
    client.follow_redirects = False
    return client


class FakeApi:
    """The fake on one port and with one memory, however often it is stopped."""

    def __init__(self) -> None:
        self.world = World()
        self.port = reserved_port()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        config = uvicorn.Config(
            create_fake(self.world), port=self.port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        server = self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=server.run, daemon=True)
        self._thread.start()
        _wait_for(f"http://127.0.0.1:{self.port}/health/live")

    def stop(self) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()


class WebApp:
    """`ocsuite web` in a process of its own."""

    def __init__(self, api_port: int, data_dir: Path, log: Path | None = None, **environ: str) -> None:
        self.port = reserved_port()
        self.url = f"http://localhost:{self.port}"
        self._environ = {
            **os.environ,
            "OCSUITE_ENV": "local",
            "OCSUITE_API_PORT": str(api_port),
            "OCSUITE_WEB_PORT": str(self.port),
            "OCSUITE_DATA_DIR": str(data_dir),
            **environ,
        }
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with ExitStack() as files:
            log = files.enter_context(self._log.open("ab")) if self._log else None
            self._process = subprocess.Popen(
                [sys.executable, "-c", "import os; from frontend.platform.server import run; run(os.environ)"],
                cwd=ROOT,
                env=self._environ,
                stdout=log or subprocess.DEVNULL,
                stderr=log,
            )
        _wait_for(f"{self.url}/ping", self._process)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(timeout=15) == 0, "SIGTERM has to end the server cleanly"


def _wait_for(url: str, process: subprocess.Popen[bytes] | None = None) -> None:
    pause = threading.Event()
    for _ in range(int(START_SECONDS / 0.1)):
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.TransportError:
            pass
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the server ended with status {process.returncode}")
        pause.wait(0.1)
    raise AssertionError(f"{url} does not answer")
