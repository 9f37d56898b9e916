"""`ocsuite up`: starts everything in order, keeps it running, stops it in reverse order."""

import asyncio
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from backend.stack import process
from backend.stack.children import Child, Service, last_words, ocsuite
from backend.stack.console import Console
from backend.stack.errors import StackError
from backend.stack.local import LocalStack

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ASK_EVERY: Final = 0.1  # seconds between two looks at a service that is starting
_START_SECONDS: Final = 120.0
_SERVER_RESTARTS: Final = 5  # of Postgres or Valkey, in a row


class Server(Protocol):
    """An embedded server."""

    port: int

    def wait(self) -> int: ...
    def restart(self) -> None: ...


class Supervisor:
    """Runs one `LocalStack` and the services on top of it."""

    def __init__(
        self, stack: LocalStack, environ: Mapping[str, str], services: tuple[Service, ...], console: Console
    ) -> None:
        """`environ` is what every service gets, besides the addresses of the stack."""
        self._stack = stack
        self._environ = dict(environ)
        self._services = services
        self._console = console
        self._children: list[Child] = []
        self._builder: subprocess.Popen[bytes] | None = None
        self._stop = asyncio.Event()
        self._stopping = False

    async def run(self, ready_line: str) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP; raises `StackError` when something cannot start or be kept running."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        try:
            with self._console:
                await self._until_stopped(self._start(ready_line))
        finally:
            await self._stop_everything()

    async def _start(self, ready_line: str) -> None:
        """Bring everything up, then keep it up; never returns."""
        async with asyncio.TaskGroup() as tasks:
            self._stack.prepare()
            if self._console.verbose:
                tasks.create_task(self._console.follow(self._stack.logs))
            pages = tasks.create_task(self._build_pages())
            await self._start_servers(tasks)
            await self._migrate()
            await pages
            for service in self._services:
                child = Child(service, self._environ, self._log(service.name), self._stack.data_dir, self._console.say)
                child.start()
                self._children.append(child)
                tasks.create_task(child.keep())
            await asyncio.gather(*(self._wait_for(child) for child in self._children))
            self._console.ready(ready_line)

    async def _start_servers(self, tasks: asyncio.TaskGroup) -> None:
        # In this thread, because on Linux a child ends with the thread that started it.
        for title, start in (("Postgres", self._stack.start_postgres), ("Valkey", self._stack.start_valkey)):
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

    async def _migrate(self) -> None:
        with self._console.step("Database schema"):
            await self._finish("migrate", ocsuite("migrate"))

    async def _build_pages(self) -> None:
        with self._console.step("Pages"):
            await self._finish("build", ocsuite("web", "--build-only"))

    async def _finish(self, name: str, command: list[str]) -> None:
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

    async def _wait_for(self, child: Child) -> None:
        """Until the service answers at its address."""
        with self._console.step(child.service.name.capitalize()):
            async with asyncio.timeout(_START_SECONDS):
                while child.service.address and not await asyncio.to_thread(answers, child.service.address):
                    await asyncio.sleep(_ASK_EVERY)  # noqa: ASYNC110 - another process cannot set an event of ours
            child.ready.set()

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
            child.ask_to_stop()
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
