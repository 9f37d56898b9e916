"""The running product, started as a person starts it, and a browser to look at it with."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from backend.settings import VARIABLES
from frontend.build import ensure_built
from frontend.platform.settings import WebSettings
from tests.support.ports import reserved_port

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / ".build"
PAGES: Final = BUILD / "tests"  # built once for all browser tests
BROWSER_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_READY: Final = "is ready"
_START_SECONDS: Final = 300  # ends a start that hangs; on a busy machine, with the pages built first, one takes minutes
_STOP_SECONDS: Final = 40
_POLL_SECONDS: Final = 0.05


def give_pages(folder: Path) -> None:
    """Copy the built pages to ``folder``, so that sources that change meanwhile do not change what is being tested."""
    PAGES.mkdir(parents=True, exist_ok=True)
    settings = WebSettings.load({"OCSUITE_DATA_DIR": str(PAGES)})
    ensure_built(settings, os.environ, print)
    with (PAGES / "web.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copytree(settings.web_dir, folder / "web", ignore=shutil.ignore_patterns("node_modules"))


class Product:
    """`ocsuite up` on a data folder."""

    def __init__(self, folder: Path, **environ: str) -> None:
        """``environ`` is added to what the product gets; nothing of its own is taken over from this process."""
        self.folder = folder
        self.ports = {"api": reserved_port(), "web": reserved_port()}
        self.url = f"http://localhost:{self.ports['web']}"
        self.api_url = f"http://127.0.0.1:{self.ports['api']}"
        own = {variable.name for variable in VARIABLES}
        self.environ: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if name not in own},
            "OCSUITE_API_PORT": str(self.ports["api"]),
            "OCSUITE_WEB_PORT": str(self.ports["web"]),
            "OCSUITE_DATA_DIR": str(folder),
            **environ,
        }
        self.lines: list[str] = []
        self._ready = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start everything and wait for the line that names the address."""
        self._ready.clear()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "up"],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,))
        self._reader.start()
        ready = self._ready.wait(_START_SECONDS)
        if not ready or not self.lines[-1].startswith("OCSuite is ready"):
            self.stop()
            raise RuntimeError(f"the product did not start: {self.lines}")

    def stop(self) -> None:
        """End everything."""
        if self._process is None or self._reader is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(_STOP_SECONDS)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def run(self, *arguments: str) -> str:
        """What another command of ``ocsuite`` prints, on the same data."""
        command = [sys.executable, "-m", "backend.cli", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=True)
        return done.stdout

    def service(self, name: str) -> psutil.Process:
        """The process of a service: ``api``, ``worker`` or ``web``."""
        found = [child for child in self.family() if child.cmdline()[-3:] == ["-m", "backend.cli", name]]
        assert found, f"{name} does not run"
        return found[0]

    def family(self) -> list[psutil.Process]:
        """Every process of it."""
        assert self._process is not None
        supervisor = psutil.Process(self._process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def wait_for_api(self) -> None:
        """Block until the API answers."""
        pause = threading.Event()
        for _ in range(int(_START_SECONDS / _POLL_SECONDS)):
            try:
                with urllib.request.urlopen(f"{self.api_url}/health/ready", timeout=2) as reply:
                    if reply.status == 200:
                        return
            except OSError:
                pass
            pause.wait(_POLL_SECONDS)
        raise AssertionError("the API does not answer")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if _READY in line:
                self._ready.set()
        self._ready.set()


@contextmanager
def running_product(name: str, **environ: str) -> Iterator[Product]:
    """The product with an empty database, until the block ends. Two runs of the tests wait for each other."""
    # Two processes of one run must not: the first may end its file's only once the second has taken a test from it.
    folder = BUILD / f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder)
        folder.mkdir()
        give_pages(folder)
        product = Product(folder, **environ)
        product.start()
        try:
            yield product
        finally:
            product.stop()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(BROWSER_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def debugged_chromium() -> Iterator[tuple[BrowserContext, int]]:
    """A Chromium that other programs may steer as well, on the port that is given with it."""
    port = reserved_port()
    with TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium_path(),
            args=[*BROWSER_ARGUMENTS, f"--remote-debugging-port={port}"],
        )
        try:
            yield context, port
        finally:
            context.close()


def chromium_path() -> str:
    """Where ``scripts/chromium.py`` found or put it."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    wanted = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, (wanted,) if wanted else names)), None)
    if found is None:
        raise RuntimeError("no Chromium: run `python scripts/chromium.py`, or set CHROMIUM to its path")
    return found
