"""Where the person is signed in, and ending that."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import reflex as rx

from frontend import words
from frontend.platform.session import Notice, SessionState
from frontend.platform.session_routes import SIGN_IN_PATH
from module_sdk.api.account import SessionsEnd, SignedInSession
from module_sdk.api.client import ApiError


@dataclass(frozen=True)
class SessionView:
    """A session in words; ``mobile`` chooses its picture."""

    id: str = ""
    device: str = ""
    place: str = ""
    current: bool = False
    mobile: bool = False
    seen: str = ""
    seen_iso: str = ""
    seen_exact: str = ""
    since: str = ""


class YouSessionsState(SessionState):
    """The list of ``/settings/you``."""

    sessions: list[SessionView] = []
    loaded: bool = False
    failed: bool = False
    problem: Notice = Notice()
    ending: str = ""

    @rx.event
    async def load(self) -> None:
        """Read the sessions."""
        self.failed, self.ending = False, ""
        async with self._talk(self._fail) as api:
            found = await api.account.sessions()
            self.sessions = [session_view(item, datetime.now(UTC)) for item in found.items]
            self.loaded = True

    @rx.event
    async def end(self, session_id: str) -> Any:
        """End one session."""
        if self.ending or session_id not in {one.id for one in self.sessions if not one.current}:
            return
        self.ending = session_id
        yield
        async with self._talk() as api:
            try:
                await api.account.end_session(UUID(session_id))
            except ApiError as error:
                if error.problem.code != "not_found":  # it has ended by itself
                    raise
            self.sessions = [one for one in self.sessions if one.id != session_id]
            self._tell(Notice(kind="success", title="Signed out there"))
        self.ending = ""

    @rx.event
    async def end_others(self) -> Any:
        """End every session but this one."""
        if self.ending:
            return
        self.ending = "others"
        yield
        async with self._talk() as api:
            await api.account.end_sessions(SessionsEnd())
            self.sessions = [one for one in self.sessions if one.current]
            self._tell(Notice(kind="success", title="Signed out everywhere else"))
        self.ending = ""

    @rx.event
    async def end_all(self) -> Any:
        """End every session, this one last."""
        if self.ending:
            return
        self.ending = "all"
        yield
        async with self._talk() as api:
            await api.account.end_sessions(SessionsEnd())
            await self._end_session(f"{SIGN_IN_PATH}?reason=signed-out")
        self.ending = ""

    def _fail(self, notice: Notice) -> None:
        self.failed, self.problem = True, notice


def session_view(item: SignedInSession, now: datetime) -> SessionView:
    """``item`` in words."""
    return SessionView(
        id=str(item.id),
        device=item.device or "Unknown program",
        place=item.address or "Unknown network",
        current=item.current,
        mobile=item.device.endswith((" on iOS", " on Android")),
        seen=words.ago(item.last_seen_at, now),
        seen_iso=item.last_seen_at.isoformat(),
        seen_exact=words.exact(item.last_seen_at),
        since=words.exact(item.created_at),
    )
