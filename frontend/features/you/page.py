"""``/settings/you``: the person's own account."""

from typing import Any

import reflex as rx

from frontend.features.you.deletion import deletion, farewell
from frontend.features.you.deletion_state import YouDeletionState
from frontend.features.you.sessions import sessions
from frontend.features.you.state import YouState
from frontend.kit.downloads import file_link
from frontend.kit.fields import text_field
from frontend.kit.new_password import password_field, strength
from frontend.kit.primitives import badge, button, card, given, icon, skeleton
from frontend.kit.strength_state import StrengthState
from frontend.platform import runtime
from frontend.platform.download_routes import ACCOUNT_PATH
from frontend.platform.session import SessionState
from frontend.platform.settings import account_portal
from frontend.shell.frame import shell
from frontend.shell.settings_tabs import YOU, settings_tabs


def page() -> rx.Component:
    """Forms of ours; where Clerk signs people in, the way to Clerk's."""
    key = runtime.current().settings.clerk_publishable_key
    parts = (
        [_clerk(account_portal(key)), _data()]
        if key
        else [_name(), _address(), _password(), _sessions(), _data(), _danger()]
    )
    content = rx.cond(SessionState.entered, rx.el.div(*parts, class_name="settings"), _loading())
    whole = shell("Settings", rx.fragment(settings_tabs(YOU), content))
    return whole if key else rx.cond(YouDeletionState.gone, farewell(), whole)


def _section(title: str, text: str, *children: Any, class_name: str = "") -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(title, class_name="card-title"), rx.el.p(text, class_name="card-text"), class_name="settings-head"
        ),
        card(*children),
        class_name=f"settings-section {class_name}".strip(),
    )


def _name() -> rx.Component:
    return _section(
        "Name",
        "Shown to your colleagues, in every company.",
        rx.el.form(
            text_field(
                "Full name",
                "full_name",
                error=YouState.errors["full_name"],
                default_value=SessionState.person.name,
                auto_complete="name",
                max_length=120,
                on_change=_corrected("full_name"),
            ),
            rx.el.div(button("Save name", type="submit", busy=YouState.renaming), class_name="form-actions"),
            on_submit=YouState.rename,
            reset_on_submit=False,
            class_name="form-stack",
            no_validate=True,
            key=SessionState.person.id,
        ),
    )


def _address() -> rx.Component:
    person = SessionState.person
    return _section(
        "E-mail",
        "What you sign in with, and where invitations reach you.",
        rx.el.p(
            rx.el.span(person.email, class_name="menu-name you-address"),
            rx.cond(person.unconfirmed, badge("Not confirmed", tone="warning"), rx.fragment()),
            class_name="you-session-name",
        ),
        rx.cond(YouState.sent_to != "", _sent(), rx.fragment()),
        rx.el.form(
            text_field(
                "New address",
                "email",
                error=YouState.errors["email"],
                type="email",
                auto_complete="off",
                spell_check=False,
                max_length=254,
                on_change=_corrected("email"),
            ),
            _current("email_password", "Your password"),
            rx.el.div(button("Change address", type="submit", busy=YouState.changing_email), class_name="form-actions"),
            on_submit=YouState.change_email,
            reset_on_submit=False,
            class_name="form-stack you-form",
            no_validate=True,
            key="email-" + YouState.round.to_string(),  # type: ignore[attr-defined]  # a Var at run time
        ),
    )


def _sent() -> rx.Component:
    return rx.el.p(
        icon("mail"),
        rx.el.span(
            "We sent a link to ",
            rx.el.strong(YouState.sent_to),
            ". Your address changes once it is opened; until then you sign in as before.",
        ),
        class_name="form-note you-form",
        role="status",
    )


def _password() -> rx.Component:
    return _section(
        "Password",
        "Changing it signs out everybody else who is signed in as you.",
        rx.el.form(
            _current("current_password", "Present password"),
            password_field(
                "New password",
                "new_password",
                error=YouState.errors["new_password"],
                shown=YouState.passwords_shown,
                toggle=YouState.toggle_passwords,
                new=True,
                on_change=_corrected("new_password"),
                on_blur=lambda typed: given(
                    StrengthState.judge, typed, SessionState.person.email, SessionState.person.name
                ),
            ),
            strength(YouState.errors["new_password"]),
            rx.el.div(
                button("Save password", type="submit", busy=YouState.changing_password), class_name="form-actions"
            ),
            on_submit=YouState.change_password,
            reset_on_submit=False,
            class_name="form-stack",
            no_validate=True,
            key="password-" + YouState.round.to_string(),  # type: ignore[attr-defined]  # a Var at run time
        ),
    )


def _current(name: str, label: str) -> rx.Component:
    return text_field(
        label,
        name,
        error=YouState.errors[name],
        type="password",
        auto_complete="current-password",
        max_length=256,
        on_change=_corrected(name),
    )


def _sessions() -> rx.Component:
    text = "Sign out what you do not know, and change your password then."
    return _section("Where you are signed in", text, sessions())


def _data() -> rx.Component:
    return _section(
        "Your data",
        "Profile, sessions, memberships, and your own conversations in every company.",
        file_link(icon("download"), "Download my data", href=ACCOUNT_PATH, class_name="button button-secondary"),
    )


def _danger() -> rx.Component:
    return _section("Danger zone", "What cannot be undone.", deletion(), class_name="settings-danger")


def _clerk(portal: str) -> rx.Component:
    return _section(
        "Your account",
        "Clerk signs you in here, and keeps your name, address, password and sessions.",
        rx.el.a(icon("external-link"), "Open your account at Clerk", href=portal, class_name="button button-secondary"),
    )


def _corrected(name: str) -> Any:
    """What typing into a field does: once something was said of it, that goes away."""
    return rx.cond(YouState.errors[name] != "", given(YouState.corrected, name), rx.noop())


def _loading() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.div(
                rx.el.div(skeleton("50%", "16px"), class_name="settings-head"),
                card(skeleton("30%", "14px"), skeleton("100%", "38px"), class_name="metric-loading"),
                class_name="settings-section",
            )
            for _ in range(3)
        ),
        rx.el.span("Loading your account", class_name="visually-hidden", role="status"),
        class_name="settings",
    )
