"""``/onboarding``: company, profile, first integration, done."""

from typing import Final

import reflex as rx

from frontend.features.company.onboarding_state import STEPS, OnboardingState
from frontend.features.company.profile_form import FORM_ID, profile_form
from frontend.kit.feedback import dialog
from frontend.kit.fields import form_error, text_field
from frontend.kit.form import once_form, submit_button
from frontend.kit.primitives import badge, button, given, icon, link, link_button, skeleton
from frontend.kit.unsaved import unsaved_guard
from frontend.platform.session import SessionState
from frontend.shell.brand import wordmark
from frontend.shell.sign_out import sign_out_button

_TITLES: Final = {"company": "Company", "profile": "Profile", "integration": "Integration", "done": "Done"}
#: What the browser knows of where its person is.
_ZONE: Final[rx.Var[str]] = rx.Var("(Intl.DateTimeFormat().resolvedOptions().timeZone ?? '')", _var_type=str)
_LANGUAGE: Final[rx.Var[str]] = rx.Var("navigator.language", _var_type=str)
_COMING: Final = (
    ("mail", "Google", "Mail and calendar, so that executives know what was agreed"),
    ("chart-no-axes-combined", "HubSpot", "Leads, deals and customers behind the revenue figures"),
    ("hash", "Slack", "Questions and briefings where your team already talks"),
)


def page() -> rx.Component:
    """The wizard."""
    return rx.el.div(
        rx.el.header(
            link(wordmark(), href="/", aria_label="OCSuite, start page"),
            rx.el.div(
                rx.cond(
                    SessionState.company.id != "",
                    link("Leave for now", href="/dashboard", class_name="button button-quiet"),
                    rx.fragment(),
                ),
                sign_out_button("button button-quiet"),
                class_name="wizard-head-actions",
            ),
            class_name="wizard-head",
        ),
        rx.el.main(
            rx.el.ol(
                *(_step_mark(index, name) for index, name in enumerate(STEPS[:3])),
                class_name="wizard-steps",
                aria_label="Steps",
            ),
            rx.match(
                OnboardingState.step,
                ("company", _company()),
                ("profile", _profile()),
                ("integration", _integration()),
                ("done", _done()),
                _loading(),
            ),
            class_name="wizard-main",
        ),
        class_name="wizard",
    )


def _step_mark(index: int, name: str) -> rx.Component:
    later = STEPS[index + 1 :]
    done = rx.Var.create(list(later)).contains(OnboardingState.step)
    current = OnboardingState.step == name
    skipped = OnboardingState.skipped.contains(name)  # type: ignore[attr-defined]  # a Var at run time
    mark = rx.cond(skipped, icon("minus", size=12), icon("check", size=12))
    return rx.el.li(
        rx.el.span(rx.cond(done, mark, rx.el.span(index + 1)), class_name="wizard-step-dot"),
        rx.el.span(_TITLES[name]),
        rx.cond(
            done,
            rx.el.span(rx.cond(skipped, "(skipped)", "(done)"), class_name="visually-hidden"),
            rx.fragment(),
        ),
        class_name="wizard-step",
        aria_current=rx.cond(current, "step", "false"),
        custom_attrs={"data-done": done & ~skipped},
    )


def _heading(title: str, text: str) -> rx.Component:
    return rx.el.div(
        rx.el.h1(title, class_name="wizard-title"), rx.el.p(text, class_name="page-text"), class_name="wizard-heading"
    )


def _company() -> rx.Component:
    return rx.el.section(
        _heading("Name your company", "People you invite later see this name."),
        once_form(
            OnboardingState.form,
            form_error(OnboardingState.form.error),
            text_field(
                "Company name",
                "name",
                error=OnboardingState.form.errors["name"],
                auto_complete="organization",
                auto_focus=True,
                max_length=120,
            ),
            text_field(
                "Short name",
                "slug",
                error=OnboardingState.form.errors["slug"],
                optional=True,
                max_length=48,
                auto_complete="off",
                hint="Small letters, digits and hyphens. Made from the name if you leave it empty.",
                spell_check=False,
                auto_capitalize="none",
            ),
            rx.el.div(submit_button("Create company", OnboardingState.form), class_name="form-actions"),
            on_submit=OnboardingState.create_company,
        ),
        class_name="wizard-card",
    )


def _profile() -> rx.Component:
    actions = rx.el.div(
        button("Skip for now", kind="quiet", on_click=OnboardingState.skip_profile),
        button("Save and continue", kind="primary", type="submit", form=FORM_ID, busy=OnboardingState.saving),
        class_name="form-actions",
    )
    return rx.el.section(
        _heading(
            "Tell your executives about the company",
            "They read this before every answer. You can change it at any time.",
        ),
        rx.el.div(profile_form(OnboardingState.save_profile, actions), key=OnboardingState.form_round),
        _skip_question(),
        unsaved_guard(OnboardingState.unsaved),
        on_mount=given(OnboardingState.take_place, _ZONE, _LANGUAGE),
        class_name="wizard-card wizard-card-wide",
    )


def _skip_question() -> rx.Component:
    return dialog(
        rx.el.p("What you typed on this page would be lost.", class_name="card-text"),
        rx.el.div(
            button("Skip without saving", kind="quiet", on_click=OnboardingState.skip_unsaved),
            button("Save and continue", kind="primary", type="submit", form=FORM_ID, busy=OnboardingState.saving),
            class_name="form-actions",
        ),
        id="skip-profile",
        shown=OnboardingState.skip_asked,
        title="Skip without saving?",
        on_close=OnboardingState.keep_editing,
    )


def _integration() -> rx.Component:
    return rx.el.section(
        _heading(
            "Connect a first integration",
            "Integrations are not available yet. They will bring in your own figures; until then the dashboard shows "
            "demonstration data.",
        ),
        rx.el.ul(*(_coming(*entry) for entry in _COMING), class_name="coming"),
        rx.el.div(
            button("Back", kind="quiet", icon_name="arrow-left", on_click=OnboardingState.back_to_profile),
            button("Skip this step", kind="primary", on_click=OnboardingState.skip_integration),
            class_name="form-actions",
        ),
        class_name="wizard-card",
    )


def _coming(icon_name: str, name: str, text: str) -> rx.Component:
    return rx.el.li(
        rx.el.span(icon(icon_name), class_name="coming-icon"),
        rx.el.div(
            rx.el.p(name, class_name="menu-name"), rx.el.p(text, class_name="card-text"), class_name="coming-words"
        ),
        badge("Coming soon"),
        class_name="coming-entry",
    )


def _done() -> rx.Component:
    return rx.el.section(
        rx.el.div(icon("check", size=20), class_name="empty-icon tone-good"),
        _heading("Your company is ready", "Look at the figures, or ask your CEO the first question."),
        rx.el.div(
            link_button("Open the dashboard", "/dashboard", kind="primary"),
            link_button("Ask the CEO", "/chat", icon_name="message-square"),
            class_name="form-actions wizard-done",
        ),
        class_name="wizard-card wizard-centre",
    )


def _loading() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            skeleton("60%", "28px"),
            skeleton("90%", "16px"),
            skeleton("100%", "38px"),
            skeleton("100%", "38px"),
            class_name="form-stack",
        ),
        rx.el.span("Loading", class_name="visually-hidden", role="status"),
        class_name="wizard-card",
    )
