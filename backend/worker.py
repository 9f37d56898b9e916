"""Composition root of the background process.

Until queues arrive with the tasks it does the product's upkeep: ends answers whose generator was lost, removes what has
expired, seals and verifies audit logs, erases companies whose time has come. Every worker may do so at once; each step
is one that only one of them can win, or that does no harm twice. The jobs run side by side, and none ends for the fault
of another or of its own.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import structlog
from sqlalchemy import text

from backend.kernel.db.tenancy import ANONYMOUS
from backend.kernel.errors import Unavailable
from backend.kernel.http.problems import problem_of
from backend.kernel.observe.logging import configure_logging
from backend.registry import Foundation
from backend.settings import Settings

log = structlog.get_logger(__name__)

SETTLE_EVERY: Final = 2.0
PURGE_EVERY: Final = 3600.0
SEAL_EVERY: Final = 1.0
ERASE_EVERY: Final = 60.0
VERIFY_EVERY: Final = 600.0
"""How often is looked for logs that nobody verified for a day."""


class Job(NamedTuple):
    """What is done at once and then every so many seconds; ``run`` gives how much was done."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[int]]


def run(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM."""
    configure_logging(settings.env)
    asyncio.run(work(settings))


async def work(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Work until ``stop`` is set or a signal comes."""
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    base = Foundation(settings)
    log.info("worker_started")
    try:
        async with asyncio.TaskGroup() as tasks:
            for job in _jobs(base):
                tasks.create_task(_repeat(job, stop), name=job.name)
    finally:
        await base.close()
        log.info("worker_stopped")


def _jobs(base: Foundation) -> tuple[Job, ...]:
    async def purge() -> int:
        async with base.db.transaction(ANONYMOUS) as session:
            query = text("SELECT util.purge_expired() + util.purge_accounts()")
            return int((await session.execute(query)).scalar_one())

    return (
        Job("settle_abandoned", SETTLE_EVERY, base.generator.settle_abandoned),
        Job("purge", PURGE_EVERY, purge),
        Job("seal_waiting", SEAL_EVERY, base.sealer.seal_waiting),
        Job("erase_due", ERASE_EVERY, base.eraser.erase_due),
        Job("verify_due", VERIFY_EVERY, base.verifications.verify_due),
    )


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
