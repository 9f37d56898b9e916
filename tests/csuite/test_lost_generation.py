"""An answer never hangs: whatever happens to the process that writes it, it ends, and can be asked for again."""

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import Final
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from backend.domains.csuite.domain import CSuite
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.runs.streams import RunRef
from backend.registry import Product
from backend.settings import Settings
from backend.worker import work
from tests.conftest import SignIn
from tests.support.people import Member, join
from tests.support.process import Process, api_process
from tests.support.sse import Frame, frames, read_until

PACE: Final = 15
"""Words a second that the model says."""
LOST_WITHIN: Final = 5 * PACE
"""Words of which nothing is read any more without the permission: what it says in five seconds."""
PATIENCE: Final = 60.0
"""Seconds that a busy machine may take for what happens at once on an idle one."""


@pytest.fixture(scope="module")
def slow(environment: dict[str, str], settings: Settings) -> dict[str, str]:
    """A mock model that takes many seconds for an answer."""
    return {**environment, "LLM_MOCK_TOKENS_PER_SECOND": str(PACE)}


@pytest.fixture
async def member(someone: SignIn) -> Member:
    return await (await someone()).found()


def headers_of(member: Member) -> dict[str, str]:
    return {
        "Authorization": member.person.http.headers["Authorization"],
        "X-Tenant-Id": str(member.tenant_id),
        "Content-Type": "application/json",
    }


async def begin(url: str, member: Member) -> list[Frame]:
    """Ask a process for an answer and leave after its first text."""
    async with (
        httpx.AsyncClient(base_url=url, timeout=20) as http,
        http.stream("POST", "/c-suite/ceo/chat", json={"message": "Hello"}, headers=headers_of(member)) as response,
    ):
        return await read_until(response, "message.delta")


async def shorten_lease(db: Database, member: Member) -> None:
    """Let the dead process's lease run out now instead of in ten seconds."""
    async with db.transaction(TenantContext(member.tenant_id, None)) as session:
        await session.execute(
            text("UPDATE messages SET lease_expires_at = now() - interval '1 s' WHERE lease_token IS NOT NULL")
        )


async def freeze(process: Process, db: Database, member: Member) -> None:
    """Stop it where it is, but not within a transaction, which would keep everybody else from its row."""
    free = text("SELECT 1 FROM messages WHERE lease_token IS NOT NULL FOR UPDATE SKIP LOCKED")
    while True:
        process.send_signal(signal.SIGSTOP)
        async with db.transaction(TenantContext(member.tenant_id, None)) as session:
            if (await session.execute(free)).all():
                return
        process.send_signal(signal.SIGCONT)


async def copied(settings: Settings, member: Member, message_id: str, events: int) -> None:
    """Wait until so many events are in Redis: delivery does not wait, and what is not there dies with the process."""
    async with asyncio.timeout(PATIENCE), Redis.from_url(settings.redis_url) as redis:
        while await redis.xlen(RunRef(member.tenant_id, UUID(message_id)).key) < events:  # noqa: ASYNC110  # another process writes
            await asyncio.sleep(0.01)


async def follow(member: Member, message_id: str, after: int = 0) -> list[Frame]:
    answer = await member.request(
        "GET", f"/c-suite/messages/{message_id}/stream", headers={"Last-Event-ID": str(after)}
    )
    assert answer.status_code == 200, answer.text
    return frames(answer.content)


async def test_killed_generator_leaves_a_failed_message_that_can_be_retried(
    slow: dict[str, str], member: Member, db: Database, settings: Settings
) -> None:
    with api_process(slow) as (url, process):
        seen = await begin(url, member)
        message_id = seen[0].data["message"]["id"]
        await copied(settings, member, message_id, len(seen))
        process.send_signal(signal.SIGKILL)
        process.wait()
    waiting = asyncio.create_task(follow(member, message_id, seen[-1].number))
    await asyncio.sleep(0)
    await shorten_lease(db, member)
    rest = await asyncio.wait_for(waiting, PATIENCE)
    assert rest[-1].name == "message.failed"
    assert rest[-1].data["message"]["error"]["code"] == "generation_interrupted"
    assert rest[-1].number > seen[-1].number
    kept = rest[-1].data["message"]["content"]
    assert kept.startswith("".join(frame.data["text"] for frame in seen if frame.name == "message.delta"))
    assert [frame.raw for frame in await follow(member, message_id)][: len(seen)] == [frame.raw for frame in seen]
    retried = await member.request("POST", f"/c-suite/messages/{message_id}/regenerate")
    assert frames(retried.content)[-1].name == "message.completed"


async def test_worker_settles_without_any_reader(
    slow: dict[str, str], member: Member, db: Database, settings: Settings
) -> None:
    with api_process(slow) as (url, process):
        seen = await begin(url, member)
        process.kill()
        process.wait()
    await shorten_lease(db, member)
    stop = asyncio.Event()
    worker = asyncio.create_task(work(settings, stop))
    query = text("SELECT status, error_code FROM messages WHERE role = 'assistant'")
    async with asyncio.timeout(PATIENCE):
        while True:
            async with db.transaction(TenantContext(member.tenant_id, None)) as session:
                row = (await session.execute(query)).one()
            if row.status != "streaming":
                break
            await asyncio.sleep(0.05)  # the worker's deed shows in the database alone
    stop.set()
    await worker
    assert (row.status, row.error_code) == ("failed", "generation_interrupted")
    assert (await follow(member, seen[0].data["message"]["id"]))[-1].name == "message.failed"


async def test_restarted_api_ends_its_answers(slow: dict[str, str], member: Member) -> None:
    with api_process(slow) as (url, process):
        seen = await begin(url, member)
        process.terminate()
        process.wait(PATIENCE)
    ended = await follow(member, seen[0].data["message"]["id"])
    assert ended[-1].name == "message.failed"
    assert ended[-1].data["message"]["error"]["code"] == "generation_interrupted"


async def test_closing_the_browser_changes_nothing(slow: dict[str, str], member: Member) -> None:
    with api_process({**slow, "LLM_MOCK_TOKENS_PER_SECOND": "200"}) as (url, _):
        seen = await begin(url, member)
        # Another process than the one that writes: the events come through Redis.
        whole = await follow(member, seen[0].data["message"]["id"])
    assert whole[-1].name == "message.completed"
    assert [frame.number for frame in whole] == list(range(1, len(whole) + 1))
    assert "".join(frame.data["text"] for frame in whole[1:-1]) == whole[-1].data["content"]


async def test_stop_from_another_process(slow: dict[str, str], member: Member) -> None:
    with api_process(slow) as (url, _):
        seen = await begin(url, member)
        message_id = seen[0].data["message"]["id"]
        stopped = await member.request("POST", f"/c-suite/messages/{message_id}/stop")
        assert stopped.status_code == 202
        whole = await asyncio.wait_for(follow(member, message_id), PATIENCE)
    assert (whole[-1].name, whole[-1].data["status"]) == ("message.completed", "stopped")
    assert whole[-1].data["content"] == "".join(frame.data["text"] for frame in whole[1:-1])


async def test_lost_lease_writes_nothing(slow: dict[str, str], member: Member, db: Database) -> None:
    """A process that was believed dead and comes back (fencing): its text does not replace the settled message."""
    with api_process(slow) as (url, process):
        seen = await begin(url, member)
        await freeze(process, db, member)
        await shorten_lease(db, member)
        settled = await follow(member, seen[0].data["message"]["id"])
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(PATIENCE)
    assert settled[-1].name == "message.failed"
    assert (await follow(member, seen[0].data["message"]["id"]))[-1].raw == settled[-1].raw


async def test_deleting_the_conversation_ends_the_answer(slow: dict[str, str], member: Member) -> None:
    with api_process(slow) as (url, process):
        seen = await begin(url, member)
        conversation = seen[0].data["conversation"]["id"]
        assert (await member.request("DELETE", f"/c-suite/conversations/{conversation}")).status_code == 204
        process.terminate()
        assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert (await member.request("GET", f"/c-suite/conversations/{conversation}")).status_code == 404


async def test_open_streams_end_within_seconds_of_what_allowed_them(
    slow: dict[str, str], member: Member, someone: SignIn, db: Database
) -> None:
    """One person loses a permission, one the membership, one the API key that reads for them."""
    kinds = ("restricted", "removed", "key")
    guests = {kind: await join(db, member.tenant_id, await someone(), "member") for kind in kinds}
    made = await member.request("POST", "/api-keys", json={"name": "Reader", "permissions": ["chat.use", "chat.read"]})
    bearer = {kind: headers_of(guest) for kind, guest in guests.items()}
    bearer["key"]["Authorization"] = f"Bearer {made.json()['secret']}"
    path = {kind: f"/team/members/{guest.person.user_id}" for kind, guest in guests.items()}
    with api_process(slow) as (url, _):
        async with httpx.AsyncClient(base_url=url, timeout=20) as http, AsyncExitStack() as opened:
            streams = {
                kind: await opened.enter_async_context(
                    http.stream("POST", "/c-suite/ceo/chat", headers=bearer[kind], json={"message": "Hello"})
                )
                for kind in kinds
            }
            for response in streams.values():
                assert response.status_code == 200
            bodies = [bytearray() for _ in streams]
            reading = [asyncio.create_task(_read(*pair)) for pair in zip(streams.values(), bodies, strict=True)]
            answers = (
                await member.request("PUT", f"{path['restricted']}/roles", json={"roles": ["viewer"]}),
                await member.request("DELETE", path["removed"]),
                await member.request("DELETE", f"/api-keys/{made.json()['api_key']['id']}"),
            )
            assert [answer.status_code for answer in answers] == [200, 204, 204]
            before = [body.count(b"\nevent: ") for body in bodies]
            await asyncio.gather(*reading)
    assert all(body.count(b"\nevent: ") - read < LOST_WITHIN for body, read in zip(bodies, before, strict=True))
    assert [frames(bytes(body))[-1].name for body in bodies] == ["message.delta"] * 3


async def _read(response: httpx.Response, body: bytearray) -> None:
    async for chunk in response.aiter_raw():
        body += chunk


async def test_reader_ahead_of_what_a_lost_process_left_behind_is_told_of_the_end(
    slow: dict[str, str], member: Member, db: Database
) -> None:
    """What the process had shown and not yet copied to Redis when it died."""
    with api_process(slow) as (url, process):
        seen = await begin(url, member)
        process.send_signal(signal.SIGKILL)
        process.wait()
    await shorten_lease(db, member)
    message_id = seen[0].data["message"]["id"]
    last = (await follow(member, message_id))[-1].number
    for ahead in (last, last + 3):
        rest = await follow(member, message_id, ahead)
        assert [(frame.name, frame.number) for frame in rest] == [("message.failed", ahead + 1)]


async def test_one_answer_that_cannot_be_settled_delays_no_other(
    slow: dict[str, str], member: Member, db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_process(slow) as (url, process):
        begun = [await begin(url, member) for _ in range(2)]
        process.kill()
        process.wait()
    await shorten_lease(db, member)
    stuck, other = (frames[0].data["message"]["id"] for frames in begun)
    product = Product(settings)
    settle = product.of(CSuite).answers.settle

    async def failing(ref: RunRef) -> None:
        if str(ref.id) == stuck:
            raise ValueError("a row that cannot be stored")
        await settle(ref)

    monkeypatch.setattr(product.of(CSuite).answers, "settle", failing)
    try:
        assert await product.of(CSuite).answers.settle_lost() >= 2
        async with db.transaction(TenantContext(member.tenant_id, None)) as session:
            found = await session.execute(text("SELECT id, status FROM messages WHERE role = 'assistant'"))
            assert {str(row.id): row.status for row in found} == {stuck: "streaming", other: "failed"}
    finally:
        await product.close()
