"""A migrated database of each test's own: demonstration data and rotation concern the whole of it."""

import asyncio
from collections.abc import Callable

import pytest

from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring

LoadSettings = Callable[..., Settings]


@pytest.fixture
def own(environment: dict[str, str], database_url_pair: tuple[str, str]) -> dict[str, str]:
    """The variables of an empty, migrated database."""
    app, owner = database_url_pair
    found = {**environment, "DATABASE_URL": app, "DATABASE_OWNER_URL": owner}
    asyncio.run(migrate(owner, Keyring(Settings.load(found).master_keys)))
    return found
