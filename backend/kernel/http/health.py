"""Liveness and readiness."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.kernel.db.database import DATABASE_AWAY
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.http.traits import OPERATIONAL
from module_sdk.api.base import Reply

CHECK_SECONDS: Final = 2.0

Probe = Callable[[], Awaitable[None]]
"""Returns when the part works and raises when it does not; the error's type alone is shown."""


class NotReadyError(Exception):
    """A part answers and is not as it has to be; the text is shown."""


class PartState(Reply, frozen=True, kw_only=True):
    """One part that the API needs."""

    status: Literal["ok", "failed"]
    ms: float
    reason: str | None = None


class Health(Reply, frozen=True, kw_only=True):
    """Whether the API can serve, and what each part said."""

    status: Literal["ok", "failed"]
    parts: dict[str, PartState] = msgspec.field(default_factory=dict)


def database_check(engine: AsyncEngine, head: str | None) -> Probe:
    """Whether the database answers and, if ``head`` is given, has exactly that migration."""

    async def check() -> None:
        async with engine.connect() as connection:
            version = (await connection.execute(text("SELECT util.schema_version()"))).scalar()
        if head is not None and version != head:
            raise NotReadyError(f"database is at migration {version}, not {head}")

    return check


def redis_check(redis: RedisBatcher) -> Probe:
    """Whether Redis answers."""
    return redis.ping


def health_routes(checks: Mapping[str, Probe]) -> list[HTTPRouteHandler]:
    """``GET /health/live`` (the process answers) and ``GET /health/ready`` (so does everything that it needs)."""
    names = list(checks)
    running: asyncio.Task[list[PartState]] | None = None

    async def ask() -> list[PartState]:
        return await asyncio.gather(*(_state(checks[name]) for name in names))

    @get(
        "/health/live",
        operation_id="live",
        sync_to_thread=False,
        opt=OPERATIONAL.opt,
        tags=["operations"],
        summary="Is the process alive",
    )
    def live() -> Health:
        """Always `ok`: a process that cannot answer this is to be restarted."""
        return Health(status="ok")

    @get(
        "/health/ready",
        operation_id="ready",
        opt=OPERATIONAL.opt,
        tags=["operations"],
        summary="Can requests be served",
        responses={503: ResponseSpec(Health, description="A part is away")},
    )
    async def ready() -> Response[Health]:
        """Asks the database and Redis. 503 if a part is away; the same document says which."""
        nonlocal running
        # Anybody may ask as often as they like: all who ask meanwhile share one answer, and one connection.
        if running is None or running.done():
            running = asyncio.create_task(ask(), name="readiness")
        states = await asyncio.shield(running)
        failed = any(state.status == "failed" for state in states)
        health = Health(status="failed" if failed else "ok", parts=dict(zip(names, states, strict=True)))
        return Response(health, status_code=503 if failed else 200)

    return [live, ready]


async def _state(check: Probe) -> PartState:
    began = time.perf_counter()
    reason = None
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except NotReadyError as error:
        reason = str(error)
    except TimeoutError:
        reason = "no answer in time"
    except (*DATABASE_AWAY, RedisError) as error:
        reason = type(error).__name__
    ms = round((time.perf_counter() - began) * 1000, 2)
    return PartState(status="failed" if reason else "ok", ms=ms, reason=reason)
