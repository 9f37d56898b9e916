"""Password work off the event loop, with a bound on how much of it may wait."""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from zxcvbn import zxcvbn

import crypto
from backend.kernel.errors import Unavailable, ValidationFailed
from module_sdk.api.account import PasswordStrength
from module_sdk.api.problems import FieldError

T = TypeVar("T")
WORKERS: Final = 2
"""argon2id takes 64 MiB and four lanes each time: more at once would only be slower and larger."""
WAITING_MAX: Final = 32
SCORE_LEAST: Final = 3
"""Of 0 to 4: what withstands an attack on a slow hash, with moderate effort."""
JUDGED_MAX: Final = 72
"""Judging takes a time that grows with the square of the length."""
KNOWN_MAX: Final = 24
_SEPARATORS: Final = re.compile(r"[^\w]+|_")


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

    async def judge(self, password: str, known: Sequence[str]) -> PasswordStrength:
        """How hard a password is to guess for somebody who knows ``known`` of its owner."""
        return await self._run(lambda: judged(password, known))

    async def must_be_strong(self, password: str, known: Sequence[str], field: str = "password") -> None:
        """Raise ``ValidationFailed`` for a password that is easy to guess, naming ``field``."""
        reason = (await self.judge(password, known)).reason
        if reason is not None:
            raise ValidationFailed(errors=[FieldError(path=f"$.{field}", message=reason)])

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


def judged(password: str, known: Sequence[str]) -> PasswordStrength:
    """See :meth:`PasswordWorkers.judge`. What follows the first ``JUDGED_MAX`` characters makes it no worse."""
    words = [part for text in known for part in {text, *_SEPARATORS.split(text)} if len(part) > 2]
    found = zxcvbn(password[:JUDGED_MAX], user_inputs=words[:KNOWN_MAX], max_length=JUDGED_MAX)
    score = int(found["score"])
    if score >= SCORE_LEAST:
        return PasswordStrength(score=score, reason=None)
    why = found["feedback"]["warning"].rstrip(".") or _why(found["sequence"], set(map(str.lower, words)))
    return PasswordStrength(score=score, reason=f"{why}. Use a few unrelated words, or a longer sentence of your own")


def _why(sequence: list[dict[str, Any]], words: set[str]) -> str:
    """A reason where the library gives none."""
    if any(part.get("matched_word") in words for part in sequence):
        return "It is made of your name or address"
    return "It is easy to guess"


def _give_back(loop: asyncio.AbstractEventLoop, release: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(release)
