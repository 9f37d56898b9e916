"""Compile pyproject.toml into the hashed, universal locks in requirements/, or check that they are fresh.

Usage: python scripts/lock.py [--check] [--upgrade]

Versions already locked are kept, so the locks change only where pyproject.toml asks for it. The others are
constrained by `dev`: one version of a package, whichever lock it comes from. No download address is written.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {
    "dev": ("build", "local", "model", "dev"),
    "local": ("build", "local"),
    "model": ("build", "model"),
    "app": ("build",),
}
COMMON = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-annotate"]


def compile_lock(name: str, folder: Path, *, upgrade: bool) -> None:
    """Write `folder/<name>.txt`; an existing file there is the preference that keeps versions still."""
    extras = [word for extra in EXTRAS[name] for word in ("--extra", extra)]
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "compile", "--quiet", "pyproject.toml", *extras, *COMMON, "--no-header"]
    if name != "dev":
        command += ["--constraints", str(folder / "dev.txt")]
    if upgrade:
        command.append("--upgrade")
    done = subprocess.run(
        [*command, "--output-file", str(folder / f"{name}.txt")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"NO_COLOR": "1"},
    )
    if done.returncode != 0:
        print(f"lock: {name}.txt cannot be compiled:\n{done.stderr.strip()}", file=sys.stderr)
        raise SystemExit(1)


def stale(folder: Path) -> list[str]:
    """Names of the committed locks that differ from a fresh compilation into `folder`."""
    return [name for name in EXTRAS if (folder / f"{name}.txt").read_bytes() != committed(name).read_bytes()]


def committed(name: str) -> Path:
    """The lock file of that name in the repository."""
    return ROOT / "requirements" / f"{name}.txt"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a lock is not fresh")
    parser.add_argument("--upgrade", action="store_true", help="move to the newest versions pyproject.toml allows")
    options = parser.parse_args()
    if not options.check:
        for name in EXTRAS:
            compile_lock(name, ROOT / "requirements", upgrade=options.upgrade)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in EXTRAS:
            shutil.copy(committed(name), folder)
        for name in EXTRAS:
            compile_lock(name, folder, upgrade=False)
        if names := stale(folder):
            print(f"lock: stale: {', '.join(names)}; run `make lock` and commit the result", file=sys.stderr)
            raise SystemExit(1)
    print("lock: fresh")


if __name__ == "__main__":
    main()
