"""Deleting one's account: what becomes of each company first, then the address typed and the password."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import reflex as rx

from frontend import words
from frontend.platform import runtime
from frontend.platform.problems import field_errors, sentence
from frontend.platform.session import SessionState
from frontend.platform.session_routes import END_PATH, SIGN_IN_PATH
from module_sdk.api.account import AccountDeletionRequest, CompanyFate
from module_sdk.api.client import ApiError

_EMPTY: Final = {"confirmation": "", "deletion_password": ""}


@dataclass(frozen=True)
class FateView:
    """What becomes of a company; ``kind`` is ``left``, ``erased`` or ``blocked``."""

    id: str = ""
    name: str = ""
    kind: str = ""
    text: str = ""


class YouDeletionState(SessionState):
    """The last section of ``/settings/you``, its dialog, and the farewell that replaces the page."""

    asking: bool = False
    deleting: bool = False
    blocked: bool = False
    fates: list[FateView] = []
    errors: dict[str, str] = _EMPTY
    problem: str = ""
    gone: bool = False

    @rx.event
    async def ask(self) -> None:
        """Read what would become of the companies, and open the dialog."""
        self.errors, self.problem = dict(_EMPTY), ""
        async with self._talk() as api:
            plan = await api.account.deletion_plan()
            self.fates = [fate_view(fate) for fate in plan.companies]
            self.blocked = any(fate.fate == "blocked" for fate in plan.companies)
            self.asking = True

    @rx.event
    def dismiss_dialog(self) -> None:
        """Delete nothing."""
        self.asking = False

    @rx.event
    def corrected(self, name: str) -> None:
        """What was said of a field holds no more."""
        self.errors = {**self.errors, name: ""}

    @rx.event
    async def hand_over(self, company_id: str) -> Any:
        """To the team of a company that would be left without an owner."""
        return await self._go_to(company_id, "/team")

    @rx.event
    async def delete_company(self, company_id: str) -> Any:
        """To the settings of a company that would be left without an owner."""
        return await self._go_to(company_id, "/settings")

    @rx.event
    async def delete(self, form: dict[str, Any]) -> Any:
        """Delete the account."""
        typed, password = str(form.get("confirmation", "")).strip(), str(form.get("deletion_password", ""))
        same = typed.casefold() == self.person.email.casefold()
        self.problem = ""
        self.errors = {
            "confirmation": "" if same else f"Type {self.person.email} to confirm.",
            "deletion_password": "" if password else "Enter your password.",
        }
        if self.deleting or any(self.errors.values()):
            return
        self.deleting = True
        yield
        async with self._talk() as api:
            try:
                done = await api.account.delete(AccountDeletionRequest(confirmation=typed, password=password))
            except ApiError as error:
                self._refuse(error)
            else:
                self.fates = [fate_view(fate) for fate in done.companies]
                self.asking, self.gone = False, True
        self.deleting = False

    @rx.event
    async def leave_for_good(self) -> None:
        """Take the cookie of a session that is none any more out of the browser."""
        ticket = runtime.current().tickets.issue(None, f"{SIGN_IN_PATH}?reason=deleted")
        await self._clear(keep_company=False)
        self._leave_for(f"{END_PATH}?{urlencode({'ticket': ticket})}")

    async def _go_to(self, company_id: str, path: str) -> Any:
        if not any(company.id == company_id for company in self.companies):
            return None
        self.asking = False
        self.company_id = company_id
        await self._clear(keep_company=True)
        return rx.redirect(path)

    def _refuse(self, error: ApiError) -> None:
        problem = error.problem
        found = field_errors(problem, ("confirmation",))
        if problem.code == "wrong_password":
            found["deletion_password"] = sentence(problem.title)
        if problem.status == 401:  # the session has ended
            raise error
        self.errors = {**self.errors, **found}
        self.problem = "" if found else f"{sentence(problem.title)} {problem.detail or ''}".strip()


def fate_view(fate: CompanyFate) -> FateView:
    """``fate`` in words."""
    due = (
        f" on {words.exact(fate.erase_after)}" if fate.erase_after is not None else " once its period of grace is over"
    )
    text = {
        "left": "You leave it. It goes on without you.",
        "erased": f"It is erased{due}, with all that is in it.",
        "blocked": "Others work here and you are its only owner. Hand it over, or delete the company first.",
    }[fate.fate]
    return FateView(id=str(fate.tenant.id), name=fate.tenant.name, kind=fate.fate, text=text)
