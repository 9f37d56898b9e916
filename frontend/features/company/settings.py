"""``/settings``: company, profile, limits, appearance, account."""

from typing import Any

import reflex as rx

from frontend.features.company.danger_zone import danger_zone, receipts
from frontend.features.company.profile_form import FORM_ID, profile_form
from frontend.features.company.settings_state import SettingsState, UsageView
from frontend.kit.feedback import problem_panel
from frontend.kit.fields import text_field
from frontend.kit.permissions import locked_note, may
from frontend.kit.primitives import avatar, badge, button, card, icon, link, progress, skeleton, time_ago
from frontend.kit.unsaved import TouchedForm, unsaved_guard
from frontend.platform.session import SessionState
from frontend.shell.frame import shell, theme_choice
from frontend.shell.settings_tabs import COMPANY, settings_tabs
from frontend.shell.sign_out import sign_out_button


def page() -> rx.Component:
    """The settings."""
    content = rx.cond(
        SettingsState.loaded,
        rx.el.div(
            _company(), _profile(), _limits(), _api_keys(), _appearance(), _account(), _danger(), class_name="settings"
        ),
        rx.cond(SettingsState.failed, problem_panel(SettingsState.problem, SettingsState.load), _loading()),
    )
    unsaved = SettingsState.unsaved | SettingsState.company_unsaved
    return shell("Settings", rx.fragment(settings_tabs(COMPANY), content, unsaved_guard(unsaved)))


def _section(title: str, text: str, *children: Any, class_name: str = "") -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(title, class_name="card-title"), rx.el.p(text, class_name="card-text"), class_name="settings-head"
        ),
        card(*children),
        class_name=f"settings-section {class_name}".strip(),
    )


def _round() -> Any:
    """Another company's values, or values stored elsewhere, need fresh inputs."""
    return SessionState.company.id + "/" + SettingsState.form_round


def _company() -> rx.Component:
    company, errors = SessionState.company, SettingsState.company_errors
    return _section(
        "Company",
        "Everyone in the company sees its name.",
        rx.cond(
            may("company.update"),
            TouchedForm.create(
                text_field("Company name", "name", error=errors["name"], default_value=company.name, max_length=120),
                text_field(
                    "Short name",
                    "slug",
                    error=errors["slug"],
                    default_value=company.slug,
                    max_length=48,
                    spell_check=False,
                    hint="Small letters, digits and hyphens.",
                ),
                rx.el.div(
                    button("Save company", type="submit", busy=SettingsState.renaming), class_name="form-actions"
                ),
                on_submit=SettingsState.save_company,
                on_input=rx.cond(SettingsState.company_unsaved, rx.noop(), SettingsState.touch_company),
                class_name="form-stack",
                no_validate=True,
                key=_round(),
            ),
            rx.el.div(
                rx.el.p(company.name, dir="auto", class_name="menu-name"),
                rx.el.p(
                    icon("lock", size=14),
                    "Renaming takes the permission “Change the company”. Owners and admins have it.",
                    class_name="settings-locked",
                ),
            ),
        ),
    )


def _profile() -> rx.Component:
    saved = SettingsState.profile.saved
    actions = rx.el.div(
        rx.cond(saved != "", rx.el.span("Saved ", saved, class_name="card-text settings-saved"), rx.fragment()),
        rx.cond(
            may("company.update"),
            button("Save profile", type="submit", form=FORM_ID, busy=SettingsState.saving),
            locked_note("Changing it takes the permission “Change the company”."),
        ),
        class_name="form-actions",
    )
    return _section(
        "Business profile",
        "What your executives know of the company. They read it before every answer.",
        rx.el.fieldset(
            profile_form(SettingsState.save_profile, actions),
            disabled=rx.cond(may("company.update"), False, True),
            class_name="plain-fieldset",
            key=_round(),
        ),
    )


def _limits() -> rx.Component:
    return _section(
        "Limits",
        "What your company may use. Days are UTC days.",
        rx.el.ul(rx.foreach(SettingsState.usage, _limit), class_name="limits"),
    )


def _limit(line: UsageView) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(line.label, class_name="menu-name"),
            rx.el.span(line.used, " of ", line.limit, class_name="numeric muted"),
            class_name="limit-head",
        ),
        progress(line.label, value=line.used, maximum=line.limit, tone=line.tone),
        rx.cond(
            line.resets != "",
            rx.el.p(
                "Starts again ",
                time_ago(line.resets, iso=line.resets_iso, exact=line.resets_exact),
                class_name="card-text",
            ),
            rx.fragment(),
        ),
    )


def _api_keys() -> rx.Component:
    return _section(
        "API keys",
        "For programs that use OCSuite.",
        link(
            icon("key-round"),
            rx.el.span(
                rx.el.span("API keys", class_name="menu-name"),
                rx.el.span("See, make and revoke them", class_name="menu-detail"),
                class_name="menu-words",
            ),
            icon("chevron-right"),
            href="/settings/api-keys",
            class_name="link-card",
        ),
    )


def _appearance() -> rx.Component:
    return _section("Appearance", "Kept in this browser.", theme_choice())


def _account() -> rx.Component:
    return _section(
        "Account",
        "You, in every company you belong to.",
        rx.el.div(
            avatar(SessionState.person.initials),
            rx.el.div(
                rx.el.p(SessionState.person.name, dir="auto", class_name="menu-name"),
                rx.el.p(SessionState.person.email, class_name="menu-detail"),
                class_name="menu-words",
            ),
            badge(SessionState.company.role),
            sign_out_button("button button-secondary"),
            class_name="settings-account",
        ),
        receipts(),
    )


def _danger() -> rx.Component:
    return _section(
        "Danger zone", "What cannot be undone once its time has come.", danger_zone(), class_name="settings-danger"
    )


def _loading() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.div(
                rx.el.div(skeleton("50%", "16px"), class_name="settings-head"),
                card(
                    skeleton("30%", "14px"),
                    skeleton("100%", "38px"),
                    skeleton("100%", "38px"),
                    class_name="metric-loading",
                ),
                class_name="settings-section",
            )
            for _ in range(3)
        ),
        rx.el.span("Loading settings", class_name="visually-hidden", role="status"),
        class_name="settings",
    )
