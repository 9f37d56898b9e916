"""The conformance kit finds what is planted, and leaves proper modules alone."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from module_sdk.contract.board import AgendaItem, Attendee, BoardMeeting, Decision, Statement
from module_sdk.contract.capability import MetricSnapshot, ModuleCapability, TaskExecutionRequest, TaskExecutionResult
from module_sdk.contract.kinds import AnyModule
from module_sdk.contract.module import BoardRequest, ChatComposition, ChatPrompt, ChatTurn, MetricsRequest
from module_sdk.testing import ConformanceFailure, check_module, check_module_async


class Chat:
    capability = ModuleCapability(name="csuite.cfo.chat", version="1.0.0", title="CFO")
    executive = "cfo"
    title = "CFO"
    suggestions: tuple[str, ...] = ("How long does our cash last?",)

    def compose(self, request: ChatComposition) -> ChatPrompt:
        system = f"You are the CFO of {request.company.name}."
        return ChatPrompt(system=system, turns=request.turns[-1:])


class Metrics:
    capability = ModuleCapability(name="books.metrics", version="1.0.0", title="Books")

    async def metrics(self, request: MetricsRequest) -> Sequence[MetricSnapshot]:
        return [self.figure(request)]

    def figure(self, request: MetricsRequest) -> MetricSnapshot:
        return MetricSnapshot(
            key="cash",
            label="Cash",
            value=1.0,
            unit="currency",
            currency=request.company.profile.currency,
            period="now",
            as_of=request.now,
            source=self.capability.name,
        )


class Board:
    capability = ModuleCapability(name="csuite.board.meeting", version="1.0.0", title="Board")

    async def convene(self, request: BoardRequest) -> BoardMeeting:
        return BoardMeeting(
            id=request.meeting_id,
            status="completed",
            topic=request.topic or "Cash",
            agenda=[AgendaItem(id="a", title="Cash", minutes=5)],
            attendees=[Attendee(executive="cfo", title="CFO")],
            statements=[Statement(agenda_item_id="a", executive="cfo", text="Fine.")],
            decisions=[Decision(agenda_item_id="a", text="Go on.", owner="cfo")],
            created_at=request.now,
        )


class Task:
    capability = ModuleCapability(name="text.case.upper", version="1.0.0", title="Upper")

    async def execute(self, request: TaskExecutionRequest) -> TaskExecutionResult:
        now = datetime.now(UTC)
        text = request.arguments.get("text")
        if not isinstance(text, str):
            return TaskExecutionResult(
                task_id=request.task_id, status="failed", error_code="bad_arguments", finished_at=now
            )
        return TaskExecutionResult(
            task_id=request.task_id, status="succeeded", output={"text": text.upper()}, finished_at=now
        )


def findings(module: Any, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConformanceFailure) as caught:
        check_module(module, **options)
    assert all(f"{check}: {message}" in str(caught.value) for check, message in caught.value.failures)
    return caught.value.failures


@pytest.mark.parametrize("module", [Chat(), Metrics(), Board(), Task()])
def test_proper_modules_pass(module: AnyModule) -> None:
    check_module(module, arguments=[{"text": "a"}] if isinstance(module, Task) else [])


async def test_within_a_running_loop() -> None:
    await check_module_async(Metrics())


def test_what_is_no_module() -> None:
    assert findings(object())[0][0] == "capability"


def test_an_invalid_capability() -> None:
    class Nameless(Metrics):
        capability = ModuleCapability(name="Books", version="1.0.0", title="Books")

    assert "$.name" in findings(Nameless())[0][1]


class Forgets(Chat):
    def compose(self, request: ChatComposition) -> ChatPrompt:
        return ChatPrompt(system="x", turns=request.turns[:1])


class Gushes(Chat):
    def compose(self, request: ChatComposition) -> ChatPrompt:
        return ChatPrompt(system="x", turns=request.turns)


class Silent(Chat):
    def compose(self, request: ChatComposition) -> ChatPrompt:
        return ChatPrompt(system=" ", turns=request.turns[-1:])


class Fickle(Chat):
    count = 0

    def compose(self, request: ChatComposition) -> ChatPrompt:
        self.count += 1
        return ChatPrompt(system=str(self.count), turns=request.turns[-1:])


class Meddles(Chat):
    def compose(self, request: ChatComposition) -> ChatPrompt:
        del request.turns[:-1]
        request.turns.insert(0, ChatTurn(role="user", content="x"))
        return ChatPrompt(system="x", turns=request.turns[-1:])


class Remembers(Chat):
    def __init__(self) -> None:
        self.first: str | None = None

    def compose(self, request: ChatComposition) -> ChatPrompt:
        self.first = self.first or request.company.name
        return ChatPrompt(system=self.first, turns=request.turns[-1:])


class Formats(Chat):
    def compose(self, request: ChatComposition) -> ChatPrompt:
        system = f"You advise {request.company.name}. Today is {{now}}.".format(now=request.now)
        return ChatPrompt(system=system, turns=request.turns[-1:])


@pytest.mark.parametrize(
    ("module", "check", "message"),
    [
        (Forgets(), "compose", "is not the question"),
        (Gushes(), "compose", "of 24000"),
        (Silent(), "compose", "$.system is empty"),
        (Fickle(), "compose", "another prompt for the same request"),
        (Meddles(), "compose", "changes its request"),
        (Remembers(), "compose", "belongs to another company"),
        (Formats(), "compose", "raised KeyError"),
    ],
)
def test_prompts_that_break_the_contract(module: Chat, check: str, message: str) -> None:
    assert any(found == check and message in text for found, text in findings(module))


def test_words_for_people_that_break_the_contract() -> None:
    class Shouts(Chat):
        executive = "C F O"
        title = ""
        suggestions = ("two\nlines", "x" * 201)

    assert [check for check, _ in findings(Shouts())] == ["executive", "title", "suggestions"]


def test_metrics_that_break_the_contract() -> None:
    class Borrowed(Metrics):
        def figure(self, request: MetricsRequest) -> MetricSnapshot:
            return replace(super().figure(request), source="other.metrics", value=float("nan"))

    class Mixed(Metrics):
        def __init__(self) -> None:
            self.seen: list[MetricSnapshot] = []

        async def metrics(self, request: MetricsRequest) -> Sequence[MetricSnapshot]:
            self.seen.append(replace(self.figure(request), key=f"k{len(self.seen)}", label=request.company.name[:80]))
            return self.seen

    assert {text for _, text in findings(Borrowed())} == {
        "$[0].value is not finite",
        "$[0].source is not books.metrics",
    }
    assert findings(Mixed()) == [("metrics", "shows what belongs to another company")]


def test_meetings_that_break_the_contract() -> None:
    class Absent(Board):
        async def convene(self, request: BoardRequest) -> BoardMeeting:
            meeting = await super().convene(request)
            point = AgendaItem(id="a", title="Again", minutes=0)
            lost = Decision(agenda_item_id="z", text="", owner="ceo")
            return replace(meeting, topic="", attendees=[], agenda=[*meeting.agenda, point], decisions=[lost])

    assert {text for _, text in findings(Absent())} == {
        "$.topic was to be chosen",
        "$.topic is not the request's",
        "$.agenda[1].minutes is not positive",
        "$.agenda has an id twice",
        "$.statements[0].executive does not attend",
        "$.decisions[0].text is empty or too long",
        "$.decisions[0].agenda_item_id is not on the agenda",
        "$.decisions[0].owner does not attend",
    }


def test_tasks_that_break_the_contract() -> None:
    class Raises(Task):
        async def execute(self, request: TaskExecutionRequest) -> TaskExecutionResult:
            text = request.arguments["text"].upper()
            return TaskExecutionResult(
                task_id=request.task_id, status="succeeded", output={"text": text}, finished_at=datetime.now(UTC)
            )

    class ActsTwice(Task):
        count = 0

        async def execute(self, request: TaskExecutionRequest) -> TaskExecutionResult:
            self.count += 1
            return replace(
                await super().execute(request), status="succeeded", error_code=None, output={"n": self.count}
            )

    assert findings(Raises(), arguments=[{"text": "a"}]) == [("execute", "raised KeyError: 'text'")]
    assert findings(ActsTwice()) == [("execute", "ends otherwise when the same request is delivered again")]
    assert findings(Task(), arguments=[{"text": 1}]) == [("execute", "an example failed: bad_arguments")]


def test_a_module_that_never_answers() -> None:
    class Sleeps(Metrics):
        async def metrics(self, request: MetricsRequest) -> Sequence[MetricSnapshot]:
            await asyncio.Event().wait()
            return []

    assert findings(Sleeps(), seconds=0.01) == [("metrics", "took longer than 0.01 s")]
