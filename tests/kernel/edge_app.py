"""A small application behind the real edges: real Redis and database, handlers that provoke every kind of answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import redis.exceptions
import sqlalchemy.exc
from litestar import Litestar, Request, get, post
from litestar.params import FromPath, JSONBody

from backend.domains.access.key_tokens import KeyOrSession
from backend.domains.identity.domain import Identity
from backend.kernel.auth.authentication import Authentication, Principal, invalid_token
from backend.kernel.db.database import Database
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.errors import EmailTaken
from backend.kernel.http.edges import edges
from backend.kernel.http.paging import Cursor, Limit, TimeKey, decode_cursor
from backend.kernel.http.traits import Traits
from backend.kernel.limits.limiter import Limit as RateLimit
from backend.kernel.limits.limiter import RateLimiter
from backend.kernel.limits.policies import Policies, charge_tenant, default_policies
from backend.settings import Settings
from module_sdk.api.csuite import ChatRequest
from module_sdk.api.identity import SignUp


class Client(httpx.AsyncClient):
    """Calls ``app`` in this event loop, where the database's connections belong."""

    def __init__(self, app: Litestar) -> None:
        super().__init__(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")  # type: ignore[arg-type]  # Litestar's own ASGI types
        self.app = app


class Tokens:
    """Accepts ``user-<uuid>`` and nothing else; the session is called like the token."""

    async def authenticate(self, token: str) -> Principal:
        try:
            user_id = UUID(token.removeprefix("user-"))
        except ValueError:
            raise invalid_token() from None
        return Principal(user_id, token, datetime(2100, 1, 1, tzinfo=UTC))


@dataclass
class Acts:
    """What the POST handler did, and the gate that holds it until a test opens it."""

    count: int = 0
    status: int = 201
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)


FAULTS = {
    "bug": RuntimeError("postgresql://app:hunter2@db/ocsuite"),
    "redis": redis.exceptions.ConnectionError("redis at 10.0.0.1 refused"),
    "refused": ConnectionRefusedError("10.0.0.1"),
    "pool": sqlalchemy.exc.TimeoutError("QueuePool limit"),
    "interface": sqlalchemy.exc.InterfaceError("SELECT secret", {}, Exception("gone")),
    "timeout": TimeoutError(),
}


def handlers(acts: Acts) -> list[Any]:
    """The routes."""

    @get("/things/{thing_id:uuid}")
    async def thing(thing_id: FromPath[UUID]) -> dict[str, str]:
        return {"id": str(thing_id)}

    @get("/things")
    async def things(limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
        return {"limit": limit, "after": decode_cursor(cursor, TimeKey)}

    @get("/faults/{name:str}", opt=Traits(public=True).opt)
    async def fault(name: FromPath[str]) -> None:
        raise FAULTS[name]

    @post("/sign-up", opt=Traits(public=True, rate="auth", errors=(EmailTaken,)).opt)
    async def sign_up(data: JSONBody[SignUp]) -> dict[str, str]:
        return {"email": data.email}

    @post("/acts", opt=Traits(idempotent=True).opt)
    async def act(data: JSONBody[ChatRequest]) -> Any:
        acts.count += 1
        acts.entered.set()
        await acts.gate.wait()
        if acts.status >= 500:
            raise RuntimeError("broken")
        return {"number": acts.count, "message": data.message}

    @get("/tenant")
    async def tenant(request: Request[Principal, Any, Any]) -> None:
        await charge_tenant(request.scope, request.user.user_id, UUID(request.headers["X-Tenant-Id"]))

    return [thing, things, fault, sign_up, act, tenant]


def tight_policies(**quotas: int) -> Policies:
    """Policies under names of their own, so that tests in one Redis do not meet; absent quotas are wide."""
    unique = uuid4().hex[:8]

    def limit(kind: str) -> RateLimit:
        return RateLimit(f"{kind}-{unique}", quotas.get(kind, 100_000), 60)

    return replace(
        default_policies(Identity.rates, local=True),
        address=limit("address"),
        user=limit("user"),
        tenant=limit("tenant"),
        failures=limit("failures"),
        lookups=limit("lookups"),
    )


@asynccontextmanager
async def edge_client(
    settings: Settings,
    db: Database,
    *,
    acts: Acts | None = None,
    policies: Policies | None = None,
    keys: KeyOrSession | None = None,
    **options: Any,
) -> AsyncIterator[Client]:
    """A client of the application; closes everything afterwards. ``keys`` may be asked in place of :class:`Tokens`."""
    parts = edges(
        settings,
        RateLimiter(RedisBatcher(settings.redis_url)),
        db,
        version="1.2.3",
        policies=policies or tight_policies(),
        **options,
    )
    app = Litestar(
        [*handlers(acts or Acts()), *parts.route_handlers],
        middleware=parts.middleware(
            Authentication(Tokens()) if keys is None else Authentication(keys, parts.lookups(keys.is_free))
        ),
        exception_handlers=parts.exception_handlers,
        request_class=parts.request_class,
        before_request=parts.before_request,
        openapi_config=parts.openapi_config,
        logging_config=None,
    )
    await parts.start()  # not by the lifespan: a fixture is set up and torn down in two tasks
    try:
        async with Client(parts.wrap(app)) as client:
            yield client
    finally:
        await parts.stop()


def bearer(user_id: UUID | None = None) -> dict[str, str]:
    """The header of a signed-in person."""
    return {"Authorization": f"Bearer user-{user_id or uuid4()}"}


async def until(condition: Any, seconds: float = 60.0) -> None:
    """Wait for something that no event tells."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.01)
