"""The interfaces of modules: a module declares one capability and answers for it; the product calls, stores and shows.

A module holds no connection to the product: everything it may know comes in the request.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from module_sdk.contract.board import BoardMeeting
from module_sdk.contract.capability import MetricSnapshot, ModuleCapability, TaskExecutionRequest, TaskExecutionResult
from module_sdk.contract.company import CompanyFacts

#: How long a prompt may be where nothing else is known of the model.
BUDGET_CHARS: Final = 24_000


class ChatTurn(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class ChatComposition(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation to answer: turns oldest first, the question last; ``now`` is in the company's time zone."""

    company: CompanyFacts
    turns: list[ChatTurn]
    now: datetime
    budget_chars: int = BUDGET_CHARS


class ChatPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """What a language model is given: instructions, and turns oldest first, within the budget."""

    system: str
    turns: list[ChatTurn]


class MetricsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which company's figures, as of when."""

    tenant_id: UUID
    company: CompanyFacts
    now: datetime


class BoardRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which company meets, and about what; an empty topic lets the chair choose."""

    meeting_id: UUID
    company: CompanyFacts
    topic: str
    now: datetime


@runtime_checkable
class Module(Protocol):
    """Every module names its capability."""

    @property
    def capability(self) -> ModuleCapability:
        """Name, version and words for people."""


@runtime_checkable
class ChatModule(Module, Protocol):
    """An executive one can chat with. The product calls the language model; the module says what to ask it."""

    @property
    def executive(self) -> str:
        """Short key, such as ``ceo``."""

    @property
    def title(self) -> str:
        """Words for people, such as ``CEO``."""

    @property
    def suggestions(self) -> tuple[str, ...]:
        """First questions to suggest."""

    def compose(self, request: ChatComposition) -> ChatPrompt:
        """The prompt for the next answer."""


@runtime_checkable
class MetricsModule(Module, Protocol):
    """A source of key figures."""

    async def metrics(self, request: MetricsRequest) -> Sequence[MetricSnapshot]:
        """The figures, in the order in which to show them."""


@runtime_checkable
class BoardModule(Module, Protocol):
    """Holds board meetings."""

    async def convene(self, request: BoardRequest) -> BoardMeeting:
        """The meeting."""


@runtime_checkable
class TaskModule(Module, Protocol):
    """Executes tasks."""

    async def execute(self, request: TaskExecutionRequest) -> TaskExecutionResult:
        """Do the work once; called again with the same ``idempotency_key`` after a crash."""
