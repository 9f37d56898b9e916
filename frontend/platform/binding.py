"""Whose a tab's state is: what the sockets ask, and what comes before every event."""

from typing import Any, Final

import reflex as rx
from reflex.state import BaseState, StateUpdate
from reflex_base.event import Event

from frontend.platform import runtime
from frontend.platform.session import SessionState

#: How Reflex calls the event with which a connection begins.
LOAD: Final = ".hydrate_and_load"


class SessionOwner:
    """Tells the sockets whose a state is, and whose session their cookies name."""

    def __init__(self, run: runtime.Runtime) -> None:
        self._run = run

    def owner_of(self, state: BaseState) -> str:
        """The fingerprint of the session that a tab's state belongs to, ``""`` without one."""
        found = state.get_substate(SessionState.get_full_name().split("."))
        return found._session if isinstance(found, SessionState) else ""

    def listener_of(self, cookie_header: str) -> str:
        """The fingerprint of the session that cookies name, ``""`` without one."""
        session = self._run.session_of(cookie_header)
        return "" if session is None else runtime.fingerprint(session)


class SessionBinding(rx.Middleware):
    """Comes before every event, also before the one for which Reflex sends a new connection all that a state holds.

    Reflex knows a tab by a name that stands in the addresses of sockets, and so in logs. Only the session says that it
    is still the same person's: to anybody else nothing of the person before is sent.
    """

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        """Let the event pass, over a state that belongs to its session."""
        session_state = await state.get_state(SessionState)
        session_state._forget_another_session()
        if event.name.endswith(LOAD) and event.payload.get("hashes"):
            # The browser loads a page in full: what other pages showed before would be sent with it. A connection that
            # comes back sends no hashes.
            loaded = [_state_of(one) for one in runtime.current().load_events(session_state._path())]
            for page in session_state.substates.values():
                if not any(name.startswith(page.get_full_name()) for name in loaded):
                    page.reset()  # type: ignore[no-untyped-call]  # Reflex's
        return None


def _state_of(load: Any) -> str:
    """The full name of the state whose handler loads a page."""
    return str(getattr(load, "handler", load).state_full_name)
