"""Child processes of the supervisor: started, watched, restarted with backoff, stopped in order."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from backend.devstack import leftovers, process
from backend.devstack.errors import StackError
from backend.devstack.logs import last_words

WRONG_SETTINGS: Final = 2  # a child's exit status that no restart can mend
_FIRST_PAUSE: Final = 0.5  # seconds; doubles with every crash in a row
_LONGEST_PAUSE: Final = 15.0
_STEADY: Final = 60.0  # seconds of life after which earlier crashes are forgotten
_CRASHES_AT_START: Final = 3  # before it was ever ready

Say = Callable[[str], None]
Phase = Literal["schema", "pages", "model", "others"]


@dataclass(frozen=True, slots=True)
class Service:
    """A command that runs as long as the stack does."""

    name: str
    title: str
    command: tuple[str, ...]
    address: str | None = None  # answers 200 there once it is ready; None: ready when it runs
    after: Phase = "schema"  # what must be done before it starts
    patience: float = 10.0  # seconds between asking it to end and killing it


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs on top of the two servers: commands that end, and services that do not."""

    build_pages: tuple[str, ...]
    migrate: tuple[str, ...]
    services: tuple[Service, ...]
    fetch_model: tuple[str, ...] | None = None  # where the services need a model that is not installed


def ocsuite(*arguments: str) -> tuple[str, ...]:
    """The command line of one of our own commands, in this interpreter."""
    return (sys.executable, "-m", "backend.cli", *arguments)


@dataclass(slots=True)
class Child:
    """A service and the process that runs it now."""

    service: Service
    environment: Mapping[str, str]
    log: Path
    data_dir: Path
    say: Say
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _process: subprocess.Popen[bytes] | None = None
    _stopping: bool = False
    _log_begin: int = 0

    def start(self) -> None:
        """Start the process. Call from the main thread: on Linux a child ends with the thread that started it."""
        with self.log.open("ab") as log:
            self._log_begin = log.tell()
            self._process = process.start(self.service.command, log=log, environment=self.environment, cwd=Path.cwd())
        leftovers.note(self.data_dir, self._process.pid)

    async def keep(self) -> None:
        """Restart the process whenever it ends, until `stop`; raises `StackError` if it cannot even start."""
        crashes = 0
        while True:
            assert self._process is not None
            born = time.monotonic()
            status = await asyncio.to_thread(self._process.wait)
            if self._stopping:
                return
            if status < 0:
                why = f"{self.service.name} was ended by {signal.Signals(-status).name}"
            else:
                why = f"{self.service.name} ended with status {status}: {last_words(self.log, self._log_begin)}"
            crashes = 1 if time.monotonic() - born > _STEADY else crashes + 1
            if not self.ready.is_set() and (status == WRONG_SETTINGS or crashes >= _CRASHES_AT_START):
                raise StackError(f"{why} (log: {self.log})")
            pause = min(_FIRST_PAUSE * 2 ** (crashes - 1), _LONGEST_PAUSE)
            self.say(f"{why}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            self.start()

    def ask_to_stop(self) -> None:
        """Send SIGTERM; no restart follows."""
        self._stopping = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    async def stop(self) -> None:
        """End the process, killing it and its children when it takes longer than its patience."""
        self.ask_to_stop()
        if self._process is None:
            return
        try:
            async with asyncio.timeout(self.service.patience):
                await asyncio.to_thread(self._process.wait)
        except TimeoutError:
            self.kill()
            self.say(f"{self.service.name} did not end in {self.service.patience:g} s and was killed")

    def kill(self) -> None:
        """Kill the process and everything it started."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
