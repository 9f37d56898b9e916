"""Logs in the real database."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from backend.kernel.db.database import Database, driver_url
from backend.kernel.db.redis import create_redis
from backend.settings import Settings
from crypto import Keyring
from tests.audit.kit import Parts


@pytest.fixture
async def parts(db: Database, keyring: Keyring, settings: Settings) -> AsyncIterator[Parts]:
    """What seals and verifies."""
    redis, owner = create_redis(settings.redis_url), create_async_engine(driver_url(settings.database_owner_url))
    yield Parts(db, keyring, redis, owner)
    await redis.aclose()
    await owner.dispose()
