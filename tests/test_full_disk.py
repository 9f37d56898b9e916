"""A full disk, of the database and of the logs at once: refused with 503, nothing acknowledged lost, on again alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backend.kernel.db.database import driver_url
from backend.migrate import migrate
from backend.registry import Foundation
from backend.settings import Settings
from backend.stack.local import LocalStack
from crypto import Keyring
from tests.support.people import sign_in
from tests.support.process import api_process, process

#: What the server says when it cannot extend a file.
FULL = """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"""
TABLES = ("audit_logs", "audit_seals", "audit_verifications", "tenants", "conversations", "messages", "sessions")
HEAD = "SELECT count(*) FROM audit_seals"


@pytest.fixture
async def variables(stack: LocalStack) -> AsyncIterator[dict[str, str]]:
    """A migrated database of its own, with processes whose tokens are meant for one another."""
    assert stack.postgres is not None
    name = f"full_{uuid4().hex}"
    stack.postgres.provision(name)
    found = {
        **stack.environment(name, redis_database=10),
        "OCSUITE_API_URL": "http://127.0.0.1:8000",
        "LLM_MOCK_TOKENS_PER_SECOND": "0",
    }
    loaded = Settings.load(found)
    await migrate(loaded.database_owner_url, Keyring(loaded.master_keys))
    yield found
    await asyncio.to_thread(stack.postgres.drop_database, name)


FULL_LOG = Path("/dev/full")
"""Where nothing can be written."""


async def run(owner: AsyncEngine, *statements: str) -> None:
    async with owner.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def count(owner: AsyncEngine, query: str) -> int:
    async with owner.connect() as connection:
        return int((await connection.execute(text(query))).scalar_one())


async def test_a_full_disk_is_waited_out(variables: dict[str, str]) -> None:
    settings = Settings.load(variables)
    base, owner = Foundation(settings), create_async_engine(driver_url(settings.database_owner_url))
    with api_process(variables, FULL_LOG) as (url, api):
        person = await sign_in(base.db, url)
        member = await person.found("Acme")
        await run(owner, FULL, *(f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW "
                                 "EXECUTE FUNCTION no_room()" for table in TABLES))  # fmt: skip
        with process("worker", variables, output=FULL_LOG) as working:
            path = f"/tenants/{member.tenant_id}"
            for number in range(5):
                for method, to, body in (
                    ("PATCH", path, {"name": f"Acme {number}"}),
                    ("POST", "/c-suite/ceo/chat", {"message": "Is there room?"}),
                    ("POST", "/tenants", {"name": "Second"}),
                ):
                    refused = await member.request(method, to, json=body)
                    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable"), (method, to)
                    assert int(refused.headers["retry-after"]) > 0
            assert (await member.request("GET", path)).json()["name"] == "Acme", "what needs no room is answered"
            assert await count(owner, HEAD) == 0
            await run(owner, *(f"DROP TRIGGER no_room ON {table}" for table in TABLES))
            renamed = await member.request("PATCH", path, json={"name": "Acme at last"})
            assert renamed.status_code == 200
            acknowledged = await count(owner, "SELECT count(*) FROM audit_logs")
            deadline = time.monotonic() + 60
            while await count(owner, HEAD) < acknowledged:
                assert working.poll() is None, "the worker waits and goes on alone"
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)  # what another process seals shows in the database alone
            assert api.poll() is None
        verdict = await base.verifications.walk(member.tenant_id, await base.verifications.keys())
        assert (verdict.fault, verdict.sealed_seq, verdict.waiting) == (None, acknowledged, 0)
    await person.http.aclose()
    await owner.dispose()
    await base.close()
