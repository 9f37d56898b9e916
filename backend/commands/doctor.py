"""`ocsuite doctor`."""

import asyncio
from collections import Counter

import click
from rich.console import Console
from rich.text import Text

from backend.commands import environment
from backend.settings import Settings

_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command(
    help="Check database, extension, roles, policies, signed context, queue and keys, and say what to mend. "
    "Exit status 0: nothing failed (there may be warnings), 1: something did."
)
def doctor() -> None:
    """Changes nothing."""
    settings = environment.settings()
    if asyncio.run(_report(settings))["fail"]:
        raise SystemExit(1)


async def _report(settings: Settings) -> Counter[str]:
    from backend.commands.diagnosis import examine

    terminal = Console(highlight=False)
    counts: Counter[str] = Counter()
    async for finding in examine(settings):
        counts[finding.status] += 1
        terminal.print(Text.assemble(_MARKS[finding.status], f" {finding.subject:<18}{finding.detail}"), soft_wrap=True)
        if finding.mend:
            terminal.print(Text(f"    to mend: {finding.mend}", style="bold"), soft_wrap=True)
    terminal.print(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed")
    return counts
