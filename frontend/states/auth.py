"""Signing in and signing up with a local account."""

from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import reflex as rx

from frontend import runtime
from frontend.session_routes import ADOPT_PATH, MAX_PATH, relative_path
from frontend.states.problems import field_errors
from frontend.states.session import ONBOARDING_PATH, SessionState
from module_sdk.client import ApiClient, ApiError, ClientError, Session
from module_sdk.wire.identity import SignIn, SignUp

MIN_PASSWORD: Final = 12
_SIGN_IN_FIELDS: Final = ("email", "password")
_SIGN_UP_FIELDS: Final = ("full_name", "email", "password")
_REASONS: Final = {
    "expired": "Your session has ended. Sign in to carry on where you were.",
    "signed-out": "You are signed out.",
}


class AuthState(SessionState):
    """The form being filled in: whether it is on its way, and why it came back."""

    busy: bool = False
    problem: str = ""
    errors: dict[str, str] = {"full_name": "", "email": "", "password": ""}
    password_shown: bool = False
    reason: str = ""
    #: The query to carry between the two pages, so that the return path survives.
    carried: str = ""

    @rx.event
    def load(self) -> Any:
        """Start with an empty form; somebody who is signed in already goes on."""
        query = parse_qs(self.router.url.query)
        self.busy, self.problem, self.password_shown = False, "", False
        self.errors = dict.fromkeys(_SIGN_UP_FIELDS, "")
        self.reason = _REASONS.get(query.get("reason", [""])[0], "")
        target = query.get("next", [""])[0]
        self.carried = f"?{urlencode({'next': target})}" if len(target) <= MAX_PATH and target else ""
        return rx.redirect(relative_path(target)) if self._session_value() and not self.reason else None

    @rx.event
    def toggle_password(self) -> None:
        """Show or hide what is being typed."""
        self.password_shown = not self.password_shown

    @rx.event
    async def sign_in(self, form: dict[str, Any]) -> Any:
        """Open a session."""
        given = {name: str(form.get(name, "")) for name in _SIGN_IN_FIELDS}
        given["email"] = given["email"].strip()
        found = {name: _missing(name, value) for name, value in given.items()}
        if not self._accept(found):
            yield rx.set_focus(_first(found))
            return
        self.busy = True
        yield
        async with self._attempt():
            self._adopt(await self._api().sign_in(SignIn(**given)))
        self.busy = False

    @rx.event
    async def sign_up(self, form: dict[str, Any]) -> Any:
        """Make an account and open its first session."""
        given = {name: str(form.get(name, "")) for name in _SIGN_UP_FIELDS}
        given |= {name: given[name].strip() for name in ("full_name", "email")}
        found = {name: _missing(name, value) for name, value in given.items()}
        found["email"] = found["email"] or _odd_address(given["email"])
        if not found["password"] and len(given["password"]) < MIN_PASSWORD:
            missing = MIN_PASSWORD - len(given["password"])
            found["password"] = (
                f"{missing} more character{'s' if missing > 1 else ''}, please: the least is {MIN_PASSWORD}."
            )
        if not self._accept(found):
            yield rx.set_focus(_first(found))
            return
        self.busy = True
        yield
        async with self._attempt():
            self._adopt(await self._api().sign_up(SignUp(**given)), otherwise=ONBOARDING_PATH)
        self.busy = False

    def _accept(self, found: dict[str, str]) -> bool:
        """Show ``found``, the reason for each refused field; whether there are none."""
        self.problem = ""
        self.errors = dict.fromkeys(_SIGN_UP_FIELDS, "") | found
        return not any(found.values())

    def _attempt(self) -> "_Attempt":
        return _Attempt(self)

    def _api(self) -> ApiClient:
        return runtime.current().api_from(self.router.session.client_ip)

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


def _odd_address(address: str) -> str:
    local, at, domain = address.rpartition("@")
    whole = local and at and "." in domain.strip(".") and not any(part.isspace() for part in address)
    return "" if whole else "Enter a whole address, such as ada@example.com."
