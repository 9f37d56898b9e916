"""``/sign-in`` for local accounts."""

import reflex as rx

from frontend.components.forms import form_error, text_field
from frontend.components.primitives import button, icon, link
from frontend.states.auth import AuthState
from frontend.states.invitation import InvitationState
from frontend.views.entrance import entrance


def page() -> rx.Component:
    """The sign-in page."""
    form = rx.el.form(
        rx.cond(
            AuthState.reason != "",
            rx.el.p(icon("info"), AuthState.reason, class_name="form-note", role="status"),
            rx.fragment(),
        ),
        form_error(AuthState.problem),
        text_field(
            "E-mail",
            "email",
            error=AuthState.errors["email"],
            type="email",
            auto_complete="username",
            auto_focus=True,
            placeholder="you@company.com",
            default_value=InvitationState.invitation.email,
            spell_check=False,
        ),
        password_field(new=False),
        button("Sign in", kind="primary", type="submit", busy=AuthState.busy, class_name="button-wide"),
        on_submit=AuthState.sign_in,
        class_name="form-stack",
        no_validate=True,
    )
    foot = rx.fragment(
        "New here? ", link("Create an account", href="/sign-up" + AuthState.carried, class_name="text-link")
    )
    return entrance("Sign in", "Welcome back.", form, foot)


def password_field(*, new: bool) -> rx.Component:
    """The password with a button that shows it."""
    shown = AuthState.password_shown
    return text_field(
        "Password",
        "password",
        error=AuthState.errors["password"],
        hint="At least 12 characters. A few unrelated words work well." if new else "",
        type=rx.cond(shown, "text", "password"),
        auto_complete="new-password" if new else "current-password",
        max_length=256,
        suffix=rx.el.button(
            rx.cond(shown, icon("eye-off"), icon("eye")),
            type="button",
            class_name="icon-button",
            aria_label="Show password",
            aria_pressed=rx.cond(shown, "true", "false"),
            on_click=AuthState.toggle_password,
        ),
    )
