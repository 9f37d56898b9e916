import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from backend.devstack.local import LocalStack
from backend.settings import Settings
from crypto import Keyring
from tests.tenancy.kit import App, Tenant


@pytest.fixture(scope="module")
def superuser_url(stack: LocalStack, settings: Settings) -> str:
    """The bundled superuser, for faults that the owner role could not plant."""
    assert stack.postgres is not None
    password = json.loads(stack.secrets_path.read_text())["superuser_password"]
    return stack.postgres.url("postgres", password, settings.database_url.rpartition("/")[2])


@pytest.fixture(scope="module")
def tenants(settings: Settings) -> tuple[Tenant, Tenant]:
    """Two tenants in the database."""
    pair = Tenant(), Tenant()

    async def store() -> None:
        owner = await asyncpg.connect(settings.database_owner_url)
        for tenant in pair:
            await tenant.store(owner)
        await owner.close()

    asyncio.run(store())
    return pair


@pytest.fixture
def ours(tenants: tuple[Tenant, Tenant]) -> Tenant:
    """The tenant whose context an attacker holds."""
    return tenants[0]


@pytest.fixture
def theirs(tenants: tuple[Tenant, Tenant]) -> Tenant:
    """The tenant under attack."""
    return tenants[1]


@pytest.fixture
async def app(settings: Settings, keyring: Keyring) -> AsyncIterator[App]:
    """A raw connection of the application role."""
    connection = await asyncpg.connect(settings.database_url)
    yield App(connection, keyring)
    await connection.close()


@pytest.fixture
async def all_seeing(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A raw connection of the owner role, which no policy holds."""
    connection = await asyncpg.connect(settings.database_owner_url)
    yield connection
    await connection.close()
