"""What comes of a model's pieces: events, the text, and the thought that precedes it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import msgspec
import pytest

from backend.domains.csuite.answer import FLUSH_SECONDS, MOST_THOUGHT_CHARS, Answer, Assignment, said
from backend.domains.csuite.draft import Draft
from backend.domains.csuite.providers.base import CutShort, Piece, Thinking
from backend.domains.csuite.providers.mock import MockProvider
from backend.kernel.runs.streams import RunRef
from module_sdk.contract.module import ChatPrompt, ChatTurn

PROMPT = ChatPrompt(system="Company: Acme", turns=[ChatTurn(role="user", content="Hi")])


class Clock:
    """Time that passes when the test says so; every piece gets an event of its own."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += FLUSH_SECONDS
        return self.now


@pytest.fixture
async def draft() -> AsyncIterator[Draft]:
    made = Draft(MockProvider(0), PROMPT)
    yield made
    await made.discard()


@pytest.fixture
def answer(draft: Draft) -> Answer:
    return Answer(Assignment(RunRef(uuid4(), uuid4()), uuid4(), draft), Clock())


def told(answer: Answer, *pieces: Piece) -> list[tuple[str, str]]:
    for piece in pieces:
        answer.take(piece)
    answer.flush()
    return [(event.name, msgspec.json.decode(event.data)["text"]) for event in answer.live.events]


async def test_thoughts_are_events_of_their_own_and_no_text(answer: Answer) -> None:
    assert told(answer, Thinking("Let me "), Thinking("see\0."), "Grow", " fast.", CutShort("length")) == [
        ("message.thought", "Let me "),
        ("message.thought", "see."),
        ("message.delta", "Grow"),
        ("message.delta", " fast."),
    ]
    assert (answer.content, answer.thought, answer.cut_off) == ("Grow fast.", "Let me see.", "length")
    assert answer.thought_seconds is not None
    assert answer.thought_seconds > 0
    assert said(answer.live.events) == ("Grow fast.", "Let me see.")


async def test_without_a_thought_there_is_no_time_of_one(answer: Answer) -> None:
    told(answer, Thinking("\n"), "Yes.")
    assert (answer.thought, answer.thought_seconds) == (None, None)


async def test_the_thought_of_an_unfinished_answer_lasts_until_now(answer: Answer) -> None:
    told(answer, Thinking("Hm"))
    assert isinstance(answer.clock, Clock)
    answer.clock.now += 60
    assert answer.thought_seconds is not None
    assert answer.thought_seconds > 60


async def test_text_that_turns_out_to_be_thought(answer: Answer) -> None:
    told(answer, "The user ", "wants growth.", Thinking(" Done.", instead=True), "Grow.")
    assert (answer.content, answer.length, answer.thought) == ("Grow.", 5, "The user wants growth. Done.")
    assert said(answer.live.events) == ("Grow.", "The user wants growth. Done.")


async def test_a_long_thought_is_bounded(answer: Answer) -> None:
    events = told(answer, *(Thinking("x" * 1000) for _ in range(50)), "Grow.", Thinking("more"))
    assert sum(len(text) for name, text in events if name == "message.thought") == MOST_THOUGHT_CHARS
    assert answer.thought == "x" * MOST_THOUGHT_CHARS
    assert answer.content == "Grow."


async def test_text_before_a_thought_stays_and_time_runs_forward(answer: Answer) -> None:
    told(answer, "First. ", Thinking("hm"), "Second.")
    assert answer.content == "First. Second."
    assert answer.thought_seconds is not None
    assert answer.thought_seconds > 0
