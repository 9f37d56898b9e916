"""Sessions that Clerk keeps in the browser."""

from typing import Any

import reflex as rx

from frontend.platform import runtime
from frontend.platform.session import SessionState
from frontend.platform.session_routes import INVITATION_PATH


class ClerkState(SessionState):
    """Receives the tokens of Clerk's session."""

    @rx.event
    async def take_session(self, token: str) -> Any:
        """Keep a token for this browser, ``""`` after signing out; another account's first one loads the page anew."""
        run = runtime.current()
        before = self._session_value()
        run.clerk.put(runtime.cookie_value(self.router.headers.cookie, run.browser_cookie) or "", token)
        session = self._session_value()
        # Another tab of the browser may have been quicker with the same one: then this tab was emptied already.
        if session is not None and (session != before or not self.entered):
            await self._clear()
            return self._reload()
        if session is None and (before is not None or self.entered):
            await self._clear()
            return self._to_sign_in("")
        # Nobody is signed in: the page that asked for somebody waits for this answer before it sends people away.
        waits = session is not None or self._path().startswith(("/sign-", INVITATION_PATH))
        return None if waits else self._to_sign_in("")
