from typing import Any
import reflex as rx
from frontend.states.session import SessionState
class DashboardState(SessionState):
    n: int = 0
    @rx.event
    async def load(self) -> Any:
        if (away := await self._enter()) is not None:
            return away
        self.n += 1
        return None
