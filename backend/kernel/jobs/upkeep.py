"""Upkeep: what every worker does again and again, each job beside the others.

Every worker may do so at once; each step is one that only one of them can win, or that does no harm twice. None ends
for the fault of another or of its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from backend.kernel.errors import Unavailable
from backend.kernel.http.problems import problem_of

log = structlog.get_logger(__name__)


class Job(NamedTuple):
    """What is done at once and then every so many seconds; ``run`` gives how much was done."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[int]]


async def repeat_all(jobs: Iterable[Job], stop: asyncio.Event) -> None:
    """Run ``jobs`` side by side until ``stop`` is set."""
    async with asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(_repeat(job, stop), name=job.name)


async def _repeat(job: Job, stop: asyncio.Event) -> None:
    """Run a job until ``stop`` is set. Whatever it raises is told of once, and it is tried again the next time."""
    failing = ""
    while not stop.is_set():
        try:
            done = await job.run()
        except Exception as error:
            failing = _tell(job, error, failing)
        else:
            if failing:
                log.info("upkeep_works_again", job=job.name)
                failing = ""
            if done:
                log.info("upkeep", job=job.name, done=done)
        try:
            await asyncio.wait_for(stop.wait(), job.seconds)
        except TimeoutError:
            continue


def _tell(job: Job, error: Exception, failing: str) -> str:
    """Log what a job raised unless it raised the same the last time; the type of it."""
    reason = type(error).__name__
    if reason != failing:
        away = isinstance(problem_of(error), Unavailable)  # a database or disk that comes back needs no traceback
        log.log(logging.WARNING if away else logging.ERROR, "upkeep_failed", job=job.name, reason=reason,
                exc_info=None if away else error)  # fmt: skip
    return reason
