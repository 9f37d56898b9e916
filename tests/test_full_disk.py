"""A full disk, of the database and of the logs at once: refused with 503, nothing acknowledged lost, on again alone."""

import asyncio
import time
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backend.domains.audit.domain import Audit
from backend.kernel.db.database import driver_url
from backend.registry import Product
from backend.settings import Settings
from tests.support.people import sign_in
from tests.support.process import api_process, process

#: What the server says when it cannot extend a file.
FULL = """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"""
TABLES = ("audit_logs", "audit_seals", "audit_verifications", "tenants", "conversations", "messages", "sessions")
HEAD = "SELECT count(*) FROM audit_seals"


FULL_LOG = Path("/dev/full")
"""Where nothing can be written."""


async def run(owner: AsyncEngine, *statements: str) -> None:
    async with owner.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def count(owner: AsyncEngine, query: str) -> int:
    async with owner.connect() as connection:
        return int((await connection.execute(text(query))).scalar_one())


async def test_a_full_disk_is_waited_out(environment: dict[str, str], settings: Settings) -> None:
    product, owner = Product(settings), create_async_engine(driver_url(settings.database_owner_url))
    with api_process(environment, FULL_LOG) as (url, api):
        person = await sign_in(product.base.db, url)
        member = await person.found("Acme")
        await run(owner, FULL, *(f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW "
                                 "EXECUTE FUNCTION no_room()" for table in TABLES))  # fmt: skip
        with process("worker", environment, output=FULL_LOG) as working:
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
            for table in TABLES:  # one by one: the worker locks some of them in an order of its own
                await run(owner, f"DROP TRIGGER no_room ON {table}")
            renamed = await member.request("PATCH", path, json={"name": "Acme at last"})
            assert renamed.status_code == 200
            acknowledged = await count(owner, "SELECT count(*) FROM audit_logs")
            deadline = time.monotonic() + 60
            while await count(owner, HEAD) < acknowledged:
                assert working.poll() is None, "the worker waits and goes on alone"
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)  # what another process seals shows in the database alone
            assert api.poll() is None
        verdict = await product.of(Audit).verifications.walk(
            member.tenant_id, await product.of(Audit).verifications.keys()
        )
        assert (verdict.fault, verdict.sealed_seq, verdict.waiting) == (None, acknowledged, 0)
    await person.http.aclose()
    await owner.dispose()
    await product.close()
