"""The person's own account in the settings: name, address, password."""

from typing import Any

import reflex as rx

from frontend.features.you.sessions_state import YouSessionsState
from frontend.kit.addresses import odd_address
from frontend.kit.strength_state import StrengthState, too_short
from frontend.platform.problems import field_errors, sentence
from frontend.platform.session import Notice, SessionState
from module_sdk.api.account import EmailChange, MePatch, PasswordChange
from module_sdk.api.client import ApiError
from module_sdk.api.text import clean_address, clean_name

_EMPTY = {"full_name": "", "email": "", "email_password": "", "current_password": "", "new_password": ""}


class YouState(SessionState):
    """The forms of ``/settings/you``."""

    errors: dict[str, str] = _EMPTY
    renaming: bool = False
    changing_email: bool = False
    changing_password: bool = False
    passwords_shown: bool = False
    #: The address whose link was sent, ``""`` if none was.
    sent_to: str = ""
    #: Grows with each change that was made, so that the forms begin anew.
    round: int = 0

    @rx.event
    async def load(self) -> Any:
        """Confirm who this is; sessions and companies follow."""
        if (away := await self._enter(needs_company=False)) is not None:
            return away
        self.errors, self.sent_to, self.passwords_shown = dict(_EMPTY), "", False
        self.renaming = self.changing_email = self.changing_password = False
        return [StrengthState.forget_verdict, YouSessionsState.load]

    @rx.event
    def corrected(self, name: str) -> None:
        """What was said of a field holds no more."""
        self.errors = {**self.errors, name: ""}

    @rx.event
    def toggle_passwords(self) -> None:
        """Show or hide what is being typed."""
        self.passwords_shown = not self.passwords_shown

    @rx.event
    async def rename(self, form: dict[str, Any]) -> Any:
        """Save the name."""
        name = clean_name(str(form.get("full_name", "")))
        if self.renaming or not self._accept({"full_name": "" if name else "Enter your name."}):
            yield rx.set_focus("full_name")
            return
        self.renaming = True
        yield
        async with self._talk() as api:
            try:
                await api.account.change(MePatch(full_name=name))
            except ApiError as error:
                self._refuse(error, {"full_name": "full_name"})
            else:
                await self._enter(needs_company=False)
                self._tell(Notice(kind="success", title="Name saved"))
        self.renaming = False

    @rx.event
    async def change_email(self, form: dict[str, Any]) -> Any:
        """Ask for another address."""
        email, password = clean_address(str(form.get("email", ""))), str(form.get("email_password", ""))
        found = {
            "email": odd_address(email) if email else "Enter the new address.",
            "email_password": "" if password else "Enter your password.",
        }
        if self.changing_email or not self._accept(found):
            yield rx.set_focus(next((name for name, reason in found.items() if reason), "email"))
            return
        self.changing_email = True
        yield
        async with self._talk() as api:
            try:
                started = await api.account.change_email(EmailChange(email=email, password=password))
            except ApiError as error:
                self._refuse(error, {"email": "email", "password": "email_password"})
            else:
                self.round += 1
                self.sent_to = started.email if started.mail == "sent" else ""
                await self._enter(needs_company=False)
                if not self.sent_to:
                    self._tell(Notice(kind="success", title="Address saved", detail=f"Sign in with {email} now."))
        self.changing_email = False

    @rx.event
    async def change_password(self, form: dict[str, Any]) -> Any:
        """Save another password, which signs everybody else out."""
        current, new = str(form.get("current_password", "")), str(form.get("new_password", ""))
        found = {
            "current_password": "" if current else "Enter your present password.",
            "new_password": too_short(new) if new else "Enter a new password.",
        }
        if self.changing_password or not self._accept(found):
            yield rx.set_focus(next((name for name, reason in found.items() if reason), "current_password"))
            return
        self.changing_password = True
        yield
        async with self._talk() as api:
            try:
                await api.account.change_password(PasswordChange(current_password=current, new_password=new))
            except ApiError as error:
                self._refuse(error, {"password": "current_password", "new_password": "new_password"})
            else:
                self.round += 1
                detail = "Everybody else who was signed in as you is signed out."
                self._tell(Notice(kind="success", title="Password saved", detail=detail))
                yield [StrengthState.forget_verdict, YouSessionsState.load]
        self.changing_password = False

    def _accept(self, found: dict[str, str]) -> bool:
        """Show ``found``, the reason for each refused field; whether there are none."""
        self.errors = dict(_EMPTY) | found
        return not any(found.values())

    def _refuse(self, error: ApiError, fields: dict[str, str]) -> None:
        """Say beside a field why it was refused; ``fields`` are ours by the contract's. Raises what is no field's."""
        problem = error.problem
        found = {fields[name]: reason for name, reason in field_errors(problem, fields).items()}
        if problem.code == "wrong_password":
            found[fields["password"]] = sentence(problem.title)
        elif problem.code == "email_taken":
            found["email"] = sentence(problem.title)
        if not found:
            raise error
        self.errors = {**self.errors, **found}
