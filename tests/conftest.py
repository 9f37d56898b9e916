"""One throwaway Postgres and Valkey for each test process; each file has a migrated database and an API of its own."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from enum import IntEnum, auto
from functools import cache
from uuid import uuid4

import httpx
import hypothesis
import pytest
import structlog
from argon2 import PasswordHasher
from redis import Redis
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from structlog.dev import ConsoleRenderer, plain_traceback

from backend.devstack.local import LocalStack
from backend.devstack.postgres import DATABASE
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.tenancy import ContextSigner
from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring, _passwords
from tests.support.depth import depth
from tests.support.people import Person, sign_in
from tests.support.server import running_api

SignIn = Callable[..., Awaitable[Person]]
Migrated = Callable[[], AbstractContextManager[dict[str, str]]]

#: What a file has at hand that starts processes.
STARTERS = {"LocalStack", "WebApp", "api_process", "command", "process", "subprocess"}


class Kind(IntEnum):
    """What a test needs, in the order in which they run.

    Of two processes the first gets the first half, which begins with the pages, and the second the second half, which
    begins with the whole product, so that neither makes ready what the other has. Whoever is done takes from the end of
    the other's half, where the short ones are.
    """

    PAGES = auto()
    NOTHING = auto()
    PRODUCT = auto()
    PROCESSES = auto()
    DATABASE = auto()


def kind(item: pytest.Item) -> Kind:
    """By its fixtures, and by what its file imports."""
    assert isinstance(item, pytest.Function)
    needs = set(item.fixturenames)
    if "web" in needs:
        return Kind.PAGES
    if "browser" in needs or "product" in needs:
        return Kind.PRODUCT
    if STARTERS & vars(item.module).keys():
        return Kind.PROCESSES
    return Kind.DATABASE if "stack" in needs else Kind.NOTHING


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by kind, within which the order stays, and mark what `make test-quick` runs."""
    items.sort(key=kind)
    for item in items:
        if kind(item) is Kind.NOTHING:
            item.add_marker("quick")


# `make test` tries the same examples each time, so that nobody's change fails for another's bad luck; `make soak` draws
# new ones. How long an example takes is a matter of what else the machine does.
hypothesis.settings.register_profile(
    "product",
    derandomize=depth() == 1,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("product")


@pytest.fixture(scope="session", autouse=True)
def one_set_of_certificates() -> Iterator[None]:
    """httpx reads the system's certificates for each client, which takes longer than most tests: here once for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """rich, which Reflex brings, takes seconds to draw one; the product's own logging, where it is set up, does not."""
    *processors, _ = structlog.get_config()["processors"]
    plain = ConsoleRenderer(colors=False, exception_formatter=plain_traceback)
    structlog.configure(processors=[*processors, plain])


@pytest.fixture(autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A hash takes a quarter of a second of a processor, on purpose; files about that have a fixture of this name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        _passwords._dummy_hash.cache_clear()
        yield
    _passwords._dummy_hash.cache_clear()


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """Real servers, without durability."""
    with LocalStack.temporary() as started:
        yield started


@pytest.fixture(scope="session")
def migrated(stack: LocalStack) -> Migrated:
    """The variables of a new database with everything that migrations make: ``with migrated() as variables``.

    They run once; each database is a copy of that one.
    """
    assert stack.postgres is not None
    postgres, loaded = stack.postgres, Settings.load(stack.environment())
    asyncio.run(migrate(loaded.database_owner_url, Keyring(loaded.master_keys)))

    @contextmanager
    def copy() -> Iterator[dict[str, str]]:
        name = f"test_{uuid4().hex}"
        postgres.create_database(name, DATABASE)
        yield stack.environment(name)
        postgres.drop_database(name)

    return copy


@pytest.fixture(scope="module")
def environment(migrated: Migrated) -> Iterator[dict[str, str]]:
    """The variables of a process on the file's own database; the mock model answers as fast as it can."""
    with migrated() as variables:
        with Redis.from_url(variables["REDIS_URL"]) as redis:
            redis.flushall()
        yield {
            "PATH": os.environ["PATH"],
            **variables,
            "LLM_MOCK_TOKENS_PER_SECOND": "0",
            "COMPANIES_MAX": "1000",
            "OCSUITE_API_URL": "http://127.0.0.1:8000",  # whom tokens are made for, whichever port a process listens on
        }


@pytest.fixture(scope="module")
def settings(environment: dict[str, str]) -> Settings:
    """Those of the file's database."""
    return Settings.load(environment)


@pytest.fixture(scope="module")
def keyring(settings: Settings) -> Keyring:
    """The live master keys."""
    return Keyring(settings.master_keys)


@pytest.fixture(scope="module")
def api_url(settings: Settings) -> Iterator[str]:
    """The running API."""
    with running_api(settings) as url:
        yield url


@pytest.fixture
async def db(settings: Settings, keyring: Keyring) -> AsyncIterator[Database]:
    """The application role's door."""
    database = Database(create_engine(settings.database_url, pool_size=4), ContextSigner(keyring, time.time))
    yield database
    await database.close()


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """A connection of the owner role, which no policy holds; rolled back at the end."""
    engine = create_async_engine(f"postgresql+asyncpg://{settings.database_owner_url.partition('://')[2]}")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.fixture
async def someone(db: Database, api_url: str) -> AsyncIterator[SignIn]:
    """Signs new people in: ``await someone("Grace Hopper")``."""
    async with AsyncExitStack() as opened:

        async def enter(full_name: str = "Ada Lovelace") -> Person:
            person = await sign_in(db, api_url, full_name)
            opened.push_async_callback(person.http.aclose)
            return person

        yield enter


@pytest.fixture
def database_url_pair(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """URLs (application role, owner role) of an empty database of its own."""
    name = f"test_{uuid4().hex}"
    assert stack.postgres is not None
    stack.postgres.provision(name)
    urls = stack.environment(name)
    yield urls["DATABASE_URL"], urls["DATABASE_OWNER_URL"]
    stack.postgres.drop_database(name)
