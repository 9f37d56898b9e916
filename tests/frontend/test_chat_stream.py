"""Few updates, nothing lost, nothing late; and a draft that knows how far its answer is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import pairwise
from time import monotonic
from uuid import UUID

import pytest

from frontend.features.chat.conversations_state import CHAT_PATH
from frontend.features.chat.stream import Draft, gathered
from frontend.features.chat.thread_state import conversation_in
from frontend.features.chat.views import executive_view, message_view
from module_sdk.api.client import ApiUnavailable, ChatEvent, Reconnecting
from module_sdk.api.csuite import Conversation, Delta, Executive, Failed, Message, MessageError, Started

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


async def paced(count: int, pause: float) -> AsyncIterator[int]:
    for number in range(count):
        yield number
        await asyncio.sleep(pause)


async def test_many_items_become_few_updates_in_order() -> None:
    begun = monotonic()
    batches = [batch async for batch in gathered(paced(300, 0.001), 0.05)]
    took = monotonic() - begun
    assert [number for batch in batches for number in batch] == list(range(300))
    assert len(batches) <= took / 0.05 + 2
    assert len(batches) > 3


async def test_first_item_comes_at_once_and_so_does_one_after_a_pause() -> None:
    begun = monotonic()
    seen = [(batch, monotonic() - begun) async for batch in gathered(paced(2, 3.0), 2.5)]
    assert [batch for batch, _ in seen] == [[0], [1]]
    assert seen[0][1] < 2.5
    assert seen[1][1] < 5.0, "the pause is over, so that nothing has to be waited for"


async def test_end_is_not_held_back() -> None:
    begun = monotonic()
    batches = [batch async for batch in gathered(paced(5, 0.0), 60.0)]
    assert [number for batch in batches for number in batch] == list(range(5))
    assert monotonic() - begun < 30.0


async def test_error_comes_after_what_was_read_before_it() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise ApiUnavailable("gone")

    batches = gathered(failing(), 0.01)
    assert await anext(batches) == [1, 2]
    with pytest.raises(ApiUnavailable):
        await anext(batches)


async def test_leaving_early_ends_the_source() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    async with aclosing(gathered(endless(), 0.01)) as batches:
        async for _ in batches:
            break
    assert ended.is_set()


def message(**changes: object) -> Message:
    values: dict[str, object] = {
        "id": UUID(int=2), "conversation_id": UUID(int=1), "role": "assistant", "status": "streaming", "content": "",
        "created_at": NOW, "model": "m", "provider": "mock",
    } | changes  # fmt: skip
    return Message(**values)  # type: ignore[arg-type]  # the tests' own values


def started() -> Started:
    conversation = Conversation(id=UUID(int=1), executive="ceo", title="T", created_at=NOW, updated_at=NOW)
    return Started(conversation=conversation, question=message(role="user", status="completed"), message=message())


async def test_draft_follows_an_answer_to_its_end() -> None:
    draft = Draft()
    draft.take(ChatEvent(id=1, event="message.started", data=started()))
    for number, text in enumerate(["**One", "**\n\n", "Tw", "o"], start=2):
        draft.take(ChatEvent(id=number, event="message.delta", data=Delta(message_id=UUID(int=2), text=text)))
    await draft.advance()
    assert draft.started == started()
    assert (draft.blocks, draft.tail) == (['<p dir="auto"><strong>One</strong></p>'], '<p dir="auto">Two</p>')
    draft.take(Reconnecting(attempt=1, delay=0.1))
    lost = draft.interrupted
    end = message(status="completed", content="**One**\n\nTwo")
    draft.take(ChatEvent(id=6, event="message.completed", data=end))
    assert (lost, draft.interrupted) == (True, False)
    assert draft.ended == end


async def test_an_answer_of_nothing_but_brackets_does_not_keep_the_loop() -> None:
    """Thousands of them in pieces of four; other work goes on between, however long the rendering takes."""
    draft, turns = Draft(), 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    before_rendering: list[int] = []
    for number in range(1_400):
        draft.take(ChatEvent(id=number + 1, event="message.delta", data=Delta(message_id=UUID(int=2), text="[[[[")))
        if number >= 900:
            before_rendering.append(turns)
            await draft.advance()
    other.cancel()
    rendered_beside = sum(later > earlier for earlier, later in pairwise(before_rendering))
    assert 0 < rendered_beside < 200, "few renderings of so long a tail, and each of them beside the loop"


def test_draft_takes_the_message_out_of_a_failure() -> None:
    draft = Draft()
    failed = message(status="failed", error=MessageError(code="internal", title="Broke"))
    draft.take(ChatEvent(id=1, event="message.failed", data=Failed(message=failed)))
    assert draft.ended == failed


def test_persons_words_stay_text_and_answers_become_html() -> None:
    question = message_view(message(role="user", status="completed", content="<b>**x**"), NOW, UTC)
    assert (question.mine, question.text, question.blocks) == (True, "<b>**x**", [])
    answer = message_view(message(status="stopped", content="**x**"), NOW, UTC)
    assert (answer.mine, answer.status, answer.blocks) == (False, "stopped", ['<p dir="auto"><strong>x</strong></p>'])
    failure = message_view(message(status="failed", error=MessageError(code="c", title="T", detail="D")), NOW, UTC)
    assert (failure.error_title, failure.error_detail) == ("T", "D")


def test_provider_is_named_in_words() -> None:
    def executive(provider: str) -> Executive:
        return Executive(
            key="ceo", title="CEO", capability="csuite.ceo.chat", version="1.0.0", provider=provider, model="m",
            suggestions=["a"],
        )  # fmt: skip

    assert executive_view([executive("mock")], "ceo").provider == "demonstration model"
    assert executive_view([executive("another")], "unknown").provider == "another"
    assert executive_view([], "ceo").title == ""


@pytest.mark.parametrize(("path", "found"), [("", ""), ("/", ""), ("/abc", "abc"), ("/abc/", "abc")])
def test_conversation_is_named_by_the_address(path: str, found: str) -> None:
    assert conversation_in(CHAT_PATH + path) == found
