"""What the product asks of a language model."""

from collections.abc import AsyncGenerator
from typing import Protocol

from module_sdk.module import ChatPrompt


class Provider(Protocol):
    """Streams the answer to a prompt."""

    @property
    def name(self) -> str:
        """The value of ``LLM_PROVIDER``."""

    @property
    def model(self) -> str:
        """The model's name, as shown to people."""

    def stream(self, prompt: ChatPrompt) -> AsyncGenerator[str]:
        """Pieces of the answer as they come.

        Raises ``ProviderUnavailable`` or ``ProviderTimeout``; retries happen before the first piece only, since a
        repeated half would be worse than an honest failure.
        """

    async def close(self) -> None:
        """Give back what is held open."""
