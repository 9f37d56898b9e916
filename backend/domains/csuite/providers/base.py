"""What the product asks of a language model."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from module_sdk.api.csuite import CutOff
from module_sdk.contract.module import ChatPrompt


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thinks before it answers; with ``instead`` all text that came before was thinking too."""

    text: str
    instead: bool = False


@dataclass(frozen=True, slots=True)
class CutShort:
    """The answer ends here before its time."""

    reason: CutOff


Piece = str | Thinking | CutShort
"""What comes of an answer: text, a thought, or last of all why there is no more."""


class Provider(Protocol):
    """Streams the answer to a prompt."""

    @property
    def name(self) -> str:
        """The value of ``LLM_PROVIDER``."""

    @property
    def model(self) -> str:
        """The model's name, as shown to people."""

    @property
    def budget_chars(self) -> int:
        """How long a prompt may be, as far as the model has shown."""

    def stream(self, prompt: ChatPrompt) -> AsyncGenerator[Piece]:
        """Pieces of the answer as they come.

        Raises ``ProviderUnavailable`` or ``ProviderTimeout``; retries happen before the first piece only, since a
        repeated half would be worse than an honest failure.
        """

    async def close(self) -> None:
        """Give back what is held open."""
