"""Which module answers which requirement."""

from collections.abc import Sequence

import pytest

from backend.modules.registry import CapabilityMissing, ModuleRegistry, RegistrationRefused
from module_sdk.contract.board import BoardMeeting
from module_sdk.contract.capability import MetricSnapshot, ModuleCapability, TaskExecutionRequest, TaskExecutionResult
from module_sdk.contract.kinds import kind_of
from module_sdk.contract.module import BoardRequest, ChatComposition, ChatModule, ChatPrompt, MetricsRequest
from module_sdk.contract.validation import ContractViolation


class Fake:
    def __init__(self, name: str, version: str) -> None:
        self.capability = ModuleCapability(name=name, version=version, title="Fake")


class Chat(Fake):
    title = "CEO"
    suggestions = ("Why?",)

    def __init__(self, version: str, *, name: str = "csuite.ceo.chat", executive: str = "ceo") -> None:
        super().__init__(name, version)
        self.executive = executive

    def compose(self, request: ChatComposition) -> ChatPrompt:
        return ChatPrompt(system="s", turns=request.turns)


class Metrics(Fake):
    async def metrics(self, request: MetricsRequest) -> Sequence[MetricSnapshot]:
        return []


class Board(Fake):
    async def convene(self, request: BoardRequest) -> BoardMeeting:
        raise NotImplementedError


class Task(Fake):
    async def execute(self, request: TaskExecutionRequest) -> TaskExecutionResult:
        raise NotImplementedError


class Both(Metrics, Board):
    pass


def test_the_highest_compatible_module_answers() -> None:
    old, new, next_major = Chat("1.2.0"), Chat("0.9.1"), Chat("2.0.1")
    registry = ModuleRegistry([old, new, next_major])
    assert registry.resolve("csuite.ceo.chat", "1.0.0") is old
    assert registry.resolve("csuite.ceo.chat", "0.9.0") is new
    found: ChatModule = registry.resolve("csuite.ceo.chat", "2.0.0", "chat")
    assert found is next_major
    assert registry.executive("ceo") is next_major
    assert registry.executive("cfo") is None


@pytest.mark.parametrize(
    ("name", "required", "known"),
    [
        ("csuite.ceo.chat", "1.3.0", ("1.2.0",)),
        ("csuite.ceo.chat", "2.0.0", ("1.2.0",)),
        ("csuite.cfo.chat", "1.0.0", ()),
    ],
)
def test_what_nobody_answers(name: str, required: str, known: tuple[str, ...]) -> None:
    registry = ModuleRegistry([Chat("1.2.0")])
    with pytest.raises(CapabilityMissing) as caught:
        registry.resolve(name, required)
    assert (caught.value.name, caught.value.required, caught.value.known) == (name, required, known)


def test_a_module_of_another_kind_does_not_answer() -> None:
    registry = ModuleRegistry([Task("crm.sync.run", "1.0.0")])
    with pytest.raises(CapabilityMissing):
        registry.resolve("crm.sync.run", "1.0.0", "chat")
    assert registry.resolve("crm.sync.run", "1.0.0", "task") is registry.task_modules()[0]


def test_a_requirement_that_is_no_version() -> None:
    with pytest.raises(ValueError, match="semantic version"):
        ModuleRegistry().resolve("a.b", "latest")


def test_modules_by_kind_in_the_order_of_registration() -> None:
    chat, metrics, board, task = Chat("1.0.0"), Metrics("a.b", "1.0.0"), Board("c.d", "1.0.0"), Task("e.f", "1.0.0")
    other = Metrics("z.a", "1.0.0")
    registry = ModuleRegistry([other, task, board, metrics, chat])
    assert registry.chat_modules() == (chat,)
    assert registry.metrics_modules() == (other, metrics)
    assert registry.board_modules() == (board,)
    assert registry.task_modules() == (task,)
    assert registry.modules() == (other, task, board, metrics, chat)
    assert [kind_of(module) for module in registry.modules()] == ["metrics", "task", "board", "metrics", "chat"]


@pytest.mark.parametrize(
    ("there", "new"), [("1.0.0", "1.0.0"), ("1.0.0", "1.5.2"), ("0.2.0", "0.2.9"), ("2.0.0", "2.1.0-a")]
)
def test_a_line_has_one_module(there: str, new: str) -> None:
    registry = ModuleRegistry([Chat(there)])
    with pytest.raises(RegistrationRefused, match=f"competes with {there}"):
        registry.register(Chat(new))
    assert len(registry.modules()) == 1


@pytest.mark.parametrize(
    ("name", "version"), [("ceo", "1.0.0"), ("Csuite.ceo", "1.0.0"), ("a.b\n", "1.0.0"), ("a.b", "1.0")]
)
def test_invalid_capabilities_are_refused(name: str, version: str) -> None:
    with pytest.raises(RegistrationRefused, match="invalid"):
        ModuleRegistry([Metrics(name, version)])


def test_an_executive_belongs_to_one_name() -> None:
    registry = ModuleRegistry([Chat("1.0.0")])
    with pytest.raises(RegistrationRefused, match="already answered"):
        registry.register(Chat("1.0.0", name="other.ceo.chat"))
    registry.register(Chat("1.0.0", name="csuite.cfo.chat", executive="cfo"))
    assert len(registry.chat_modules()) == 2


def test_a_name_is_of_one_kind() -> None:
    registry = ModuleRegistry([Metrics("a.b", "1.0.0")])
    with pytest.raises(RegistrationRefused, match="kind metrics"):
        registry.register(Task("a.b", "2.0.0"))


def test_what_is_no_module_or_two() -> None:
    with pytest.raises(ContractViolation, match="no kind"):
        kind_of(object())
    with pytest.raises(ContractViolation, match="metrics and board"):
        kind_of(Both("a.b", "1.0.0"))
    with pytest.raises(ContractViolation, match="is a class"):
        kind_of(Chat)
    with pytest.raises(RegistrationRefused, match="is a class"):
        ModuleRegistry([Chat])  # type: ignore[list-item]  # what a caller without types would do


def test_registries_share_nothing() -> None:
    ModuleRegistry([Chat("1.0.0")])
    assert ModuleRegistry().modules() == ()
