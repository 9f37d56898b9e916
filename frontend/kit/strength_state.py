"""How hard a new password is to guess, asked of the API once it was typed. The password itself is kept nowhere."""

from typing import Final

import reflex as rx

from frontend.platform import runtime
from frontend.platform.problems import sentence
from frontend.platform.session import SessionState
from module_sdk.api.account import PasswordCandidate
from module_sdk.api.client import ClientError

MIN_PASSWORD: Final = 12
MAX_PASSWORD: Final = 256
_WORDS: Final = ("Very easy to guess", "Easy to guess", "Still easy to guess", "Good", "Strong")


class StrengthState(SessionState):
    """What is said under the field of a new password."""

    score: int = 0
    verdict: str = ""
    why: str = ""

    @rx.event
    async def judge(self, password: str, email: str, name: str) -> None:
        """Judge what was typed, for somebody of this address and name."""
        self.score, self.verdict, self.why = 0, "", ""
        if not password or len(password) > MAX_PASSWORD:
            return
        if len(password) < MIN_PASSWORD:
            self.verdict, self.why = "Too short", too_short(password)
            return
        hints = [text[:254] for text in (email, name) if text and text.isprintable()]
        try:
            api = runtime.current().api_from(self.router.session.client_ip)
            found = await api.account.judge_password(PasswordCandidate(password=password, hints=hints))
        except ClientError:
            return  # the form's own answer says what matters
        self.score, self.verdict, self.why = found.score, _WORDS[found.score], sentence(found.reason or "")

    @rx.event
    def forget_verdict(self) -> None:
        """Say nothing."""
        self.score, self.verdict, self.why = 0, "", ""


def too_short(password: str) -> str:
    """Why a password is too short, or ``""``."""
    missing = MIN_PASSWORD - len(password)
    return (
        f"{missing} more character{'s' if missing > 1 else ''}, please: the least is {MIN_PASSWORD}."
        if missing > 0
        else ""
    )
