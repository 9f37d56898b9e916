"""The wizard from an empty account to a company that its executives know. Its position is kept on the server."""

from typing import Any, Final, Literal
from urllib.parse import parse_qs

import reflex as rx

from frontend.features.company.profile_state import ProfileState
from frontend.kit.form import Form, form_key
from frontend.platform.problems import field_errors, sentence
from module_sdk.api.client import ApiError
from module_sdk.api.problems import Problem
from module_sdk.api.tenants import Onboarding, OnboardingPatch, OnboardingStep, TenantCreate
from module_sdk.api.text import clean_name

STEPS: Final[tuple[OnboardingStep, ...]] = ("company", "profile", "integration", "done")


class OnboardingState(ProfileState):
    """The step being shown."""

    step: Literal["", "company", "profile", "integration", "done"] = ""
    #: Steps that were passed over.
    skipped: list[str] = []
    #: Whether it is being asked if what was typed may be dropped.
    skip_asked: bool = False
    form: Form = Form.of("name", "slug")

    @rx.event
    async def load(self) -> Any:
        """Resume where the wizard was left; ``?new=1`` starts another company."""
        if (away := await self._enter(needs_company=False)) is not None:
            return away
        self.form, self.saving = self.form.fresh(), False
        another = parse_qs(self.router.url.query).get("new") == ["1"]
        if another or not self.company.id:
            self.step = "company"
            return None
        async with self._talk() as api:
            await self._read_profile(api)
            self._take_step(await self._tenant(api).onboarding())
            # The company is there, or one would not be asked about it.
            self.step = "profile" if self.step == "company" else self.step
        return None

    @rx.event
    async def create_company(self, form: dict[str, Any]) -> Any:
        """Make the company and go on to its profile, which :meth:`load` shows."""
        name, slug = clean_name(str(form.get("name", ""))), str(form.get("slug", "")).strip().lower()
        if not name:
            self.form = self.form.refused(name="Enter your company's name.")
            return
        self.form = self.form.begun()
        yield
        async with self._talk() as api:
            try:
                wanted = TenantCreate(name=name, slug=slug or None)
                tenant = await api.create_tenant(wanted, idempotency_key=form_key(form))
            except ApiError as error:
                if error.problem.status not in (409, 422):
                    raise
                self._refuse(error.problem)
            else:
                self.company_id = str(tenant.id)
                # Without `?new=1`, and before the next step is shown: whoever reloads it resumes this company's wizard.
                yield rx.redirect("/onboarding", replace=True)
                return
        if self.form.busy:
            self.form = self.form.refused()

    @rx.event
    async def save_profile(self, form: dict[str, Any]) -> Any:
        """Store the profile and go on."""
        self.saving, self.skip_asked = True, False
        yield
        if await self._save_profile(form):
            await self._move("integration")
        self.saving = False

    @rx.event
    async def skip_profile(self) -> None:
        """Go on without a profile; what was typed meanwhile is asked about."""
        if self.unsaved:
            self.skip_asked = True
        else:
            await self._move("integration", skipped="profile")

    @rx.event
    async def skip_unsaved(self) -> None:
        """Go on without a profile, and without what was typed."""
        self.skip_asked = self.unsaved = False
        await self._move("integration", skipped="profile")

    @rx.event
    def keep_editing(self) -> None:
        """Stay with the profile."""
        self.skip_asked = False

    @rx.event
    async def skip_integration(self) -> None:
        """Go on without an integration."""
        await self._move("done", skipped="integration")

    @rx.event
    async def back_to_profile(self) -> None:
        """Return to the profile."""
        await self._move("profile")
        async with self._talk() as api:
            await self._read_profile(api)

    async def _move(self, step: OnboardingStep, skipped: OnboardingStep | None = None) -> None:
        async with self._talk() as api:
            self._take_step(await self._tenant(api).move_onboarding(OnboardingPatch(step=step, skipped=skipped)))

    def _take_step(self, reply: Onboarding) -> None:
        self.step, self.skipped = reply.step, list(reply.skipped)

    def _refuse(self, problem: Problem) -> None:
        found = field_errors(problem, ("name", "slug"))
        if problem.code == "slug_taken":
            found["slug"] = sentence(f"{problem.title}. {problem.detail or ''}")
        self.form = self.form.refused("" if found else sentence(problem.detail or problem.title), found)
