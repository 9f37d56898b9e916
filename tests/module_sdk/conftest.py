"""A scripted API and a client of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from module_sdk.api.client import ApiClient
from tests.module_sdk.fake_api import FakeApi, serving


@pytest.fixture(scope="session")
def fake_server() -> Iterator[FakeApi]:
    with serving(FakeApi()) as app:
        yield app


@pytest.fixture
def fake(fake_server: FakeApi) -> FakeApi:
    fake_server.reset()
    return fake_server


@pytest.fixture
async def api(fake: FakeApi) -> AsyncIterator[ApiClient]:
    async with ApiClient(fake.url, token="tok", reconnect_attempts=3, reconnect_delay=0.01) as client:
        yield client
