"""The start page, which only sends people on, and the page of one's companies, where those end up who have none."""

from typing import Any

import reflex as rx

from frontend.platform.session import ONBOARDING_PATH, SessionState


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


class CompaniesState(SessionState):
    """Why somebody is in no company, and which ways there are into one."""

    @rx.event
    async def load(self) -> Any:
        """Find out who is looking, and which companies are left."""
        return await self._enter(needs_company=False)
