"""Create the virtual environment and fill it from a hashed lock; needs nothing but Python and its venv module.

Usage: python3 scripts/install.py {app,local,model,dev} [VENV]

The packages come from wherever this machine's pip points to; uv installs them. Their own dependencies are not asked:
the lock is complete, and one package in it would otherwise compile llama.cpp for minutes. pip itself is not installed:
the one that comes with Python for new environments brings uv, and takes its place where uv does not work.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
#: The lock's entry of uv: its line and the hashes that go on from it.
UV_BLOCK = re.compile(r"^uv==(?:.*\\\n)*.*\n", re.MULTILINE)
SEEN = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")
LOCKS = ("app", "local", "model", "dev")
TAIL = 15  # lines of pip's output shown when it fails


def say(message: str) -> None:
    """Say in one line what comes next."""
    print("install: " + message, flush=True)


def count(lock: Path) -> int:
    """How many packages a lock names."""
    return len(set(LOCKED.findall(lock.read_text(encoding="utf-8"))))


def fail(message: str) -> NoReturn:
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
    """Whether the environment's interpreter runs (a moved environment's does not)."""
    try:
        return subprocess.run([str(python), "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create(venv: Path) -> Path:
    """Make the environment unless a working one is there; its interpreter."""
    python = venv / "bin" / "python"
    if works(python):
        return python
    say(f"creating {venv}")
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        why = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
        fail(f"cannot create {venv}: {why[-1]}")
    return python


def unpack_pip(folder: Path) -> Path:
    """The pip that Python carries, in a folder where it finds its own compiled code the second time."""
    carried = find_spec("ensurepip")
    if carried is None or carried.origin is None:
        fail("this Python has no working venv module; on Debian or Ubuntu: apt-get install python3-venv")
    # Distributions keep the wheel elsewhere and say so.
    wheels = Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or Path(carried.origin).parent / "_bundled")
    found = next(wheels.glob("pip-*.whl"), None)
    if found is None:
        fail(f"this Python carries no pip in {wheels}")
    zipfile.ZipFile(found).extractall(folder)
    return folder / "pip"


def fill(pip: list[str], python: Path, name: str) -> list[str]:
    """Install a lock: with uv, which is several times as fast, or with pip where uv cannot; what installed it."""
    lock = ROOT / "requirements" / f"{name}.txt"
    uv = [str(python.with_name("uv")), "pip", "install", "--python", str(python)]
    # Where the processes may not write, as in the image, nothing is compiled later; elsewhere only what is used is.
    compiling = ["--compile-bytecode"] if name == "app" else []
    if with_uv(pip, uv, lock, compiling):
        return uv
    say("with pip instead")
    with_pip(pip, lock)
    return [*pip, "install", "--disable-pip-version-check"]


def with_uv(pip: list[str], uv: list[str], lock: Path, options: list[str]) -> bool:
    """Bring uv by pip, as it is locked, and let it install the lock; ``False`` if either does not work here."""
    found = UV_BLOCK.search(lock.read_text(encoding="utf-8"))
    if found is None:
        return False
    if not Path(uv[0]).exists():
        say("uv, which installs the rest")
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "uv.txt"
            wanted.write_text(found.group(), encoding="utf-8")
            command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input"]
            brought = subprocess.run([*command, "--no-deps", "--require-hashes", "-r", str(wanted)], check=False)
        if brought.returncode != 0:
            return False
    say(f"{count(lock)} packages of requirements/{lock.name}")
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    command = [*uv, "--no-deps", "--require-hashes", *options, "-r", str(lock), *quiet]
    return subprocess.run(command, env=os.environ | pip_settings(pip), check=False).returncode == 0


def pip_settings(pip: list[str]) -> dict[str, str]:
    """Where this machine's pip takes packages from, in uv's words, unless uv has been told itself."""
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    said: dict[str, str] = {}
    for key, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        # The last one counts: pip lists what comes from its environment after its files.
        for value in re.findall(rf"^(?:global|install|:env:)\.{key}='(.*)'$", listed, re.MULTILINE):
            said[variable] = value
    return {name: os.environ.get(name, value) for name, value in said.items()}


def with_pip(pip: list[str], lock: Path) -> None:
    """Install the lock with pip, showing how far it is."""
    total = count(lock)
    command = [*pip, "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--no-input", "--no-deps", "--require-hashes", "-r", str(lock)]
    live = sys.stdout.isatty()
    lines: list[str] = []
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            lines.append(line)
            match = SEEN.match(line)
            if match:
                done += 1
                if live:
                    print(f"\r\033[Kinstall: {done}/{total} {match.group(1)}", end="", flush=True)
                elif done % 40 == 0:
                    say(f"{done}/{total}")
            elif line.startswith("Installing collected packages"):
                print("{}install: unpacking".format("\r\033[K" if live else ""), flush=True)
    if live:
        print("\r\033[K", end="")
    if running.returncode != 0:
        sys.stderr.writelines(lines[-TAIL:])
        fail(f"pip could not install {lock.name}; its last words are above")


def link(installer: list[str]) -> None:
    """Install this project itself, editable, so that the `ocsuite` command exists."""
    say("the `ocsuite` command")
    command = [*installer, "--quiet", "--no-build-isolation", "--no-deps", "--editable", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
        fail("the project itself could not be installed; the last words about it are above")


def main() -> None:
    """Entry point."""
    use_a_new_enough_python()
    if len(sys.argv) not in {2, 3} or sys.argv[1] not in LOCKS:
        fail(f"usage: python3 scripts/install.py {{{','.join(LOCKS)}}} [VENV]")
    venv = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / ".venv"
    try:
        python = create(venv)
        with tempfile.TemporaryDirectory() as folder:
            link(fill([str(python), str(unpack_pip(Path(folder)))], python, sys.argv[1]))
    except KeyboardInterrupt:
        fail("interrupted; run it again to go on")


if __name__ == "__main__":
    main()
