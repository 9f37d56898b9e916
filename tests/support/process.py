"""The product's processes, which a test may kill.

They are forked from one that has imported the product, which takes three seconds of a processor each time. That a
command starts from nothing is what `tests/devstack` shows.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from backend.cli import main
from tests.support.ports import reserved_port

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["backend.app", "backend.worker", "uvicorn", "tests.support.process"])


class Process:
    """A command of `ocsuite` that runs; what it prints and logs goes to the files, if they are given."""

    def __init__(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        output: Path | None = None,
        errors: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        self._child = _FORKS.Process(target=_run, args=(arguments, dict(environment), output, errors, folder))
        self._child.start()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self._child.is_alive():
            assert self._child.pid is not None
            os.kill(self._child.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> int:
        """Its exit status, negative for a signal. Raises TimeoutError if it has not ended by then."""
        self._child.join(seconds)
        if self._child.exitcode is None:
            raise TimeoutError
        return self._child.exitcode

    def poll(self) -> int | None:
        """Its exit status if it has ended."""
        return self._child.exitcode


def _run(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    output: Path | None,
    errors: Path | None,
    folder: Path | None,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if folder is not None:
        os.chdir(folder)
    for stream, path in ((sys.stdout, output), (sys.stderr, errors)):
        if path is not None:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(file, stream.fileno())
    sys.argv = ["ocsuite", *arguments]
    main()


@contextmanager
def api_process(environment: Mapping[str, str], output: Path | None = None) -> Iterator[tuple[str, Process]]:
    """`ocsuite api` on a free port: its address and process, which is killed at the end if it still lives."""
    port = reserved_port()
    with process("api", {**environment, "OCSUITE_API_PORT": str(port)}, output=output) as started:
        url = f"http://127.0.0.1:{port}"
        wait_until_answered(f"{url}/health/live", started)
        yield url, started


@contextmanager
def process(
    command: str, environment: Mapping[str, str], *arguments: str, output: Path | None = None
) -> Iterator[Process]:
    """A command of `ocsuite`; what it prints and logs goes to ``output`` if that is given."""
    started = Process((command, *arguments), environment, output, output)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def command(environment: Mapping[str, str], *arguments: str, folder: Path | None = None) -> Done:
    """Run a command of `ocsuite` to its end, in a folder."""
    with tempfile.TemporaryDirectory() as kept:
        output, errors = Path(kept, "output"), Path(kept, "errors")
        status = Process(arguments, environment, output, errors, folder).wait(60)
        return Done(status, output.read_text(), errors.read_text())


def wait_until_answered(url: str, started: Process | subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Block until a GET answers 200; fails when the process has ended or the time is over."""
    deadline = time.monotonic() + seconds
    while not _answers(url):
        assert started.poll() is None, "the process ended at once"
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.05)  # a process that starts has no event to await from outside


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
