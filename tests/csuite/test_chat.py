"""Chat through the running API: rows, events, resuming, stopping, repeating, limits."""

import asyncio
from uuid import UUID, uuid4

import pytest
from redis import Redis
from sqlalchemy import text

from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.runs.streams import RunRef
from backend.settings import Settings
from tests.conftest import SignIn
from tests.support.people import Member, join, limit
from tests.support.sse import Frame, ask, frames, read_until


@pytest.fixture
async def member(someone: SignIn) -> Member:
    return await (await someone()).found("Acme Robotics", industry="Robotics", goals=["Double revenue"])


async def resume(member: Member, message_id: str, after: int | None = None) -> bytes:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    answer = await member.request("GET", f"/c-suite/messages/{message_id}/stream", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content


def message_id(events: list[Frame]) -> str:
    return str(events[0].data["message"]["id"])


def key_of(member: Member, events: list[Frame]) -> str:
    return RunRef(member.tenant_id, UUID(message_id(events))).key


def conversation_id(events: list[Frame]) -> str:
    return str(events[0].data["conversation"]["id"])


async def messages(member: Member, conversation: str) -> list[dict[str, object]]:
    answer = await member.request("GET", f"/c-suite/conversations/{conversation}/messages")
    assert answer.status_code == 200
    return list(answer.json()["items"])


async def test_stream_has_its_documented_structure(member: Member) -> None:
    events = await ask(member, "How do we grow?")
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [events[0].name, events[-1].name] == ["message.started", "message.completed"]
    assert {event.name for event in events[1:-1]} == {"message.delta"}
    whole = "".join(event.data["text"] for event in events[1:-1])
    assert whole == events[-1].data["content"]
    assert "Double revenue" in whole
    assert events[-1].data["provider"] == "mock"


async def test_both_messages_are_stored_before_the_first_event(member: Member, db: Database) -> None:
    async with member.person.http.stream(
        "POST", "/c-suite/ceo/chat", json={"message": "Hello"}, headers={"X-Tenant-Id": str(member.tenant_id)}
    ) as response:
        started = (await read_until(response, "message.started"))[0]
        async with db.transaction(TenantContext(member.tenant_id, None)) as session:
            found = await session.execute(text("SELECT id, role FROM messages"))
            assert {(str(row.id), row.role) for row in found} == {
                (started.data["question"]["id"], "user"),
                (started.data["message"]["id"], "assistant"),
            }


async def test_resume_at_every_cut_is_exact(member: Member) -> None:
    events = await ask(member)
    for cut in range(len(events) + 1):
        expected = b"".join(event.raw for event in events[cut:])
        assert await resume(member, message_id(events), cut) == expected
    assert await resume(member, message_id(events)) == b"".join(event.raw for event in events)


async def test_late_reader_gets_the_stored_message(member: Member, settings: Settings) -> None:
    events = await ask(member)
    with Redis.from_url(settings.redis_url) as redis:
        async with asyncio.timeout(60):
            # The process that wrote the answer forgets it once it is copied, of which nothing tells from outside.
            while await resume(member, message_id(events), 2) != events[-1].raw:
                redis.delete(key_of(member, events))
    assert await resume(member, message_id(events), len(events)) == b""


async def test_redis_holds_no_readable_text(member: Member, settings: Settings) -> None:
    events = await ask(member, "Zanzibar expansion")
    with Redis.from_url(settings.redis_url) as redis:
        # Events are copied while they are sent: the last may still be on its way.
        redis.xread({key_of(member, events): f"{len(events) - 1}-0"}, block=20_000)
        stored = redis.xrange(key_of(member, events))
    assert len(stored) == len(events)
    assert b"Zanzibar" not in repr(stored).encode()


async def test_conversation_continues_and_lists_newest_first(member: Member) -> None:
    first = await ask(member, "First question")
    conversation = conversation_id(first)
    second = await ask(member, "Second question", conversation_id=conversation)
    assert conversation_id(second) == conversation
    assert "First question" in second[-1].data["content"]
    listed = await messages(member, conversation)
    assert [item["content"] for item in listed if item["role"] == "user"] == ["Second question", "First question"]
    page = await member.request("GET", f"/c-suite/conversations/{conversation}/messages?limit=3")
    rest = await member.request(
        "GET", f"/c-suite/conversations/{conversation}/messages?cursor={page.json()['next_cursor']}"
    )
    assert [item["id"] for item in page.json()["items"] + rest.json()["items"]] == [item["id"] for item in listed]


async def test_list_search_rename_delete(member: Member) -> None:
    older = conversation_id(await ask(member, "Pricing of the orchid line"))
    newer = conversation_id(await ask(member, "Hiring plan"))
    listed = (await member.request("GET", "/c-suite/conversations")).json()["items"]
    assert [item["id"] for item in listed] == [newer, older]
    page = (await member.request("GET", "/c-suite/conversations?limit=1")).json()
    after = (await member.request("GET", f"/c-suite/conversations?limit=1&cursor={page['next_cursor']}")).json()
    assert [page["items"][0]["id"], after["items"][0]["id"], after["next_cursor"]] == [newer, older, None]
    found = (await member.request("GET", "/c-suite/conversations", params={"q": "orch pric"})).json()["items"]
    assert [item["id"] for item in found] == [older]
    assert (await member.request("GET", "/c-suite/conversations", params={"q": "% _ '"})).json()["items"] == []
    path = f"/c-suite/conversations/{older}"
    assert (await member.request("PATCH", path, json={"title": "Orchids"})).json()["title"] == "Orchids"
    assert (await member.request("GET", path)).json()["title"] == "Orchids"
    assert (await member.request("DELETE", path)).status_code == 204
    assert (await member.request("GET", path)).status_code == 404
    assert (await member.request("DELETE", path)).status_code == 404


async def test_conversations_are_private_within_a_company(member: Member, someone: SignIn, db: Database) -> None:
    events = await ask(member, "Secret of the owner")
    colleague = await join(db, member.tenant_id, await someone("Grace Hopper"), "admin")
    assert (await colleague.request("GET", "/c-suite/conversations")).json()["items"] == []
    for method, path in (
        ("GET", f"/c-suite/conversations/{conversation_id(events)}"),
        ("GET", f"/c-suite/conversations/{conversation_id(events)}/messages"),
        ("GET", f"/c-suite/messages/{message_id(events)}/stream"),
        ("POST", f"/c-suite/messages/{message_id(events)}/stop"),
        ("POST", f"/c-suite/messages/{message_id(events)}/regenerate"),
    ):
        assert (await colleague.request(method, path)).status_code == 404, path


async def test_regenerate_replaces_the_latest_answer(member: Member) -> None:
    first = await ask(member, "One")
    old = message_id(first)
    answer = await member.request("POST", f"/c-suite/messages/{old}/regenerate")
    again = frames(answer.content)
    assert again[0].data["question"]["id"] == first[0].data["question"]["id"]
    assert [item["id"] for item in await messages(member, conversation_id(first))] == [
        message_id(again),
        first[0].data["question"]["id"],
    ]
    stale = await member.request("POST", f"/c-suite/messages/{old}/regenerate")
    assert (stale.status_code, stale.json()["code"]) == (409, "not_latest_answer")


async def test_same_key_meets_the_same_answer(member: Member) -> None:
    headers, body = {"Idempotency-Key": uuid4().hex}, {"message": "Only once"}
    answers = await asyncio.gather(
        *(member.request("POST", "/c-suite/ceo/chat", headers=headers, json=body) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({message_id(frames(answer.content)) for answer in answers}) == 1
    assert len((await member.request("GET", "/c-suite/conversations")).json()["items"]) == 1
    other = await member.request("POST", "/c-suite/ceo/chat", headers=headers, json={"message": "Another"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_repeated_question_whose_conversation_is_gone_is_not_found(member: Member) -> None:
    asked = {"headers": {"Idempotency-Key": uuid4().hex}, "json": {"message": "Only once"}}
    first = await member.request("POST", "/c-suite/ceo/chat", **asked)
    path = f"/c-suite/conversations/{conversation_id(frames(first.content))}"
    assert (await member.request("DELETE", path)).status_code == 204
    again = await member.request("POST", "/c-suite/ceo/chat", **asked)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_daily_limit_refuses_and_stores_nothing(member: Member, settings: Settings) -> None:
    await limit(settings, member.tenant_id, messages_per_day=2)
    first = await ask(member)
    answers = await asyncio.gather(
        *(member.request("POST", "/c-suite/ceo/chat", json={"message": "More"}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    problem = refused.json()
    assert (problem["code"], problem["extra"]["limit"], problem["extra"]["used"]) == ("limit_reached", 2, 2)
    assert problem["extra"]["resets_at"].endswith("00:00:00+00:00")
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert len((await member.request("GET", "/c-suite/conversations")).json()["items"]) == 2
    repeated = await member.request("POST", f"/c-suite/messages/{message_id(first)}/regenerate")
    assert repeated.status_code == 429


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": ""}, 422),
        ({"message": "   \n "}, 422),
        ({"message": "a\0b"}, 422),
        ({"message": "\x1b[31m"}, 422),
        ({"message": "x" * 16_001}, 422),
        ({"message": 7}, 422),
        ({"message": "x", "colour": "red"}, 422),
        ({"message": "x", "conversation_id": "nope"}, 422),
        ({"message": "x", "conversation_id": str(UUID(int=7))}, 404),
        ([], 422),
    ],
)
async def test_bad_questions_are_refused(member: Member, body: object, status: int) -> None:
    answer = await member.request("POST", "/c-suite/ceo/chat", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (await member.request("GET", "/c-suite/conversations")).json()["items"] == []
    usage = (await member.request("GET", f"/tenants/{member.tenant_id}/usage")).json()
    assert usage["lines"][0]["used"] == 0


async def test_unknown_executive(member: Member) -> None:
    assert (await member.request("POST", "/c-suite/cfo/chat", json={"message": "Hi"})).status_code == 404


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "99999999999999999999"])
async def test_bad_last_event_id(member: Member, value: str) -> None:
    events = await ask(member)
    answer = await member.request(
        "GET", f"/c-suite/messages/{message_id(events)}/stream", headers={"Last-Event-ID": value}
    )
    assert answer.status_code == 422
