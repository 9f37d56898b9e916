"""The start page, which only sends people on."""

from typing import Any

import reflex as rx

from frontend.states.session import ONBOARDING_PATH, SessionState


class HomeState(SessionState):
    """Where to go."""

    @rx.event
    async def load(self) -> Any:
        """To the sign-in page, the wizard or the dashboard."""
        if (away := await self._enter()) is not None:
            return away
        step = "done"
        async with self._talk() as api:
            step = (await self._tenant(api).onboarding()).step
        return rx.redirect("/dashboard" if step == "done" else ONBOARDING_PATH, replace=True)
