"""`ocsuite up` as a person uses it: the real services, from nothing, until Ctrl-C."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from backend.devstack.postgres import binary
from backend.operations.smoke import _Walk
from backend.settings import VARIABLES, Settings
from crypto import generate_master_key
from module_sdk.api.client import ApiClient
from tests.support.model import fake_model
from tests.support.ports import reserved_port

ROOT = Path(__file__).resolve().parents[2]
_NEEDED = {
    "DATABASE_URL": "postgresql://a@127.0.0.1/a",
    "REDIS_URL": "redis://127.0.0.1/0",
    "OCSUITE_MASTER_KEYS": generate_master_key("unused"),
}


class Up:
    """A running `ocsuite up`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.ports = {"OCSUITE_API_PORT": str(reserved_port()), "OCSUITE_WEB_PORT": str(reserved_port())}
        own = {variable.name for variable in VARIABLES}
        clean = {name: value for name, value in os.environ.items() if name not in own}
        self.environ = clean | self.ports | {"OCSUITE_DATA_DIR": str(folder)} | settings
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "up"],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_until_ready(self) -> None:
        """Wait for the line with the address; the pages are built first, which a busy machine takes minutes for."""
        for _ in range(3000):
            if any("is ready" in line for line in self.lines):
                return
            assert self.process.poll() is None, self.lines
            time.sleep(0.1)
        raise AssertionError(f"not ready: {self.lines}")

    def get(self, name: str, path: str) -> int:
        """Status of a GET to the API or the web app."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}{path}", timeout=10) as reply:
            return int(reply.status)

    def family(self) -> list[psutil.Process]:
        """Every process of it."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(40)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the built pages stay from run to run; one for each test process, since two may share this file's tests."""
    made = ROOT / ".build" / f"up-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture(scope="module")
def started(folder: Path) -> Iterator[list[Up]]:
    """Those that were started here, on a folder that holds nothing but built pages at first."""
    for made in ("postgres", "valkey", "logs"):
        shutil.rmtree(folder / made, ignore_errors=True)
    for made in ("stack.json", "schema"):
        (folder / made).unlink(missing_ok=True)
    found: list[Up] = []
    try:
        yield found
    finally:
        for running in found:
            if running.process.poll() is None:
                running.end(signal.SIGTERM)


@pytest.fixture
def up(started: list[Up], folder: Path) -> Up:
    """A stack that is ready; the same for all tests until one of them ends it."""
    if not started or started[-1].process.poll() is not None:
        started.append(Up(folder))
        started[-1].wait_until_ready()
    return started[-1]


def test_it_ends_with_one_line_that_names_the_address(up: Up) -> None:
    assert (
        up.lines[-1] == f"OCSuite is ready: http://localhost:{up.ports['OCSUITE_WEB_PORT']}  (Ctrl-C stops everything)"
    )
    assert up.get("OCSUITE_WEB_PORT", "/") == 200
    assert up.get("OCSUITE_API_PORT", "/health/ready") == 200


def test_it_says_how_to_come_by_a_real_model(up: Up) -> None:
    (hint,) = [line for line in up.lines if "LLM_PROVIDER=local" in line]
    settings = dict(re.findall(r"(LLM_\w+)=(\w+)", hint))
    assert Settings.load({**up.environ, **_NEEDED, **settings, "LLM_PROVIDER": "local"}).llm.provider == "local"
    named = dict.fromkeys(re.findall(r"LLM_\w+", hint), "https://models.example/v1")
    assert Settings.load({**up.environ, **_NEEDED, **named, **settings}).llm.provider == "openai"


def test_the_other_commands_find_the_running_stack(up: Up) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "backend.cli", *arguments]
        return subprocess.run(command, cwd=ROOT, env=up.environ, capture_output=True, text=True, check=False)

    doctor = run("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert doctor.stdout.splitlines()[-1].endswith("0 failed")
    url = run("env", "DATABASE_URL").stdout.strip()
    asked = subprocess.run(
        [binary("psql"), url, "-Atc", "SELECT current_user"], capture_output=True, text=True, check=True
    )
    assert asked.stdout == "ocsuite_app\n"
    again = run("up")
    assert again.returncode == 2
    assert "is in use by" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def test_no_secret_is_in_a_log_or_on_a_command_line(up: Up) -> None:
    secrets = json.loads((up.folder / "stack.json").read_text())
    seen = "".join(path.read_text(errors="replace") for path in (up.folder / "logs").iterdir())
    seen += "\n".join(up.lines) + " ".join(word for process in up.family() for word in process.cmdline())
    for name, value in secrets.items():
        if isinstance(value, str):
            assert value.split(":")[-1] not in seen, name


def test_the_whole_stack_stays_below_700_megabytes(up: Up) -> None:
    proportional = [process.memory_full_info() for process in up.family()]
    used = sum(getattr(info, "pss", info.uss) for info in proportional)
    assert used < 700_000_000, f"{used / 1e6:.0f} MB"


def test_interrupt_leaves_nothing_behind(up: Up) -> None:
    family = up.family()
    assert len(family) > 6
    assert up.end(signal.SIGINT) == 0
    assert up.lines[-1].strip() == "stopping"
    assert not [process for process in family if process.is_running()]
    assert not (up.folder / "processes").exists()


@pytest.mark.parametrize("provider", ["local", "openai"])
async def test_a_real_model_answers_once_it_is_named(started: list[Up], folder: Path, provider: str) -> None:
    if started and started[-1].process.poll() is None:
        started[-1].end(signal.SIGTERM)
    async with fake_model() as endpoint, httpx.AsyncClient(timeout=60) as http:
        named = {"LLM_BASE_URL": f"{endpoint.url}/v1", "LLM_MODEL": "qwen3", "LLM_API_KEY": "sk-test"}
        started.append(Up(folder, LLM_PROVIDER=provider, **(named if provider == "openai" else {})))
        started[-1].wait_until_ready()
        assert not [line for line in started[-1].lines if "LLM_PROVIDER" in line]
        url = f"http://127.0.0.1:{started[-1].ports['OCSUITE_API_PORT']}"
        walk = _Walk(http, url, ApiClient(url, http=http))
        for step in (walk.sign_up, walk.company):
            await step()
        # The small model takes a minute to say all that it has to say.
        async with walk._streamed("POST", "/c-suite/ceo/chat", json={"message": "Hello?"}) as answer:
            assert await anext(line async for line in answer.aiter_lines() if line == "event: message.delta")
        assert (await walk.executives()).startswith(f"{provider}: ")
        assert bool(endpoint.requests) == (provider == "openai")
