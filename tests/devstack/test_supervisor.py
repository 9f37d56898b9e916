"""The supervisor with small stand-ins for the services: order, restarts, failures, signals."""

import asyncio
import io
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from rich.console import Console as Terminal

from backend.devstack import LocalStack, StackError
from backend.devstack.children import Plan, Service
from backend.devstack.console import Console
from backend.devstack.postgres import EmbeddedPostgres
from backend.devstack.supervisor import Supervisor
from tests.support.ports import reserved_port

READY = "everything runs"
DONE = (sys.executable, "-c", "pass")
PATIENCE = 60
"""Seconds that a busy machine may take for what happens at once on an idle one."""
# Answers every GET with 200, writes its pid and when it ends into the working folder given as its first argument.
SERVER = dedent(
    """
    import http.server, os, pathlib, signal, sys, time
    folder, name, port = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.end_headers()
    def end(*_):
        (folder / f"{name}.ended").write_text(str(time.monotonic())); os._exit(0)
    signal.signal(signal.SIGTERM, end)
    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    with (folder / f"{name}.pids").open("a") as file: file.write(f"{os.getpid()}\\n")
    server.serve_forever()
    """
)


class Run:
    """A supervisor on its own folder, its output, and what its services wrote."""

    def __init__(self, folder: Path, plan: Plan, *, servers: bool = False) -> None:
        self.folder = folder
        self.said = io.StringIO()
        stack = LocalStack(folder / "data", throwaway=True, with_postgres=servers, with_valkey=servers)
        self.stack = stack
        console = Console(Terminal(file=self.said, width=200))
        self.supervisor = Supervisor(stack, dict(os.environ), plan, console)
        self.task = asyncio.create_task(self.supervisor.run(READY))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; the supervisor must not end meanwhile."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                if self.task.done():
                    await self.task
                    raise AssertionError(f"ended early: {self.said.getvalue()}")
                await asyncio.sleep(0.02)

    async def until_ready(self) -> None:
        """Wait for the final line."""
        await self.until(lambda: READY in self.said.getvalue())

    def pids(self, name: str) -> list[int]:
        """Every process that ran a service so far."""
        path = self.folder / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    async def signalled(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to this process, which the supervisor has to handle, and wait until it is done."""
        os.kill(os.getpid(), number)
        async with asyncio.timeout(PATIENCE):
            await self.task


def answers(postgres: EmbeddedPostgres) -> bool:
    """Whether it runs; a first attempt to start it again may meet what the dead one left behind."""
    try:
        return postgres.psql("SELECT 1").strip() == "1"
    except StackError:
        return False


def server(folder: Path, name: str) -> Service:
    """A stand-in that serves."""
    port = reserved_port()
    command = (sys.executable, "-c", SERVER, str(folder), name, str(port))
    return Service(name, name.capitalize(), command, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signal_stops_everything_in_reverse_order(tmp_path: Path, number: signal.Signals) -> None:
    run = Run(tmp_path, Plan(DONE, DONE, (server(tmp_path, "first"), server(tmp_path, "second"))))
    await run.until_ready()
    pids = run.pids("first") + run.pids("second")
    await run.signalled(number)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    ended = [float((tmp_path / f"{name}.ended").read_text()) for name in ("first", "second")]
    assert ended[1] < ended[0]
    assert not (tmp_path / "data" / "processes").exists()
    assert run.said.getvalue().splitlines()[-1].strip() == "stopping"


async def test_service_that_dies_is_started_again(tmp_path: Path) -> None:
    run = Run(tmp_path, Plan(DONE, DONE, (server(tmp_path, "api"),)))
    await run.until_ready()
    os.kill(run.pids("api")[0], signal.SIGKILL)
    await run.until(lambda: len(run.pids("api")) == 2)
    assert "api was ended by SIGKILL; starting it again in 0.5 s" in run.said.getvalue()
    await run.signalled()
    assert not psutil.pid_exists(run.pids("api")[1])


async def test_servers_that_die_are_started_again_on_their_ports(tmp_path: Path) -> None:
    program = "import os, subprocess, sys; from backend.cli import main; sys.argv = ['ocsuite', 'migrate']; main()"
    run = Run(tmp_path, Plan(DONE, (sys.executable, "-c", program), ()), servers=True)
    await run.until_ready()
    postgres, valkey = run.stack.postgres, run.stack.valkey
    assert postgres is not None
    assert valkey is not None
    try:
        before = {name: (it.pid, it.port) for name, it in (("postgres", postgres), ("valkey", valkey))}
        for pid, _ in before.values():
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        await run.until(lambda: valkey.pid != before["valkey"][0] and postgres.pid != before["postgres"][0])
        await run.until(lambda: answers(postgres))
        assert postgres.psql("SELECT 1").strip() == "1"
        assert (postgres.port, valkey.port) == (before["postgres"][1], before["valkey"][1])
    finally:
        await run.signalled()


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; print('PORT: is wrong'); sys.exit(2)", "api ended with status 2: PORT: is wrong"),
        ("raise RuntimeError('no such thing')", "api ended with status 1: RuntimeError: no such thing"),
        (
            """import json; print(json.dumps({"event": "Traceback\\n  | ValueError: bad\\n  +---"}))
print('{"event": "giving up"}'); raise SystemExit(3)""",
            "api ended with status 3: ValueError: bad",
        ),
    ],
)
async def test_service_that_cannot_start_ends_everything(tmp_path: Path, program: str, message: str) -> None:
    healthy = server(tmp_path, "web")
    broken = Service("api", "API", (sys.executable, "-c", program), "http://127.0.0.1:9/")
    run = Run(tmp_path, Plan(DONE, DONE, (healthy, broken)))
    with pytest.raises(StackError, match=message):
        await asyncio.wait_for(run.task, PATIENCE)
    assert not any(psutil.pid_exists(pid) for pid in run.pids("web"))


async def test_step_that_fails_says_why(tmp_path: Path) -> None:
    failing = (sys.executable, "-c", "raise SystemExit('a page is wrong')")
    run = Run(tmp_path, Plan(failing, DONE, ()))
    with pytest.raises(StackError, match=r"build failed: a page is wrong \(log: .*build\.log\)"):
        await asyncio.wait_for(run.task, PATIENCE)
    assert "✗ Pages" in run.said.getvalue()


async def test_service_that_will_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(sys.argv[1], 'worker.pids').write_text(f'{os.getpid()} {child.pid}'); time.sleep(600)"
    )
    stubborn = Service("worker", "Worker", (sys.executable, "-c", program, str(tmp_path)), patience=0.3)
    run = Run(tmp_path, Plan(DONE, DONE, (stubborn,)))
    await run.until(lambda: len(run.pids("worker")) == 2)
    processes = [psutil.Process(pid) for pid in run.pids("worker")]
    await run.signalled()
    assert "worker did not end in 0.3 s and was killed" in run.said.getvalue()
    _, alive = psutil.wait_procs(processes, 5)
    assert all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


# Says through a pipe of that name that it runs, and ends when another one says so.
MEETING = "import os, sys; open(sys.argv[1], 'w').close(); open(sys.argv[2]).close()"


async def test_pages_are_built_while_servers_start_and_the_database_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building, migrating = tmp_path / "building", tmp_path / "migrating"
    for pipe in (building, migrating):
        os.mkfifo(pipe)
    build = (sys.executable, "-c", MEETING, str(building), str(migrating))
    migrate = (sys.executable, "-c", "import sys; open(sys.argv[1], 'w').close()", str(migrating))

    def start_postgres(_: LocalStack) -> None:
        with os.fdopen(os.open(building, os.O_RDONLY | os.O_NONBLOCK)) as pipe:
            assert select.select([pipe], [], [], PATIENCE)[0], "nobody builds the pages yet"

    monkeypatch.setattr(LocalStack, "start_postgres", start_postgres)
    run = Run(tmp_path, Plan(build, migrate, (server(tmp_path, "api"),)))
    await run.until_ready()
    await run.signalled()
    said = run.said.getvalue()
    begun, done = (re.findall(rf"^  {mark} (.+?)(?:  .*)?$", said, re.MULTILINE) for mark in "…✓")
    assert begun == ["Pages", "Database", "Queue", "Database schema", "Api"]
    assert sorted(done) == sorted(begun)
    assert said.index("… Database schema") < said.index("✓ Pages")


async def test_a_model_is_fetched_before_it_starts_and_while_pages_are_built(tmp_path: Path) -> None:
    fetching = tmp_path / "fetching"
    os.mkfifo(fetching)
    build = (sys.executable, "-c", "import sys; open(sys.argv[1]).close()", str(fetching))
    fetch = (sys.executable, "-c", "import sys; open(sys.argv[1], 'w').close()", str(fetching))
    model = replace(server(tmp_path, "model"), after="model")
    run = Run(tmp_path, Plan(build, DONE, (model,), fetch))
    await run.until_ready()
    await run.signalled()
    said = run.said.getvalue()
    assert -1 < said.index("… Fetching the model") < said.index("✓ Fetching the model") < said.index("… Model")


async def test_a_model_that_cannot_be_fetched_is_named(tmp_path: Path) -> None:
    failing = (sys.executable, "-c", "raise SystemExit('install: no network')")
    run = Run(tmp_path, Plan(DONE, DONE, (), failing))
    with pytest.raises(StackError, match=r"fetch failed: install: no network \(log: .*fetch\.log\)"):
        await asyncio.wait_for(run.task, PATIENCE)


def test_a_reader_that_went_away_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "from backend.devstack.console import Console; it = Console(); it.say('stopping'); it.say('stopped')"
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run([sys.executable, "-c", program], stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


async def test_logs_are_shown_when_asked_for(tmp_path: Path) -> None:
    program = "import time; print('hello from the worker', flush=True); time.sleep(600)"
    run = Run(tmp_path, Plan(DONE, DONE, (Service("worker", "Worker", (sys.executable, "-c", program)),)))
    run.supervisor._console.verbose = True
    await run.until(lambda: "worker │ hello from the worker" in run.said.getvalue())
    await run.signalled()
