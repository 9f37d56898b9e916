"""Settings of the chosen company: its name, its profile, its limits."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import reflex as rx

from frontend import words
from frontend.features.company.deletion_state import DeletionState
from frontend.features.company.profile_state import ProfileState
from frontend.platform.problems import field_errors, sentence
from frontend.platform.session import Notice
from module_sdk.api.client import ApiError
from module_sdk.api.tenants import TenantPatch, UsageLine
from module_sdk.api.text import clean_name

_METRICS: Final = {"messages_per_day": "Messages today", "tasks_per_day": "Tasks today", "members": "Members"}


@dataclass(frozen=True)
class UsageView:
    """One limit. ``tone`` is ``accent``, ``warning`` near the limit, ``bad`` at it."""

    label: str = ""
    used: int = 0
    limit: int = 1
    tone: str = "accent"
    resets: str = ""
    resets_iso: str = ""
    resets_exact: str = ""


class SettingsState(ProfileState):
    """What the settings page shows."""

    loaded: bool = False
    failed: bool = False
    problem: Notice = Notice()
    usage: list[UsageView] = []
    renaming: bool = False
    #: Whether name or short name were typed and not stored.
    company_unsaved: bool = False
    company_errors: dict[str, str] = {"name": "", "slug": ""}

    @rx.event
    async def load(self) -> Any:
        """Read the company, its profile and its limits."""
        before = self.company
        if (away := await self._enter()) is not None:
            return away
        if self.company != before:
            self._start_forms_anew()
        self.failed = self.saving = self.renaming = self.company_unsaved = False
        self.company_errors = {"name": "", "slug": ""}
        async with self._talk(self._fail) as api:
            await self._read_profile(api)
            lines = (await self._tenant(api).usage()).lines
            self.usage = [usage_view(line, self.profile.time_zone) for line in lines]
            self.loaded = True
        return DeletionState.load_receipts

    @rx.event
    def touch_company(self) -> None:
        """Remember that the names hold more than what is stored."""
        self.company_unsaved = True

    @rx.event
    async def save_company(self, form: dict[str, Any]) -> Any:
        """Rename the company."""
        name, slug = clean_name(str(form.get("name", ""))), str(form.get("slug", "")).strip().lower()
        self.company_errors = {
            "name": "" if name else "Enter your company's name.",
            "slug": "" if slug else "Enter a short name.",
        }
        if not (name and slug):
            return
        self.renaming = True
        yield
        async with self._talk() as api:
            try:
                await self._tenant(api).update(TenantPatch(name=name, slug=slug))
            except ApiError as error:
                found = field_errors(error.problem, ("name", "slug"))
                if error.problem.code == "slug_taken":
                    found["slug"] = sentence(f"{error.problem.title}. {error.problem.detail or ''}")
                if not found:
                    raise
                self.company_errors = {"name": "", "slug": ""} | found
            else:
                self.company_unsaved = False
                await self._enter()
                self._tell(Notice(kind="success", title="Company saved"))
        self.renaming = False

    @rx.event
    async def save_profile(self, form: dict[str, Any]) -> Any:
        """Store the profile."""
        self.saving = True
        yield
        if await self._save_profile(form):
            self._tell(
                Notice(kind="success", title="Profile saved", detail="Your executives use it from the next answer on.")
            )
        self.saving = False

    def _fail(self, notice: Notice) -> None:
        self.failed, self.problem = not self.loaded, notice
        if self.loaded:
            self._tell(notice)


def usage_view(line: UsageLine, time_zone: str) -> UsageView:
    """``line`` in words."""
    share = line.used / line.limit if line.limit else 1.0
    return UsageView(
        label=_METRICS[line.metric],
        used=line.used,
        limit=line.limit,
        tone="bad" if share >= 1 else "warning" if share >= 0.9 else "accent",
        resets="" if line.resets_at is None else words.ago(line.resets_at, datetime.now(UTC)),
        resets_iso="" if line.resets_at is None else line.resets_at.isoformat(),
        resets_exact="" if line.resets_at is None else words.exact(line.resets_at, words.zone(time_zone)),
    )
