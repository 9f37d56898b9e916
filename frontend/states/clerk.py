"""Sessions that Clerk keeps in the browser."""

from typing import Any

import reflex as rx

from frontend import runtime
from frontend.session_routes import INVITATION_PATH
from frontend.states.session import SessionState


class ClerkState(SessionState):
    """Receives the tokens of Clerk's session."""

    @rx.event
    async def take_session(self, token: str) -> Any:
        """Keep a token for this tab, ``""`` after signing out; the first one loads the page's content."""
        held = runtime.current().clerk
        tab = self.router.session.client_token
        known = held.get(tab) is not None
        held.put(tab, token)
        if token and not known:
            return self._reload()
        if not token and (known or self.entered):
            await self._clear()
            return self._to_sign_in("")
        # Nobody is signed in: the page that asked for somebody waits for this answer before it sends people away.
        return None if token or self._path().startswith(("/sign-", INVITATION_PATH)) else self._to_sign_in("")
