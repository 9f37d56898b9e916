"""The identity domain behind HTTP: real Postgres and Valkey, the real layers, the application role."""

import io
import logging
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
from backend.domains.csuite.adapters import Conversations
from backend.domains.identity.adapters import addresses
from backend.domains.identity.domain import Identity
from backend.domains.identity.service import Attempts
from backend.domains.identity.wiring import ClerkIdentity, LocalIdentity
from backend.domains.tenants.adapters import CompaniesAdapter
from backend.kernel.auth.authentication import Authentication, Principal
from backend.kernel.db.database import Database
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.foundation import Foundation
from backend.kernel.http.problems import exception_handlers
from backend.kernel.http.requests import ApiRequest
from backend.kernel.http.traits import Traits
from backend.kernel.limits.limiter import Limit
from backend.kernel.limits.policies import FailedAuthentications, RateLimits, default_policies
from backend.kernel.observe.logging import configure_logging
from backend.kernel.observe.requests import Observe
from backend.settings import Settings
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


@get("/open", opt=Traits(public=True).opt, name="open")
async def everybody() -> dict[str, bool]:
    return {"open": True}


@dataclass
class Api:
    """A running application and its parts."""

    http: httpx.AsyncClient
    identity: LocalIdentity | ClerkIdentity
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
        async with AsyncExitStack() as resources:
            base = Foundation(settings, CompaniesAdapter().wrapped_key)
            resources.push_async_callback(base.close)
            await base.batcher.start()
            resources.push_async_callback(base.batcher.close)
            identity = Identity(
                base,
                addresses=addresses(settings),
                memberships=OneCompany(),
                departures=CompanyDepartures(settings.company_grace),
                belongings=Conversations(base.db),
                attempts=attempts,
            )
            await identity.start()
            resources.push_async_callback(identity.close)
            policies = default_policies(Identity.rates, local=True)
            app = Litestar(
                route_handlers=[*identity.routers, whoami, everybody],
                middleware=[
                    FailedAuthentications(base.limiter, policies, base.client_address),
                    Authentication(identity.authenticator),
                    RateLimits(base.limiter, policies, base.client_address),
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
            yield Api(client, identity.mode, base.db, base.batcher, engine, settings, whole)

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
