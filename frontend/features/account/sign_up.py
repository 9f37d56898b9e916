"""``/sign-up`` for local accounts."""

import reflex as rx

from frontend.features.account.auth_state import AuthState
from frontend.features.account.sign_in import corrected, typed_address
from frontend.features.invitation.state import InvitationState
from frontend.kit.fields import form_error, text_field
from frontend.kit.new_password import password_field, strength
from frontend.kit.primitives import button, given, link
from frontend.kit.strength_state import StrengthState
from frontend.shell.entrance import entrance


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
            on_change=corrected("full_name"),
            on_blur=AuthState.note_name,
        ),
        text_field(
            "Work e-mail",
            "email",
            error=AuthState.errors["email"],
            type="email",
            auto_complete="email",
            placeholder="you@company.com",
            default_value=typed_address(),
            # A proposal may come after the form: only a new field shows it.
            key=InvitationState.invitation.proposed,
            spell_check=False,
            max_length=254,
            on_change=corrected("email"),
            on_blur=AuthState.note_email,
        ),
        _said_of_address(),
        password_field(
            "Password",
            "password",
            error=AuthState.errors["password"],
            shown=AuthState.password_shown,
            toggle=AuthState.toggle_password,
            new=True,
            on_change=corrected("password"),
            on_blur=lambda typed: given(StrengthState.judge, typed, AuthState.typed_email, AuthState.typed_name),
        ),
        strength(AuthState.errors["password"]),
        button("Create account", kind="primary", type="submit", busy=AuthState.busy, class_name="button-wide"),
        on_submit=AuthState.sign_up,
        reset_on_submit=False,
        class_name="form-stack",
        no_validate=True,
    )
    foot = rx.fragment(
        "Have an account already? ", link("Sign in", href="/sign-in" + AuthState.carried, class_name="text-link")
    )
    return entrance("Create your account", "Set up your company in about two minutes.", form, foot)


def _said_of_address() -> rx.Component:
    """The way on for an address that has an account, or what was probably meant by one that is a slip away."""
    return rx.el.div(
        rx.cond(
            AuthState.taken,
            rx.el.p(
                "Is it yours? ",
                link("Sign in with it", href="/sign-in" + AuthState.carried, class_name="text-link"),
                class_name="field-aside",
            ),
            rx.cond(
                AuthState.meant != "",
                rx.el.p(
                    "Did you mean ",
                    rx.el.button(AuthState.meant, type="button", class_name="text-link", on_click=AuthState.take_meant),
                    "?",
                    class_name="field-aside",
                ),
                rx.fragment(),
            ),
        ),
        class_name="field-said",
        role="status",
    )
