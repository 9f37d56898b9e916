"""The identity domain behind HTTP: real Postgres and Valkey, the real layers, the application role."""

import io
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from litestar import Litestar, get
from litestar.connection import Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from backend.departures import CompanyDepartures
from backend.domains.csuite.belongings import Conversations
from backend.domains.identity.service import Attempts
from backend.domains.identity.wiring import Identity, LocalIdentity, Parts, create_identity
from backend.kernel.auth.authentication import PUBLIC, Authentication, Principal
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.db.tenancy import ContextSigner
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.problems import exception_handlers
from backend.kernel.http.requests import ApiRequest
from backend.kernel.limits.limiter import Limit, RateLimiter
from backend.kernel.limits.policies import FailedAuthentications, RateLimits, default_policies
from backend.kernel.observe.logging import configure_logging
from backend.kernel.observe.requests import Observe
from backend.settings import Settings
from crypto import Keyring
from module_sdk.api.identity import Membership, TenantRef

PASSWORD = "correct horse battery"
ORIGIN = "http://localhost:3000"
ROOMY = Attempts(*(Limit(f"test-{name}", 10_000, 60) for name in ("account", "client", "up")))


def owner(environment: dict[str, str]) -> AsyncEngine:
    return create_async_engine("postgresql+asyncpg://" + environment["DATABASE_OWNER_URL"].partition("://")[2])


class OneCompany:
    """Everybody belongs to one company."""

    async def of(self, session: AsyncSession) -> list[Membership]:
        assert await session.scalar(text("SELECT util.current_user()")) is not None
        company = TenantRef(id=UUID(int=1), name="Acme", slug="acme")
        return [Membership(tenant=company, role="owner", roles=["owner"], permissions=["chat.use"])]


@get("/whoami", name="whoami")
async def whoami(request: Request[Principal, None, Any]) -> dict[str, Any]:
    return {
        "user_id": str(request.user.user_id),
        "session_id": request.user.session_id,
        "log": str(structlog.contextvars.get_contextvars().get("user_id")),
    }


@get("/open", opt={PUBLIC: True}, name="open")
async def everybody() -> dict[str, bool]:
    return {"open": True}


@dataclass
class Api:
    """A running application and its parts."""

    http: httpx.AsyncClient
    identity: Identity
    database: Database
    redis: RedisBatcher
    owner: AsyncEngine
    settings: Settings
    app: Any

    async def sign_up(self, email: str | None = None, **changes: Any) -> httpx.Response:
        body = {"email": email or address(), "password": PASSWORD, "full_name": "Ada Lovelace", **changes}
        return await self.http.post("/auth/sign-up", json=body)

    async def sign_in(self, email: str, password: str = PASSWORD, **options: Any) -> httpx.Response:
        return await self.http.post("/auth/sign-in", json={"email": email, "password": password}, **options)

    async def get(self, path: str, token: str) -> httpx.Response:
        return await self.http.get(path, headers={"Authorization": f"Bearer {token}"})

    async def with_cookie(self, path: str, cookie: str | None, **headers: str) -> httpx.Response:
        sent = {name.encode(): value.encode() for name, value in headers.items()}
        if cookie is not None:
            sent[b"Cookie"] = f"ocsuite_session={cookie}".encode("latin-1")
        return await self.http.post(path, headers=sent)

    async def sql(self, statement: str, **values: Any) -> Any:
        """Rows of a statement run as the owner."""
        async with self.owner.begin() as connection:
            result = await connection.execute(text(statement), values)
            return result.fetchall() if result.returns_rows else []


def address() -> str:
    return f"{uuid4().hex}@example.com"


def cookie_of(response: httpx.Response) -> str:
    found = [value for value in response.headers.get_list("set-cookie") if value.startswith("ocsuite_session=")]
    assert len(found) == 1
    return found[0].partition("=")[2].partition(";")[0]


def on_behalf_of(api: Api, client: str) -> httpx.AsyncClient:
    """The same application as seen from another address."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(api.app, client=(client, 1)), base_url="http://api")


Run = Callable[..., Any]


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs the application with variables of the test's own."""

    @asynccontextmanager
    async def running(attempts: Attempts | None = ROOMY, **changes: str) -> AsyncIterator[Api]:
        settings = Settings.load({**environment, **changes})
        keyring = Keyring(settings.master_keys)
        async with AsyncExitStack() as resources:
            database = Database(create_engine(settings.database_url), ContextSigner(keyring, time.time))
            resources.push_async_callback(database.close)
            redis = RedisBatcher(settings.redis_url)
            await redis.start()
            resources.push_async_callback(redis.close)
            limiter, addresses = RateLimiter(redis), ClientAddress(settings.trusted_proxies)
            offers = OneCompany(), CompanyDepartures(settings.company_grace), Conversations(database)
            parts = Parts(settings, database, keyring, redis, limiter, addresses, *offers)
            identity = create_identity(parts, attempts)
            await identity.start()
            resources.push_async_callback(identity.close)
            policies = default_policies(local=True)
            app = Litestar(
                route_handlers=[*identity.routers, whoami, everybody],
                middleware=[
                    FailedAuthentications(limiter, policies, addresses),
                    Authentication(identity.authenticator),
                    RateLimits(limiter, policies, addresses),
                ],
                exception_handlers=exception_handlers(),
                request_class=ApiRequest,
                openapi_config=None,
                logging_config=None,
            )
            whole: Any = Observe(app)
            client = httpx.AsyncClient(transport=httpx.ASGITransport(whole), base_url="http://api")
            await resources.enter_async_context(client)
            engine = owner(environment)
            resources.push_async_callback(engine.dispose)
            yield Api(client, identity, database, redis, engine, settings, whole)

    return running


@pytest.fixture
def log() -> Iterator[io.BytesIO]:
    """What the product's own logging writes; to be asked for before the application is made."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.BytesIO()
    configure_logging("local", stream)
    yield stream
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def api(run: Run) -> AsyncIterator[Api]:
    async with run() as running:
        yield running


@pytest.fixture
def local(api: Api) -> LocalIdentity:
    assert isinstance(api.identity, LocalIdentity)
    return api.identity
