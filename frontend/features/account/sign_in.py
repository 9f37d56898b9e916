"""``/sign-in`` for local accounts."""

from typing import Any

import reflex as rx

from frontend.features.account.auth_state import AuthState
from frontend.features.invitation.state import InvitationState
from frontend.kit.fields import form_error, text_field
from frontend.kit.new_password import password_field
from frontend.kit.primitives import button, given, icon, link
from frontend.shell.entrance import entrance


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
            default_value=typed_address(),
            # A proposal may come after the form: only a new field shows it.
            key=InvitationState.invitation.proposed,
            spell_check=False,
            on_change=corrected("email"),
        ),
        password_field(
            "Password",
            "password",
            error=AuthState.errors["password"],
            shown=AuthState.password_shown,
            toggle=AuthState.toggle_password,
            on_change=corrected("password"),
        ),
        button("Sign in", kind="primary", type="submit", busy=AuthState.busy, class_name="button-wide"),
        rx.el.p(link("Forgot password?", href="/forgot-password", class_name="text-link"), class_name="entrance-aside"),
        on_submit=AuthState.sign_in,
        reset_on_submit=False,
        class_name="form-stack",
        no_validate=True,
    )
    foot = rx.fragment(
        "New here? ", link("Create an account", href="/sign-up" + AuthState.carried, class_name="text-link")
    )
    return entrance("Sign in", "Welcome back.", form, foot)


def typed_address() -> Any:
    """The address that was typed on the page before, or that an invitation is for."""
    return rx.cond(AuthState.typed_email != "", AuthState.typed_email, InvitationState.invitation.proposed)


def corrected(name: str) -> Any:
    """What typing into a field does: once something was said of it or of the form, that goes away."""
    said = (AuthState.errors[name] != "") | (AuthState.problem != "")
    return rx.cond(said, given(AuthState.corrected, name), rx.noop())
