"""Make sure a Chromium for the browser tests is there, installing the distribution's package where that is possible.

The tests take the browser named by CHROMIUM, or else the first of the usual names on PATH.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = "chromium fonts-noto-core fonts-noto-color-emoji"


def find() -> str | None:
    """Path of a browser that answers `--version`, or None."""
    wanted = os.environ.get("CHROMIUM")
    for name in (wanted,) if wanted else NAMES:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


def fail(message: str) -> None:
    """Say what is missing and how to get it; status 2."""
    print(f"chromium: {message}", file=sys.stderr)
    raise SystemExit(2)


def install() -> None:
    """Install the distribution's package as root; otherwise say what to run."""
    command = f"apt-get update && apt-get install --yes --no-install-recommends {PACKAGES}"
    if shutil.which("apt-get") is None:
        fail("the browser tests need Chromium; install it with your package manager, or set CHROMIUM to its path")
    if os.geteuid() != 0:
        fail(f"the browser tests need Chromium: run `sudo sh -c '{command}'`, or set CHROMIUM to its path")
    print("chromium: installing the distribution's package", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES.split()]):
        done = subprocess.run(step, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.stderr.write(done.stderr[-2000:])
            fail(f"`{' '.join(step)}` failed; its last words are above")


def main() -> None:
    """Entry point."""
    if find():
        return
    if wanted := os.environ.get("CHROMIUM"):
        fail(f"CHROMIUM names {wanted}, which is not a browser that runs")
    install()
    if not find():
        fail("the installed package brought no browser that runs; set CHROMIUM to the path of one")


if __name__ == "__main__":
    main()
