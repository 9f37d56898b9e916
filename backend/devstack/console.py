"""What `ocsuite up` shows: steps with a spinner and a tick on a terminal, plain lines elsewhere."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.console import Console as Terminal
from rich.console import ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text


@dataclass(slots=True)
class _Step:
    title: str
    begun: float
    ended: float | None = None
    failed: bool = False
    spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="cyan"))

    def line(self, now: float) -> Text:
        """Title and seconds, under a mark that says how it went."""
        mark: tuple[str, str]
        if self.ended is None:
            drawn = self.spinner.render(now)
            mark = (drawn.plain if isinstance(drawn, Text) else "…", "cyan")
        else:
            mark = ("✗", "red") if self.failed else ("✓", "green")
        seconds = (self.ended or now) - self.begun
        return Text.assemble("  ", mark, f" {self.title:<18}", (f"{seconds:6.1f} s", "dim"))


class _Screen(Terminal):
    """Whoever reads it may go away: what runs has to be stopped in order all the same."""

    def on_broken_pipe(self) -> None:
        """Say nothing more, but do not exit."""
        with suppress(SystemExit):
            super().on_broken_pipe()


class Console:
    """Progress, messages and the final line; with `verbose`, the services' logs as well."""

    def __init__(self, terminal: Terminal | None = None, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self._terminal = terminal or _Screen(highlight=False)
        self._steps: list[_Step] = []
        self._live: Live | None = None

    def __rich_console__(self, console: Terminal, options: ConsoleOptions) -> RenderResult:
        now = time.monotonic()
        yield from (step.line(now) for step in self._steps)

    def __enter__(self) -> Self:
        if self._terminal.is_terminal:
            self._live = Live(self, console=self._terminal, refresh_per_second=12)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_live()

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A piece of work: ticked when the block ends, crossed when it raises. Several may run at once."""
        step = _Step(title, time.monotonic())
        self._steps.append(step)
        if self._live is None:
            self._terminal.print(f"  … {title}")
        try:
            yield
        except asyncio.CancelledError:
            self._steps.remove(step)
            raise
        except BaseException:
            step.failed = True
            raise
        finally:
            step.ended = time.monotonic()
            if self._live is None and step in self._steps:
                self._terminal.print(step.line(step.ended))

    def ready(self, line: str) -> None:
        """Everything runs."""
        self._end_live()
        self._terminal.print(Text(line, style="bold green"), soft_wrap=True)

    def say(self, message: str) -> None:
        """A line about something that happened."""
        self._terminal.print(Text(f"  {message}", style="dim"), soft_wrap=True)

    async def follow(self, logs: Path) -> None:
        """Print what is added to the log files of a folder, until cancelled."""
        sizes = {path: path.stat().st_size for path in logs.glob("*.log")}
        while True:
            for path in sorted(logs.glob("*.log")):
                with path.open("rb") as file:
                    file.seek(sizes.get(path, 0))
                    added = file.read()
                whole = added[: added.rfind(b"\n") + 1]
                sizes[path] = sizes.get(path, 0) + len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    self._terminal.print(Text.assemble((f"{path.stem:>9} │ ", "dim"), line), soft_wrap=True)
            await asyncio.sleep(0.2)  # files have no event that works everywhere
