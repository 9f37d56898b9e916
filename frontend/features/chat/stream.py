"""An answer on its way to a page: events gathered into few updates, and the text as far as it has arrived."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Final, TypeVar

from frontend.kit.markdown import Unfinished
from frontend.kit.markdown.growing import EVERY_TIME_CHARS
from module_sdk.api.client import Reconnecting, StreamItem
from module_sdk.api.csuite import Delta, Failed, Message, Started, Thought

T = TypeVar("T")

#: Some 20 updates a second: text flows, and neither the socket nor the browser has more to do than that.
UPDATE_SECONDS: Final = 0.045
#: One thread for all answers of this process: rendering is computing, and more would only get into each other's way.
_RENDERING: Final = ThreadPoolExecutor(1, "markdown")


async def gathered(
    items: AsyncIterator[T], seconds: float = UPDATE_SECONDS, clock: Callable[[], float] = monotonic
) -> AsyncGenerator[list[T], None]:
    """The items in batches, at most one in ``seconds``; the first one and one after a pause come at once.

    Raises what ``items`` raises, after a last batch with what came before.
    """
    waiting: list[T] = []
    arrived, finished = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        try:
            async for item in items:
                waiting.append(item)
                arrived.set()
        finally:
            finished.set()
            arrived.set()

    reader = asyncio.create_task(read())
    given = clock() - seconds
    try:
        while not finished.is_set() or waiting:
            await arrived.wait()
            pause = given + seconds - clock()
            if pause > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(finished.wait(), pause)
            arrived.clear()
            if finished.is_set():
                arrived.set()
            batch, waiting[:] = waiting[:], []
            if batch:
                given = clock()
                yield batch
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


class Draft:
    """One answer as far as it is known."""

    def __init__(self) -> None:
        self.started: Started | None = None
        self.ended: Message | None = None
        #: True while the connection to the API is lost and being tried again.
        self.interrupted = False
        #: What the model thinks before it answers.
        self.thought = ""
        self._text = Unfinished()

    @property
    def blocks(self) -> list[str]:
        """The finished blocks as HTML."""
        return self._text.blocks

    @property
    def parts(self) -> list[str]:
        """The block being written as HTML, as far as it will not change."""
        return self._text.parts

    @property
    def tail(self) -> str:
        """The rest of that block as HTML."""
        return self._text.tail

    async def advance(self) -> None:
        """Bring blocks, parts and tail up to the text that was taken; beside the event loop if that is much."""
        if not self._text.due:
            return
        if self._text.size <= EVERY_TIME_CHARS:
            self._text.advance()
        else:
            await asyncio.get_running_loop().run_in_executor(_RENDERING, self._text.advance)

    def take(self, item: StreamItem) -> None:
        """Note what ``item`` says."""
        self.interrupted = isinstance(item, Reconnecting)
        if isinstance(item, Reconnecting):
            return
        match item.data:
            case Started() as started:
                self.started = started
            case Thought(text=text):
                self.thought += text
            case Delta(text=text):
                self._text.add(text)
            case Message() as message:
                self.ended = message
            case Failed(message=message):
                self.ended = message
