"""Proving an address by the link of a mail, and asking for that mail again."""

from typing import Any, Literal
from urllib.parse import urlencode

import reflex as rx

from frontend.platform import runtime
from frontend.platform.account_routes import CONFIRM
from frontend.platform.problems import sentence
from frontend.platform.session import Notice, SessionState
from module_sdk.api.account import AccountToken
from module_sdk.api.client import ApiError, ClientError

Look = Literal["", "ask", "invalid", "done"]


class ConfirmState(SessionState):
    """The page that the link leads to, and the banner of an address that waits."""

    look: Look = ""
    busy: bool = False
    problem: str = ""
    confirmed: str = ""
    sending: bool = False
    sent_again: bool = False

    @rx.event
    def load(self) -> None:
        """Show the button to whoever came by a link."""
        self.busy, self.problem = False, ""
        self.look = "ask" if self._token() else "invalid"

    @rx.event
    async def confirm(self) -> Any:
        """Use the link; it works in whatever browser it is opened, signed in or not."""
        token = self._token()
        if self.busy or token is None:
            return
        self.busy, self.problem = True, ""
        yield
        try:
            api = runtime.current().api_from(self.router.session.client_ip)
            self.confirmed = (await api.account.confirm_email(AccountToken(token=token))).email
            self.look = "done"
        except ApiError as error:
            if error.problem.code in ("link_invalid", "validation_failed"):
                self.look = "invalid"
            self.problem = sentence(error.problem.title)
        except ClientError:
            self.problem = "The service cannot be reached. Try again in a moment."
        self.busy = False

    @rx.event
    def go_on(self) -> None:
        """To the start page, without the link's cookie."""
        self._leave_for(f"{CONFIRM.end}?{urlencode({'next': '/'})}")

    @rx.event
    async def send_again(self) -> Any:
        """Send the link of the banner once more."""
        if self.sending:
            return
        self.sending = True
        yield
        async with self._talk() as api:
            await api.account.send_confirmation()
            self.sent_again = True
            self._tell(Notice(kind="success", title="The link is on its way", detail=f"To {self.person.email}."))
        self.sending = False

    def _token(self) -> str | None:
        return runtime.cookie_value(self.router.headers.cookie, CONFIRM.cookie)
