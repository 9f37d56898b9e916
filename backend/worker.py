"""Composition root of the background process.

Until queues arrive with the tasks it does the product's upkeep: ends answers whose generator was lost, removes what has
expired, seals and verifies audit logs, erases companies whose time has come. Every worker may do so at once; each step
is one that only one of them can win, or that does no harm twice.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backend.kernel.logging import configure_logging
from backend.kernel.tenancy import ANONYMOUS
from backend.registry import Foundation
from backend.settings import Settings

log = structlog.get_logger(__name__)

SETTLE_EVERY: Final = 2.0
PURGE_EVERY: Final = 3600.0
SEAL_EVERY: Final = 1.0
ERASE_EVERY: Final = 60.0
VERIFY_EVERY: Final = 600.0
"""How often is looked for logs that nobody verified for a day."""


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
            tasks.create_task(_every(SETTLE_EVERY, base.generator.settle_abandoned, stop))
            tasks.create_task(_every(PURGE_EVERY, lambda: _purge(base), stop))
            tasks.create_task(_every(SEAL_EVERY, base.sealer.seal_waiting, stop))
            tasks.create_task(_every(ERASE_EVERY, base.eraser.erase_due, stop))
            tasks.create_task(_every(VERIFY_EVERY, base.verifications.verify_due, stop))
    finally:
        await base.close()
        log.info("worker_stopped")


async def _purge(base: Foundation) -> int:
    async with base.db.transaction(ANONYMOUS) as session:
        query = text("SELECT util.purge_expired() + util.purge_accounts()")
        return int((await session.execute(query)).scalar_one())


async def _every(seconds: float, job: Callable[[], Awaitable[int]], stop: asyncio.Event) -> None:
    """Run a job at once and then regularly; while the database or Redis is away it is tried again the next time."""
    while not stop.is_set():
        try:
            done = await job()
            if done:
                log.info("upkeep", job=getattr(job, "__name__", "purge"), done=done)
        except (SQLAlchemyError, RedisError, OSError) as error:
            log.warning("upkeep_failed", job=getattr(job, "__name__", "purge"), reason=type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            continue
