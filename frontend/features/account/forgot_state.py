"""Asking for a link to choose a new password, and choosing it. The link's secret stays in an HttpOnly cookie."""

from typing import Any, Final, Literal
from urllib.parse import urlencode

import reflex as rx

from frontend.kit.addresses import odd_address
from frontend.kit.strength_state import StrengthState, too_short
from frontend.platform import runtime
from frontend.platform.account_routes import RESET
from frontend.platform.problems import field_errors, sentence
from frontend.platform.session import SessionState
from frontend.platform.session_routes import SIGN_IN_PATH
from module_sdk.api.account import PasswordForgotten, PasswordReset
from module_sdk.api.client import ApiClient, ApiError, ClientError
from module_sdk.api.text import clean_address

UNREACHABLE: Final = "The service cannot be reached. Nothing was sent; try again in a moment."
Asked = Literal["", "mail", "no-mail"]
Look = Literal["", "form", "invalid"]


class ForgotState(SessionState):
    """The page where a link is asked for."""

    asked: Asked = ""
    busy: bool = False
    error: str = ""
    problem: str = ""
    asked_for: str = ""

    @rx.event
    def load(self) -> None:
        """Start with an empty form."""
        self.asked, self.busy, self.error, self.problem = "", False, "", ""

    @rx.event
    def corrected(self) -> None:
        """What was said of the address holds no more."""
        self.error = ""

    @rx.event
    async def ask(self, form: dict[str, Any]) -> Any:
        """Ask for the link."""
        email = clean_address(str(form.get("email", "")))
        self.problem, self.error = "", odd_address(email) if email else "Enter your e-mail address."
        if self.error:
            yield rx.set_focus("email")
            return
        self.busy = True
        yield
        try:
            promised = await _api(self).account.forgot_password(PasswordForgotten(email=email))
            self.asked, self.asked_for = "mail" if promised.mail_configured else "no-mail", email
        except ApiError as error:
            self.error = field_errors(error.problem, ("email",)).get("email", "")
            self.problem = "" if self.error else _whole(error)
        except ClientError:
            self.problem = UNREACHABLE
        self.busy = False


class NewPasswordState(SessionState):
    """The page that the link leads to."""

    look: Look = ""
    busy: bool = False
    shown: bool = False
    error: str = ""
    problem: str = ""

    @rx.event
    def load(self) -> Any:
        """Show the form to whoever came by a link."""
        self.busy, self.shown, self.error, self.problem = False, False, "", ""
        self.look = "form" if self._token() else "invalid"
        return StrengthState.forget_verdict

    @rx.event
    def toggle(self) -> None:
        """Show or hide what is being typed."""
        self.shown = not self.shown

    @rx.event
    def corrected(self) -> None:
        """What was said of the password holds no more."""
        self.error = ""

    @rx.event
    async def choose(self, form: dict[str, Any]) -> Any:
        """Use the link."""
        password, token = str(form.get("password", "")), self._token()
        self.problem, self.error = "", too_short(password) if password else "Enter a password."
        if token is None:
            self.look = "invalid"
        if self.busy or self.error or token is None:
            if self.look == "form":
                yield rx.set_focus("password")
            return
        self.busy = True
        yield
        try:
            await _api(self).account.reset_password(PasswordReset(token=token, password=password))
        except ApiError as error:
            if error.problem.code == "link_invalid":
                self.look = "invalid"
            self.error = field_errors(error.problem, ("password",)).get("password", "")
            self.problem = "" if self.error else _whole(error)
            if self.error:
                yield rx.set_focus("password")
        except ClientError:
            self.problem = UNREACHABLE
        else:
            target = f"{SIGN_IN_PATH}?reason=new-password"
            self._leave_for(f"{RESET.end}?{urlencode({'next': target})}")
        self.busy = False

    def _token(self) -> str | None:
        return runtime.cookie_value(self.router.headers.cookie, RESET.cookie)


def _api(state: SessionState) -> ApiClient:
    return runtime.current().api_from(state.router.session.client_ip)


def _whole(error: ApiError) -> str:
    return f"{sentence(error.problem.title)} {error.problem.detail or ''}".strip()
