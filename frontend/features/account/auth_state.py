"""Signing in and signing up with a local account."""

from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import reflex as rx

from frontend.features.invitation.state import InvitationState
from frontend.kit.addresses import odd_address, suggestion
from frontend.kit.strength_state import StrengthState, too_short
from frontend.platform import runtime
from frontend.platform.problems import field_errors
from frontend.platform.session import ONBOARDING_PATH, SessionState
from frontend.platform.session_routes import ADOPT_PATH, MAX_PATH, relative_path
from module_sdk.api.client import ApiClient, ApiError, ClientError, Session
from module_sdk.api.identity import SignIn, SignUp
from module_sdk.api.text import clean_address, clean_name

_SIGN_IN_FIELDS: Final = ("email", "password")
_SIGN_UP_FIELDS: Final = ("full_name", "email", "password")
_REASONS: Final = {
    "expired": "Your session has ended. Sign in to carry on where you were.",
    "signed-out": "You are signed out.",
    "new-password": "Your password is saved. Sign in with it.",
    "deleted": "Your account is deleted. You are welcome to open another one.",
}
_NAME_MAX: Final = 120
_EMAIL_MAX: Final = 254


class AuthState(SessionState):
    """The form being filled in: whether it is on its way, and why it came back."""

    busy: bool = False
    problem: str = ""
    errors: dict[str, str] = {"full_name": "", "email": "", "password": ""}
    password_shown: bool = False
    reason: str = ""
    #: The query to carry between the two pages, so that the return path survives.
    carried: str = ""
    #: What was typed before, for the other page and for the judgement of a password.
    typed_email: str = ""
    typed_name: str = ""
    #: The address that was probably meant, and whether the one that was given has an account.
    meant: str = ""
    taken: bool = False

    @rx.event
    def load(self) -> Any:
        """Start with an empty form; somebody who is signed in already goes on."""
        query = parse_qs(self.router.url.query)
        self.busy, self.problem, self.password_shown = False, "", False
        self.meant, self.taken = "", False
        self.errors = dict.fromkeys(_SIGN_UP_FIELDS, "")
        self.reason = _REASONS.get(query.get("reason", [""])[0], "")
        target = query.get("next", [""])[0]
        self.carried = f"?{urlencode({'next': target})}" if len(target) <= MAX_PATH and target else ""
        on = self._session_value() and not self.reason
        return rx.redirect(relative_path(target)) if on else [StrengthState.forget_verdict, InvitationState.propose]

    @rx.event
    def corrected(self, name: str) -> None:
        """What was said of a field, or of the whole form, holds no more."""
        self.problem = ""
        self.errors = {**self.errors, name: ""}
        if name == "email":
            self.taken = False

    @rx.event
    def note_name(self, name: str) -> None:
        """Remember the name that was typed."""
        self.typed_name = name[:_NAME_MAX]

    @rx.event
    def note_email(self, email: str) -> None:
        """Remember the address that was typed, and propose what was probably meant."""
        self.typed_email = email.strip()[:_EMAIL_MAX]
        self.meant = suggestion(self.typed_email)

    @rx.event
    def take_meant(self) -> Any:
        """Use the address that was probably meant."""
        self.typed_email, self.meant = self.meant, ""
        self.errors = {**self.errors, "email": ""}
        return [rx.set_value("email", self.typed_email), rx.set_focus("password")]

    @rx.event
    def toggle_password(self) -> None:
        """Show or hide what is being typed."""
        self.password_shown = not self.password_shown

    @rx.event
    async def sign_in(self, form: dict[str, Any]) -> Any:
        """Open a session."""
        given = {name: str(form.get(name, "")) for name in _SIGN_IN_FIELDS}
        given["email"] = self.typed_email = clean_address(given["email"])[:_EMAIL_MAX]
        found = {name: _missing(name, value) for name, value in given.items()}
        if not self._accept(found):
            yield rx.set_focus(_first(found))
            return
        self.busy = True
        yield
        async with self._attempt():
            self._adopt(await self._api().sign_in(SignIn(**given)))
        self.busy = False
        if self.problem:
            yield rx.set_focus("password")

    @rx.event
    async def sign_up(self, form: dict[str, Any]) -> Any:
        """Make an account and open its first session."""
        given = {name: str(form.get(name, "")) for name in _SIGN_UP_FIELDS}
        given |= {"full_name": clean_name(given["full_name"]), "email": clean_address(given["email"])}
        self.typed_email = given["email"][:_EMAIL_MAX]
        found = {name: _missing(name, value) for name, value in given.items()}
        found["email"] = found["email"] or odd_address(given["email"])
        found["password"] = found["password"] or too_short(given["password"])
        if not self._accept(found):
            yield rx.set_focus(_first(found))
            return
        self.busy = True
        yield
        async with self._attempt():
            self._adopt(await self._api().sign_up(SignUp(**given)), otherwise=ONBOARDING_PATH)
        self.busy = False
        if any(self.errors.values()):
            yield rx.set_focus(_first(self.errors))

    def _accept(self, found: dict[str, str]) -> bool:
        """Show ``found``, the reason for each refused field; whether there are none."""
        self.problem, self.taken = "", False
        self.errors = dict.fromkeys(_SIGN_UP_FIELDS, "") | found
        return not any(found.values())

    def _attempt(self) -> "_Attempt":
        return _Attempt(self)

    def _api(self) -> ApiClient:
        """The API for somebody who is not signed in yet, in whose session it is to note which browser this is."""
        api = runtime.current().api_from(self.router.session.client_ip)
        browser = "".join(
            letter for letter in self.router.headers.user_agent if letter.isascii() and letter.isprintable()
        )
        return api.with_headers({"User-Agent": browser}) if browser else api

    def _adopt(self, session: Session, *, otherwise: str = "/") -> None:
        """Have the browser fetch the session's cookie and go on to where it wanted to be, or else ``otherwise``."""
        target = parse_qs(self.router.url.query).get("next", [otherwise])[0]
        ticket = runtime.current().tickets.issue(session.cookie, relative_path(target))
        self._leave_for(f"{ADOPT_PATH}?{urlencode({'ticket': ticket})}")


class _Attempt:
    """Turns the refusal of a form into words beside its fields."""

    def __init__(self, state: AuthState) -> None:
        self._state = state

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        state = self._state
        if error is None:
            return False
        state.busy = False
        if isinstance(error, ApiError):
            state.errors = dict.fromkeys(_SIGN_UP_FIELDS, "") | field_errors(error.problem, _SIGN_UP_FIELDS)
            if error.problem.code == "email_taken":
                state.errors = {**state.errors, "email": f"{error.problem.title}."}
                state.taken = True
            elif not any(state.errors.values()):
                detail = error.problem.detail
                state.problem = f"{error.problem.title}. {detail}" if detail else f"{error.problem.title}."
            return True
        if isinstance(error, ClientError):
            state.problem = "The service cannot be reached. Nothing was sent; try again in a moment."
            return True
        return False


def _first(found: dict[str, str]) -> str:
    """The first refused field, which is where the next keystroke belongs."""
    return next(name for name, reason in found.items() if reason)


def _missing(name: str, value: str) -> str:
    words = {"full_name": "Enter your name.", "email": "Enter your e-mail address.", "password": "Enter a password."}
    return "" if value else words[name]
