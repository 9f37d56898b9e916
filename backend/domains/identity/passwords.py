"""Password work off the event loop, with a bound on how much of it may wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import crypto
from backend.kernel.errors import Unavailable

T = TypeVar("T")
WORKERS: Final = 2
"""argon2id takes 64 MiB and four lanes each time: more at once would only be slower and larger."""
WAITING_MAX: Final = 32


class PasswordWorkers:
    """Hashes and verifies passwords in threads of its own.

    At most ``WORKERS`` at a time, with at most ``waiting`` behind them; beyond that ``Unavailable`` is raised, so that
    a flood of sign-ins costs refused sign-ins and not memory.
    """

    def __init__(self, *, waiting: int = WAITING_MAX) -> None:
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="passwords")
        self._room = WORKERS + waiting

    async def hash(self, password: str) -> str:
        """The argon2id hash of a password."""
        return await self._run(lambda: crypto.hash_password(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; with ``stored`` ``None`` the same work is done for nothing."""
        return await self._run(lambda: crypto.verify_password(stored, password))

    def close(self) -> None:
        """Let running work end and refuse new work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        loop = asyncio.get_running_loop()
        future = self._pool.submit(work)
        # A caller that goes away does not stop the thread, so that room is given back by the work and not by the wait.
        future.add_done_callback(lambda _: _give_back(loop, self._release))
        return await asyncio.wrap_future(future)

    def _release(self) -> None:
        self._room += 1


def _give_back(loop: asyncio.AbstractEventLoop, release: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(release)
