"""Composition root of the background process, which does the upkeep that the domains declare."""

import asyncio
import signal

import structlog

from backend.kernel.jobs.upkeep import repeat_all
from backend.kernel.observe.logging import configure_logging
from backend.registry import Product
from backend.settings import Settings

log = structlog.get_logger(__name__)


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
    product = Product(settings)
    log.info("worker_started")
    try:
        await repeat_all(product.jobs, stop)
    finally:
        await product.close()
        log.info("worker_stopped")
