"""The blank app that `reflex init` makes, built and served as `reflex run --env prod` serves it: the baseline."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reflex_base.compiler.templates import rxconfig_template
from reflex_base.constants import Templates

from backend.devstack.process import free_port
from frontend.build import build_environment
from frontend.platform.settings import WebSettings

_NAME: Final = "blank"
_SECONDS: Final = 300
_POLL_SECONDS: Final = 0.2
# The packed sizes are compared, so that both sides have to be packed alike.
_CONFIG: Final = 'app_name="blank",\n    frontend_compression_formats=["brotli", "gzip"],\n    telemetry_enabled=False,'


@contextmanager
def blank_app() -> Iterator[str]:
    """Its address, until the block ends."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        template = Path(Templates.Dirs.BASE) / "apps" / _NAME
        shutil.copytree(template / "code", folder / _NAME)
        shutil.copytree(template / "assets", folder / "assets")
        config = rxconfig_template(_NAME).replace(f'app_name="{_NAME}",', _CONFIG)
        if _CONFIG not in config:
            raise RuntimeError("Reflex's template of a configuration looks different now")
        (folder / "rxconfig.py").write_text(config)
        port = free_port()
        process = _start(folder, port)
        try:
            url = f"http://localhost:{port}"
            _wait(process, url, folder)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    settings = WebSettings.load({"OCSUITE_DATA_DIR": str(folder / "data")})
    environ = build_environment(settings, os.environ)
    # Its pages stay where Reflex puts them; only what Reflex would fetch or report is switched off.
    environ = {name: value for name, value in environ.items() if name not in {"REFLEX_WEB_WORKDIR", "REFLEX_ENV_MODE"}}
    command = [sys.executable, "-m", "reflex", "run", "--env", "prod", "--single-port", "--backend-port", str(port)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log, start_new_session=True)


def _wait(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    pause = threading.Event()
    for _ in range(int(_SECONDS / _POLL_SECONDS)):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                if b"<script" in reply.read():
                    return
        except OSError:
            pass
        pause.wait(_POLL_SECONDS)
    raise RuntimeError(f"the blank app does not answer: {(folder / 'log').read_text(errors='replace')[-2000:]}")
