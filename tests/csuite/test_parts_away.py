"""Redis or Postgres goes away in the middle of an answer, and comes back."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import httpx
import pytest

from backend.devstack.local import LocalStack
from backend.kernel.db.database import Database
from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring
from tests.support.people import sign_in
from tests.support.process import api_process
from tests.support.sse import frames


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Durable, unlike the one of the other tests: what was committed has to be there after a restart."""
    with LocalStack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def environment(own_stack: LocalStack, environment: dict[str, str]) -> dict[str, str]:
    """As the outer fixture, on servers that this module may stop."""
    made = {**environment, **own_stack.environment(), "LLM_MOCK_TOKENS_PER_SECOND": "60"}
    loaded = Settings.load(made)
    asyncio.run(migrate(loaded.database_owner_url, Keyring(loaded.master_keys)))
    return made


async def test_redis_away_in_the_middle(own_stack: LocalStack, environment: dict[str, str], db: Database) -> None:
    with api_process(environment) as (url, _):
        person = await sign_in(db, url)
        async with aclosing(person.http):
            member = await person.found()
            headers = {"X-Tenant-Id": str(member.tenant_id)}
            async with person.http.stream(
                "POST", "/c-suite/ceo/chat", json={"message": "Hello"}, headers=headers
            ) as response:
                parts = response.aiter_raw()
                body = await anext(parts)
                assert own_stack.valkey is not None
                own_stack.valkey.stop()
                async for part in parts:
                    body += part
            seen = frames(body)
            assert seen[-1].name == "message.completed"
            message_id = seen[0].data["message"]["id"]
            late = await member.request("GET", f"/c-suite/messages/{message_id}/stream")
            assert [frame.name for frame in frames(late.content)] == ["message.completed"]
            assert late.content == seen[-1].raw
            asked = await member.request("POST", "/c-suite/ceo/chat", json={"message": "Without Redis"})
            assert frames(asked.content)[-1].name == "message.completed"
            ready = await person.http.get("/health/ready")
            assert (ready.status_code, ready.json()["parts"]["redis"]["status"]) == (503, "failed")
            own_stack.start_valkey()
            await _ready(person.http)


async def test_postgres_away_in_the_middle(own_stack: LocalStack, environment: dict[str, str], db: Database) -> None:
    with api_process(environment) as (url, _):
        person = await sign_in(db, url)
        async with aclosing(person.http):
            member = await person.found()
            headers = {"X-Tenant-Id": str(member.tenant_id)}
            async with person.http.stream(
                "POST", "/c-suite/ceo/chat", json={"message": "Hello"}, headers=headers
            ) as response:
                parts = response.aiter_raw()
                body = await anext(parts)
                assert own_stack.postgres is not None
                own_stack.postgres.stop()
                refused = await member.request("GET", "/dashboard")
                assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
                assert "Retry-After" in refused.headers
                own_stack.start_postgres()
                async for part in parts:
                    body += part
            assert frames(body)[-1].name == "message.completed"
            await _ready(person.http)
            answer = await member.request("GET", "/c-suite/conversations")
            assert len(answer.json()["items"]) == 1


async def _ready(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while (await http.get("/health/ready")).status_code != 200:  # noqa: ASYNC110  # in another process
            await asyncio.sleep(0.05)
