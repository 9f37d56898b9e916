"""`ocsuite up`: starts everything in order, keeps it running, stops it in reverse order."""

import asyncio
import signal
import urllib.error
import urllib.request
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from backend.devstack import process
from backend.devstack.children import Child, Phase, Plan
from backend.devstack.console import Console
from backend.devstack.errors import StackError
from backend.devstack.local import LocalStack
from backend.devstack.logs import last_words
from backend.devstack.schema_mark import SchemaMark

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PAUSE: Final = 0.1  # seconds between two looks at a service that is starting
_LOOKS: Final = 1200
_SERVER_RESTARTS: Final = 5  # of Postgres or Valkey, in a row


class Server(Protocol):
    """An embedded server."""

    port: int

    def wait(self) -> int: ...
    def restart(self) -> None: ...


class Supervisor:
    """Runs one `LocalStack` and the services on top of it."""

    def __init__(self, stack: LocalStack, environ: Mapping[str, str], plan: Plan, console: Console) -> None:
        """`environ` is what every service gets, besides the addresses of the stack."""
        self._stack = stack
        self._environ = dict(environ)
        self._plan = plan
        self._console = console
        self._children: list[Child] = []
        self._stop = asyncio.Event()
        self._stopping = False

    async def run(self, ready_line: str, *, hint: str = "") -> None:
        """Run until SIGINT, SIGTERM or SIGHUP; raises `StackError` when something cannot start or be kept running.

        Once everything runs, `hint` is said, and `ready_line` last.
        """
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        try:
            with self._console:
                await self._until_stopped(self._start(ready_line, hint))
        finally:
            await self._stop_everything()

    async def _start(self, ready_line: str, hint: str) -> None:
        """Bring everything up, then keep it up; never returns."""
        async with asyncio.TaskGroup() as tasks:
            self._stack.prepare()
            if self._console.verbose:
                tasks.create_task(self._console.follow(self._stack.logs))
            await asyncio.gather(self._start_web(tasks), self._start_model(tasks), self._start_backend(tasks))
            await self._start_services(tasks, "others")
            if hint:
                self._console.say(hint)
            self._console.ready(ready_line)

    async def _start_web(self, tasks: asyncio.TaskGroup) -> None:
        with self._console.step("Pages"):
            await self._finish("build", self._plan.build_pages)
        await self._start_services(tasks, "pages")

    async def _start_model(self, tasks: asyncio.TaskGroup) -> None:
        if self._plan.fetch_model is not None:
            with self._console.step("Fetching the model"):
                await self._finish("fetch", self._plan.fetch_model)
        await self._start_services(tasks, "model")

    async def _start_backend(self, tasks: asyncio.TaskGroup) -> None:
        await self._start_servers(tasks)
        schema = SchemaMark(self._stack, self._environ)
        if not schema.is_current():
            with self._console.step("Database schema"):
                await self._finish("migrate", self._plan.migrate)
            schema.remember()
        await self._start_services(tasks, "schema")

    async def _start_services(self, tasks: asyncio.TaskGroup, phase: Phase) -> None:
        """Start the services of one phase and wait until those with an address answer."""
        started = [
            Child(service, self._environ, self._log(service.name), self._stack.data_dir, self._console.say)
            for service in self._plan.services
            if service.after == phase
        ]
        for child in started:
            child.start()
            self._children.append(child)
            tasks.create_task(child.keep())
        await asyncio.gather(*(self._wait_for(child, child.service.address) for child in started))

    async def _start_servers(self, tasks: asyncio.TaskGroup) -> None:
        # In this thread, because on Linux a child ends with the thread that started it.
        for title, start in (("Database", self._stack.start_postgres), ("Queue", self._stack.start_valkey)):
            with self._console.step(title):
                await asyncio.sleep(0)
                start()
        self._environ |= self._stack.environment() | {
            name: value for name, value in self._environ.items() if value.strip()
        }
        for name, server in (("postgres", self._stack.postgres), ("valkey", self._stack.valkey)):
            if server is not None:
                tasks.create_task(self._keep(name, server))

    async def _keep(self, name: str, server: Server) -> None:
        """Start an embedded server again whenever it ends."""
        while True:
            await asyncio.to_thread(server.wait)
            if self._stopping:
                return
            self._console.say(f"{name} ended: {last_words(self._log(name))}; starting it again")
            for attempt in range(_SERVER_RESTARTS):
                try:
                    server.restart()
                    break
                except StackError as error:
                    if attempt == _SERVER_RESTARTS - 1:
                        raise
                    self._console.say(str(error))
                    await asyncio.sleep(2**attempt)  # what the dead server left must end first

    async def _finish(self, name: str, command: tuple[str, ...]) -> None:
        """Run a command to its end; raises `StackError` with its last words if it fails."""
        log = self._log(name)
        with log.open("ab") as file:
            begin = file.tell()
            running = process.start(command, log=file, environment=self._environ, cwd=Path.cwd())
        try:
            status = await asyncio.to_thread(running.wait)
        finally:
            process.stop(running, signal.SIGKILL, 1)
        if status != 0:
            raise StackError(f"{name} failed: {last_words(log, begin)} (log: {log})")

    async def _wait_for(self, child: Child, address: str | None) -> None:
        """Until the service answers at its address, if it has one."""
        if address is None:
            child.ready.set()
            return
        with self._console.step(child.service.title):
            for _ in range(_LOOKS):
                if await asyncio.to_thread(answers, address):
                    child.ready.set()
                    return
                await asyncio.sleep(_PAUSE)
        raise StackError(f"{child.service.name} does not answer at {address} (log: {child.log})")

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it fails or a signal arrives."""
        running = asyncio.create_task(work)
        signalled = asyncio.create_task(self._stop.wait())
        await asyncio.wait({running, signalled}, return_when=asyncio.FIRST_COMPLETED)
        self._stopping = True
        signalled.cancel()
        if not running.done():
            running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            return
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _stop_everything(self) -> None:
        self._stopping = True
        if self._stack.locked:
            self._console.say("stopping")
        for child in reversed(self._children):
            await child.stop()
        self._stack.stop()

    def _on_signal(self) -> None:
        """The first signal stops in order; another one does not wait for anybody."""
        if self._stop.is_set():
            for child in self._children:
                child.kill()
        self._stop.set()

    def _log(self, name: str) -> Path:
        return self._stack.logs / f"{name}.log"


def answers(address: str) -> bool:
    """Whether a GET there is answered with 200. Blocks, for two seconds at most."""
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:  # noqa: S310 - our own http addresses
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The cause to show of several failures at once."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
