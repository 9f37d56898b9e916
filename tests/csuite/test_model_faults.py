"""What a model does wrong, as people meet it: through the API, with a model server that does as the test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from sqlalchemy import text

from backend.domains.csuite.domain import CSuite
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.runs.streams import RunRef
from backend.registry import Product
from backend.settings import Settings
from tests.support.model import DONE, FakeModel, Refusal, chunk, fake_model
from tests.support.people import Member, sign_in
from tests.support.server import running_api
from tests.support.sse import Frame, ask, frames

END = chunk(finish="stop") + DONE


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with fake_model() as made:
        yield made


@pytest.fixture
def patience() -> str:
    """How many seconds the product waits for the model."""
    return "5"


@pytest.fixture
async def member(
    model: FakeModel, environment: dict[str, str], settings: Settings, db: Database, patience: str
) -> AsyncIterator[Member]:
    """Somebody in a company whose executives are this model."""
    endpoint = {"LLM_PROVIDER": "openai", "LLM_BASE_URL": f"{model.url}/v1", "LLM_API_KEY": "sk-1", "LLM_MODEL": "m"}
    with running_api(Settings.load({**environment, **endpoint, "LLM_TIMEOUT_SECONDS": patience})) as url:
        person = await sign_in(db, url)
        async with aclosing(person.http):
            yield await person.found()


def message_id(events: list[Frame]) -> str:
    return str(events[0].data["message"]["id"])


def conversation_of(events: list[Frame]) -> str:
    return str(events[0].data["conversation"]["id"])


async def listed(member: Member, events: list[Frame]) -> list[dict[str, Any]]:
    """The conversation, oldest first."""
    answer = await member.request("GET", f"/c-suite/conversations/{conversation_of(events)}/messages")
    return list(answer.json()["items"])[::-1]


async def again(member: Member, message: str) -> list[Frame]:
    answer = await member.request("POST", f"/c-suite/messages/{message}/regenerate")
    assert answer.status_code == 200, answer.text
    return frames(answer.content)


def sent(model: FakeModel) -> list[tuple[str, str]]:
    """The turns of the last request."""
    return [(turn["role"], turn["content"]) for turn in model.requests[-1]["messages"][1:]]


async def test_a_thought_is_told_and_stored_apart_and_never_sent_again(model: FakeModel, member: Member) -> None:
    model.sends(chunk("<thi"), chunk("nk>Grow or"), chunk(" save?</th"), chunk("ink>\n\nGrow"), chunk("."), END)
    events = await ask(member, "What now?")
    told = {
        name: "".join(frame.data["text"] for frame in events if frame.name == name)
        for name in ("message.thought", "message.delta")
    }
    assert told == {"message.thought": "Grow or save?", "message.delta": "Grow."}
    stored = (await listed(member, events))[-1]
    assert (stored["content"], stored["thought"], stored["cut_off"]) == ("Grow.", "Grow or save?", None)
    assert stored["thought_seconds"] >= 0
    assert events[-1].data == stored
    await ask(member, "Why?", conversation_id=conversation_of(events))
    assert sent(model) == [("user", "What now?"), ("assistant", "Grow."), ("user", "Why?")]


async def test_text_that_was_thought_all_along_leaves_the_answer(model: FakeModel, member: Member) -> None:
    model.sends(chunk("Grow or save?\n"), chunk("</think>\n\n"), chunk("Grow."), END)
    events = await ask(member)
    assert (events[-1].data["content"], events[-1].data["thought"]) == ("Grow.", "Grow or save?")
    assert any(frame.data["instead"] for frame in events if frame.name == "message.thought")


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_answer_that_was_cut_off_is_complete_and_says_why(
    model: FakeModel, member: Member, reason: str
) -> None:
    model.sends(chunk("Grow"), chunk(finish=reason) + DONE)
    events = await ask(member)
    assert (events[-1].name, events[-1].data["status"]) == ("message.completed", "completed")
    assert (events[-1].data["content"], events[-1].data["cut_off"]) == ("Grow", reason)
    assert (await listed(member, events))[-1]["cut_off"] == reason


@pytest.mark.parametrize(
    ("reason", "words"), [("length", "ask for less"), ("content_filter", "other words"), ("stop", "empty answer")]
)
async def test_nothing_said_is_a_failure_with_its_reason(
    model: FakeModel, member: Member, reason: str, words: str
) -> None:
    model.sends(chunk(reasoning_content="Hm."), chunk(finish=reason) + DONE)
    message = (await ask(member))[-1].data["message"]
    assert (message["status"], message["error"]["code"], message["thought"]) == (
        "failed",
        "provider_unavailable",
        "Hm.",
    )
    assert words in message["error"]["detail"]


async def test_an_end_without_a_reason_is_a_failure_that_keeps_the_text(model: FakeModel, member: Member) -> None:
    model.sends(chunk("Half of"))
    message = (await ask(member))[-1].data["message"]
    assert (message["status"], message["content"], message["error"]["code"]) == (
        "failed",
        "Half of",
        "provider_unavailable",
    )


@pytest.mark.parametrize("patience", ["2"])
async def test_endless_thinking_ends_and_the_conversation_goes_on(model: FakeModel, member: Member) -> None:
    async def think(_: web.Request, response: web.StreamResponse) -> None:
        while True:
            await response.write(chunk(reasoning_content="hm ") + b": ping\n\n" + chunk(""))
            await asyncio.sleep(0.02)

    model.behave = think
    events = await ask(member)
    assert events[-1].data["message"]["error"]["code"] == "provider_timeout"
    assert events[-1].data["message"]["thought"].startswith("hm hm")
    model.behave = None
    assert (await ask(member, "Again?", conversation_id=conversation_of(events)))[-1].name == "message.completed"


async def test_questions_that_nothing_answered_go_with_the_next_one(model: FakeModel, member: Member) -> None:
    model.refusals = [Refusal(401)] * 2
    first = await ask(member, "One?")
    assert first[-1].data["message"]["error"]["code"] == "provider_unavailable"
    await ask(member, "Two?", conversation_id=conversation_of(first))
    await ask(member, "Three?", conversation_id=conversation_of(first))
    assert sent(model) == [("user", "One?\n\nTwo?\n\nThree?")]
    await ask(member, "Four?", conversation_id=conversation_of(first))
    assert [role for role, _ in sent(model)] == ["user", "assistant", "user"]


async def test_a_history_that_was_cut_begins_with_a_question(model: FakeModel, member: Member) -> None:
    model.sends(chunk("y" * 6_000), END)
    events = await ask(member, "x" * 6_000)
    for _ in range(3):
        await ask(member, "x" * 3_000, conversation_id=conversation_of(events))
        assert [role for role, _ in sent(model)] == ["user", "assistant"] * (len(sent(model)) // 2) + ["user"]


async def test_a_prompt_that_does_not_fit_is_told_in_words(model: FakeModel, member: Member) -> None:
    model.refusals = [Refusal(400, {"error": {"code": "context_length_exceeded"}})]
    failed = (await ask(member))[-1].data["message"]["error"]
    assert (failed["code"], failed["title"]) == ("prompt_too_long", "This is more than the model can read at once")
    assert "Shorten the question" in failed["detail"]


async def test_the_budget_follows_the_model(model: FakeModel, member: Member) -> None:
    model.sends(chunk("y" * 4_000), END)
    events = await ask(member, "x" * 4_000)
    await ask(member, "x" * 4_000, conversation_id=conversation_of(events))
    model.refusals = [Refusal(400, {"error": {"code": "context_length_exceeded"}})]
    await ask(member, "Short?", conversation_id=conversation_of(events))
    tried, fitted = (sum(len(turn["content"]) for turn in request["messages"]) for request in model.requests[-2:])
    assert fitted < tried
    asked = len(model.requests)
    await ask(member, "Again?", conversation_id=conversation_of(events))
    assert len(model.requests) == asked + 1
    assert sum(len(turn["content"]) for turn in model.requests[-1]["messages"]) <= fitted + len("Again?")


async def test_a_regeneration_that_fails_leaves_the_answer(model: FakeModel, member: Member) -> None:
    first = await ask(member, "One?")
    before = await listed(member, first)
    model.refusals = [Refusal(401)] * 2
    failed = await again(member, message_id(first))
    assert failed[-1].name == "message.failed"
    assert await listed(member, first) == before
    # Whoever saw it fail repeats that one, whoever came later the one that is there.
    assert (await again(member, message_id(failed)))[-1].name == "message.failed"
    assert await listed(member, first) == before
    follow = await member.request("GET", f"/c-suite/messages/{message_id(failed)}/stream")
    assert frames(follow.content)[-1].name == "message.failed"
    await ask(member, "Two?", conversation_id=conversation_of(first))
    assert sent(model) == [("user", "One?"), ("assistant", "Hello there"), ("user", "Two?")]


@pytest.mark.parametrize("patience", ["2"])
async def test_the_answer_stays_until_the_new_one_is_complete(model: FakeModel, member: Member, db: Database) -> None:
    first = await ask(member, "One?")
    model.sends(chunk("Better"), stay=True)
    async with regenerating(member, message_id(first)) as new:
        shown = await listed(member, first)
        assert [(item["id"], item["status"]) for item in shown[1:]] == [(new, "streaming")]
        async with db.transaction(TenantContext(member.tenant_id, None)) as session:
            standing = await session.scalars(text("SELECT id FROM messages WHERE superseded_at IS NULL"))
            assert UUID(message_id(first)) in set(standing)
    model.behave = None
    # The one above failed for want of more text.
    replaced = await again(member, message_id(first))
    assert [item["id"] for item in await listed(member, first)][1:] == [message_id(replaced)]
    stale = await member.request("POST", f"/c-suite/messages/{message_id(first)}/regenerate")
    assert (stale.status_code, stale.json()["code"]) == (409, "not_latest_answer")


@pytest.mark.parametrize(("sends", "stands"), [([chunk("Better")], True), ([], False)])
async def test_a_regeneration_that_is_stopped_stands_if_it_said_something(
    model: FakeModel, member: Member, sends: list[bytes], stands: bool
) -> None:
    first = await ask(member, "One?")
    model.sends(*sends, stay=True)
    async with regenerating(member, message_id(first), "message.delta" if stands else "message.started") as new:
        assert (await member.request("POST", f"/c-suite/messages/{new}/stop")).status_code == 202
    assert (await listed(member, first))[-1]["id"] == (new if stands else message_id(first))


async def test_of_two_failures_the_one_with_more_text_stays(model: FakeModel, member: Member) -> None:
    model.sends(chunk("Half of an answer"))
    first = await ask(member, "One?")
    model.sends(chunk("Half"))
    await again(member, message_id(first))
    assert (await listed(member, first))[-1]["id"] == message_id(first)
    model.sends(chunk("Half of an answer."))
    longer = await again(member, message_id(first))
    assert (await listed(member, first))[-1]["id"] == message_id(longer)


async def test_a_regeneration_whose_process_was_lost_leaves_the_answer(
    member: Member, settings: Settings, db: Database
) -> None:
    first = await ask(member, "One?")
    before, lost = await listed(member, first), UUID(int=UUID(message_id(first)).int + 1)
    async with db.transaction(TenantContext(member.tenant_id, None)) as session:
        await session.execute(
            text(
                "INSERT INTO messages "
                "(tenant_id, id, conversation_id, role, status, content, reply_to_id, lease_token, "
                "lease_expires_at) SELECT tenant_id, :lost, conversation_id, role, 'streaming', '', reply_to_id, id, "
                "now() - interval '1 s' FROM messages WHERE id = :first"
            ),
            {"lost": lost, "first": UUID(message_id(first))},
        )
    assert (await listed(member, first))[-1]["id"] == str(lost)
    product = Product(settings)
    try:
        await product.of(CSuite).answers.settle(RunRef(member.tenant_id, lost))
    finally:
        await product.close()
    assert await listed(member, first) == before


@asynccontextmanager
async def regenerating(member: Member, message: str, until: str = "message.delta") -> AsyncIterator[str]:
    """Ask again, read up to an event, do what the block does, and read to the end."""
    headers = {"X-Tenant-Id": str(member.tenant_id)}
    path = f"/c-suite/messages/{message}/regenerate"
    async with member.person.http.stream("POST", path, headers=headers) as response:
        parts = response.aiter_raw()
        body = b""
        while f"event: {until}".encode() not in body:
            body += await anext(parts)
        yield message_id(frames(body))
        async for _ in parts:
            pass
