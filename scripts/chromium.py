"""Make sure a Chromium for the browser tests is there, installing the distribution's package where that is possible.

The tests take the browser named by CHROMIUM, or else the first of the usual names on PATH. The headless shell comes
first: the same engine without windows and toolbars, with which the browser tests take half of the CPU.
"""

import os
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = ("fonts-noto-core", "fonts-noto-color-emoji")
INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends"]


def find(*names: str) -> str | None:
    """Path of the first of these that answers `--version`, or None."""
    for name in names:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


def fail(message: str) -> None:
    """Say what is missing and how to get it; status 2."""
    print(f"chromium: {message}", file=sys.stderr)
    raise SystemExit(2)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that asks nothing."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def is_offered() -> bool:
    """Whether the distribution has the headless shell, as far as apt knows without asking anybody."""
    return run("apt-cache", "show", SHELL).returncode == 0


def install() -> None:
    """Install the distribution's package as root; otherwise say what to run."""
    command = f"apt-get update && {' '.join(INSTALL)} chromium {' '.join(FONTS)}"
    if shutil.which("apt-get") is None:
        fail("the browser tests need Chromium; install it with your package manager, or set CHROMIUM to its path")
    if os.geteuid() != 0:
        fail(f"the browser tests need Chromium: run `sudo sh -c '{command}'`, or set CHROMIUM to its path")
    print("chromium: installing the distribution's package", flush=True)
    updated = run("apt-get", "update")
    done = run(*INSTALL, SHELL if is_offered() else "chromium", *FONTS) if updated.returncode == 0 else updated
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-2000:])
        fail(f"`{' '.join(done.args)}` failed; its last words are above")


def main() -> None:
    """Entry point."""
    if wanted := os.environ.get("CHROMIUM"):
        if not find(wanted):
            fail(f"CHROMIUM names {wanted}, which is not a browser that runs")
        return
    if find(SHELL):
        return
    if find(*NAMES):
        # Slower, and good enough where the shell cannot be had.
        if shutil.which("apt-get") and os.geteuid() == 0 and is_offered():
            print("chromium: installing the headless shell, with which the tests are quicker", flush=True)
            run(*INSTALL, SHELL)
        return
    install()
    if not find(*NAMES):
        fail("the installed package brought no browser that runs; set CHROMIUM to the path of one")


if __name__ == "__main__":
    main()
