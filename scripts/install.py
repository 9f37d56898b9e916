"""Create the virtual environment and fill it from a hashed lock; needs nothing but Python and its venv module.

Usage: python3 scripts/install.py {app,local,dev} [VENV]

The packages come from wherever this machine's pip points to; uv installs them. Their own dependencies are not asked:
the lock is complete, and one package in it would otherwise compile llama.cpp for minutes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
#: The lock's entry of uv: its line and the hashes that go on from it.
UV_BLOCK = re.compile(r"^uv==(?:.*\\\n)*.*\n", re.MULTILINE)
SEEN = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")
TAIL = 15  # lines of pip's output shown when it fails


def fail(message: str) -> None:
    """Say in one line what is wrong and leave with status 2."""
    print("install: " + message, file=sys.stderr)
    raise SystemExit(2)


def use_a_new_enough_python() -> None:
    """Continue in a newer interpreter when this one is too old and a newer one is on PATH."""
    if sys.version_info >= OLDEST:
        return
    for minor in (14, 13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, *sys.argv])  # noqa: S606 - the same script, a newer interpreter
    oldest = ".".join(map(str, OLDEST))
    fail(
        f"Python {oldest} or newer is needed, this is {sys.version.split()[0]}; or name one: make PYTHON=python3.12 up"
    )


def works(python: Path) -> bool:
    """Whether the environment's interpreter runs and has pip (a moved or half-made environment does not)."""
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create(venv: Path) -> Path:
    """Make the environment unless a working one is there; its interpreter."""
    python = venv / "bin" / "python"
    if works(python):
        return python
    print(f"install: creating {venv}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        why = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
        if "ensurepip" in done.stdout + done.stderr:
            fail("this Python has no working venv module; on Debian or Ubuntu: apt-get install python3-venv")
        fail(f"cannot create {venv}: {why[-1]}")
    return python


def fill(python: Path, lock: Path) -> None:
    """Install the lock: with uv, which is several times as fast, or with pip where uv cannot."""
    if with_uv(python, lock):
        return
    print("install: with pip instead", flush=True)
    with_pip(python, lock)


def with_uv(python: Path, lock: Path) -> bool:
    """Bring uv by pip, as it is locked, and let it install the lock; ``False`` if either does not work here."""
    found = UV_BLOCK.search(lock.read_text(encoding="utf-8"))
    if found is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "uv.txt"
        wanted.write_text(found.group(), encoding="utf-8")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        brought = subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", str(wanted)], check=False)
    if brought.returncode != 0:
        return False
    command = [str(python.with_name("uv")), "pip", "install", "--python", str(python), "--no-deps", "--require-hashes"]
    command += ["--compile-bytecode", "-r", str(lock)]
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    done = subprocess.run([*command, *quiet], env=os.environ | pip_settings(python), check=False)
    return done.returncode == 0


def pip_settings(python: Path) -> dict[str, str]:
    """Where this machine's pip takes packages from, in uv's words, unless uv has been told itself."""
    listed = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    said = {"UV_LINK_MODE": "copy"}  # what a mix of file systems gets anyway, but with a warning
    for key, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        # The last one counts: pip lists what comes from its environment after its files.
        for value in re.findall(rf"^(?:global|install|:env:)\.{key}='(.*)'$", listed, re.MULTILINE):
            said[variable] = value
    return {name: os.environ.get(name, value) for name, value in said.items()}


def with_pip(python: Path, lock: Path) -> None:
    """Install the lock with pip, showing how far it is."""
    total = len(set(LOCKED.findall(lock.read_text(encoding="utf-8"))))
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--no-input", "--no-deps", "--require-hashes", "-r", str(lock)]
    live = sys.stdout.isatty()
    lines: list[str] = []
    count = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line)
            match = SEEN.match(line)
            if match:
                count += 1
                if live:
                    print(f"\r\033[Kinstall: {count}/{total} {match.group(1)}", end="", flush=True)
                elif count % 40 == 0:
                    print(f"install: {count}/{total}", flush=True)
            elif line.startswith("Installing collected packages"):
                print("{}install: unpacking".format("\r\033[K" if live else ""), flush=True)
    if live:
        print("\r\033[K", end="")
    if pip.returncode != 0:
        sys.stderr.writelines(lines[-TAIL:])
        fail(f"pip could not install {lock.name}; its last words are above")


def link(python: Path) -> None:
    """Install this project itself, editable, so that the `ocsuite` command exists."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-build-isolation"]
    done = subprocess.run([*command, "--no-deps", "--editable", str(ROOT)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
        fail("the project itself could not be installed; pip's last words are above")


def main() -> None:
    """Entry point."""
    use_a_new_enough_python()
    if len(sys.argv) not in {2, 3} or sys.argv[1] not in {"app", "local", "dev"}:
        fail("usage: python3 scripts/install.py {app,local,dev} [VENV]")
    venv = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / ".venv"
    try:
        python = create(venv)
        print(f"install: packages of requirements/{sys.argv[1]}.txt", flush=True)
        fill(python, ROOT / "requirements" / (sys.argv[1] + ".txt"))
        link(python)
    except KeyboardInterrupt:
        fail("interrupted; run it again to go on")


if __name__ == "__main__":
    main()
