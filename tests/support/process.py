"""The product's processes, started as an operator would, so that they can be killed."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

import httpx

from backend.stack.process import free_port


@contextmanager
def api_process(
    environment: Mapping[str, str], output: BinaryIO | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`ocsuite api` on a free port: its address and process, which is killed at the end if it still lives."""
    port = free_port()
    with process("api", {**environment, "OCSUITE_API_PORT": str(port)}, output=output) as started:
        url = f"http://127.0.0.1:{port}"
        wait_until_answered(f"{url}/health/live", started)
        yield url, started


@contextmanager
def process(
    command: str, environment: Mapping[str, str], *arguments: str, output: BinaryIO | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of `ocsuite`; what it prints and logs goes to ``output`` if that is given."""
    started = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", command, *arguments],
        env=dict(environment),
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def wait_until_answered(url: str, started: subprocess.Popen[bytes], seconds: float = 60) -> None:
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
