"""The business profile as a form, shared by the onboarding wizard and the settings."""

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import reflex as rx

from frontend import words
from frontend.features.company import choices
from frontend.features.company.choices import GOALS
from frontend.platform.problems import field_errors
from frontend.platform.session import Notice, SessionState
from module_sdk.api.client import ApiClient, ApiError
from module_sdk.api.tenants import Profile, ProfileReply
from module_sdk.api.text import clean_line, clean_prose

MAX_GOALS: Final = 10
FIELDS: Final = ("industry", "size", "stage", "country", "currency", "time_zone", "description")


@dataclass(frozen=True)
class ProfileView:
    """The stored profile, as the form starts."""

    industry: str = ""
    size: str = ""
    stage: str = ""
    country: str = ""
    currency: str = "USD"
    time_zone: str = "UTC"
    description: str = ""
    saved: str = ""


class ProfileState(SessionState):
    """The form of the business profile."""

    profile: ProfileView = ProfileView()
    goals: list[str] = []
    suggested_goals: list[str] = []
    #: Counts in text how often a goal was added, so that the input for the next one starts empty.
    goal_round: str = "0"
    profile_errors: dict[str, str] = dict.fromkeys((*FIELDS, "goals"), "")
    saving: bool = False
    #: Whether something was typed or chosen since it was stored.
    unsaved: bool = False
    #: Counts in text how often what is stored turned out to be something else, so that forms start anew with it.
    form_round: str = "0"

    _place: choices.Place | None = None

    @rx.event
    def take_place(self, zone: str, language: str) -> None:
        """Begin a profile that was never stored with where the browser says that the person is."""
        self._place = choices.place_of(zone, language)
        if not (self.profile.saved or self.unsaved):
            self.profile = replace(self.profile, **self._place._asdict())

    @rx.event
    def touch(self) -> None:
        """Remember that the form holds more than what is stored."""
        self.unsaved = True

    @rx.event
    def toggle_goal(self, goal: str) -> None:
        """Take a goal up or drop it."""
        kept = [one for one in self.goals if one != goal]
        self.unsaved = True
        self._set_goals(kept if len(kept) < len(self.goals) else [*kept, goal])

    @rx.event
    def add_goal(self, form: dict[str, Any]) -> None:
        """Take up a goal in the person's own words."""
        goal = clean_line(str(form.get("new_goal", "")))[:200]
        if goal and goal not in self.goals:
            self.unsaved = True
            self._set_goals([*self.goals, goal])
        self.goal_round = str(int(self.goal_round) + 1)

    def _set_goals(self, goals: list[str]) -> None:
        too_many = len(goals) > MAX_GOALS
        self.goals = goals[:MAX_GOALS]
        self.suggested_goals = [goal for goal in GOALS if goal not in self.goals]
        self.profile_errors = {**self.profile_errors, "goals": "Ten goals are the most." if too_many else ""}

    async def _read_profile(self, api: ApiClient) -> None:
        before, reply = self.profile, await self._tenant(api).profile()
        changed = replace(self._view_of(reply), saved=before.saved) != before
        if self.unsaved and not changed:
            return  # somebody types already
        self._take_profile(reply)
        if changed:
            self._start_forms_anew()

    def _start_forms_anew(self) -> None:
        """A new default does not reach an input that is there already."""
        self.form_round = str(int(self.form_round) + 1)

    def _view_of(self, reply: ProfileReply) -> ProfileView:
        stored = reply.profile
        if reply.updated_at is None and self._place is not None:
            stored = msgspec.structs.replace(stored, **self._place._asdict())
        return ProfileView(
            industry=stored.industry,
            size=stored.size or "",
            stage=stored.stage or "",
            country=stored.country or "",
            currency=stored.currency,
            time_zone=stored.time_zone,
            description=stored.description,
            saved="" if reply.updated_at is None else words.exact(reply.updated_at, words.zone(stored.time_zone)),
        )

    def _take_profile(self, reply: ProfileReply) -> None:
        self.profile = self._view_of(reply)
        self.profile_errors = dict.fromkeys((*FIELDS, "goals"), "")
        self._set_goals(list(reply.profile.goals))
        self.unsaved = False

    async def _save_profile(self, form: dict[str, Any]) -> bool:
        """Store the form; reasons for refused fields appear beside them."""
        given = {name: _cleaned(name, str(form.get(name, ""))) for name in FIELDS}
        wanted: dict[str, Any] = {**given, "goals": list(self.goals)}
        for name in ("size", "stage", "country"):
            wanted[name] = wanted[name] or None
        self.profile_errors = dict.fromkeys((*FIELDS, "goals"), "")
        saved = False
        async with self._talk() as api:
            try:
                self._take_profile(await self._tenant(api).replace_profile(msgspec.convert(wanted, Profile)))
                saved = True
            except msgspec.ValidationError:
                self._tell(Notice(title="The form holds something unexpected", detail="Reload the page and try again."))
            except ApiError as error:
                found = field_errors(error.problem, (*FIELDS, "goals"))
                if not found:
                    raise
                self.profile_errors = {**self.profile_errors, **found}
        return saved


def _cleaned(name: str, typed: str) -> str:
    return clean_prose(typed).strip() if name == "description" else clean_line(typed)
