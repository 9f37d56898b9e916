"""A migrated database of each test's own: demonstration data and rotation concern the whole of it."""

from collections.abc import Callable, Iterator

import pytest

from backend.settings import Settings
from tests.conftest import Migrated

LoadSettings = Callable[..., Settings]


@pytest.fixture
def own(environment: dict[str, str], migrated: Migrated) -> Iterator[dict[str, str]]:
    """The variables of a migrated database in which nobody is."""
    with migrated() as variables:
        yield {**environment, **variables}
