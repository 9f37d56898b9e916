"""A model's answer that is already on its way while the rows it belongs to are still being stored."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from backend.domains.csuite.providers.base import Piece, Provider
from module_sdk.contract.module import ChatPrompt


class Draft:
    """Asks the model at once and keeps what comes, so that storing the question costs no time to the first token.

    Nothing of it is shown before it is iterated. One that will not be needed must be discarded.
    """

    def __init__(self, provider: Provider, prompt: ChatPrompt) -> None:
        self._arrived: asyncio.Queue[Piece | None] = asyncio.Queue()
        self._pump = asyncio.create_task(self._collect(provider.stream(prompt)))

    async def _collect(self, pieces: AsyncGenerator[Piece]) -> None:
        try:
            async for piece in pieces:
                self._arrived.put_nowait(piece)
        finally:
            self._arrived.put_nowait(None)
            await pieces.aclose()

    async def __aiter__(self) -> AsyncIterator[Piece]:
        """Pieces as they come; raises what the provider raises after the pieces that came before it."""
        while (piece := await self._arrived.get()) is not None:
            yield piece
        await self._pump

    async def discard(self) -> None:
        """Stop asking; what came is forgotten."""
        self._pump.cancel()
        await asyncio.wait({self._pump})
        if not self._pump.cancelled():
            self._pump.exception()  # seen: nobody else will ask for it
