"""``/sign-up`` for local accounts."""

import reflex as rx

from frontend.components.forms import form_error, text_field
from frontend.components.primitives import button, link
from frontend.pages.sign_in import password_field
from frontend.states.auth import AuthState
from frontend.states.invitation import InvitationState
from frontend.views.entrance import entrance


def page() -> rx.Component:
    """The sign-up page."""
    form = rx.el.form(
        form_error(AuthState.problem),
        text_field(
            "Full name",
            "full_name",
            error=AuthState.errors["full_name"],
            auto_complete="name",
            auto_focus=True,
            max_length=120,
        ),
        text_field(
            "Work e-mail",
            "email",
            error=AuthState.errors["email"],
            type="email",
            auto_complete="email",
            placeholder="you@company.com",
            default_value=InvitationState.invitation.email,
            spell_check=False,
            max_length=254,
        ),
        password_field(new=True),
        button("Create account", kind="primary", type="submit", busy=AuthState.busy, class_name="button-wide"),
        on_submit=AuthState.sign_up,
        class_name="form-stack",
        no_validate=True,
    )
    foot = rx.fragment(
        "Have an account already? ", link("Sign in", href="/sign-in" + AuthState.carried, class_name="text-link")
    )
    return entrance("Create your account", "Set up your company in about two minutes.", form, foot)
