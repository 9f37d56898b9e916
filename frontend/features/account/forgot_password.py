"""``/forgot-password`` and ``/new-password``: a link by mail, and what it leads to."""

import reflex as rx

from frontend.features.account.auth_state import AuthState
from frontend.features.account.forgot_state import ForgotState, NewPasswordState
from frontend.kit.fields import form_error, text_field
from frontend.kit.new_password import password_field, strength
from frontend.kit.primitives import button, given, icon, link, link_button
from frontend.kit.strength_state import StrengthState
from frontend.shell.entrance import entrance


def forgot() -> rx.Component:
    """Where the link is asked for."""
    body = rx.match(ForgotState.asked, ("mail", _sent()), ("no-mail", _no_mail()), _ask())
    lead = rx.match(
        ForgotState.asked,
        ("mail", "Look into your mail."),
        ("no-mail", "This installation sends no mail."),
        "We send you a link to choose a new one.",
    )
    foot = rx.fragment("Remembered it? ", link("Sign in", href="/sign-in", class_name="text-link"))
    return entrance("Forgot your password?", lead, body, foot)


def _ask() -> rx.Component:
    return rx.el.form(
        form_error(ForgotState.problem),
        text_field(
            "E-mail",
            "email",
            error=ForgotState.error,
            type="email",
            auto_complete="username",
            auto_focus=True,
            placeholder="you@company.com",
            default_value=AuthState.typed_email,
            spell_check=False,
            max_length=254,
            on_change=rx.cond(ForgotState.error != "", ForgotState.corrected, rx.noop()),
        ),
        button("Send the link", kind="primary", type="submit", busy=ForgotState.busy, class_name="button-wide"),
        on_submit=ForgotState.ask,
        reset_on_submit=False,
        class_name="form-stack",
        no_validate=True,
    )


def _sent() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            icon("mail"),
            rx.el.span(
                "If ",
                rx.el.strong(ForgotState.asked_for),
                " has an account, a link is on its way there. It works once, within 30 minutes.",
            ),
            class_name="form-note",
            role="status",
        ),
        rx.el.p("Nothing there after a few minutes? Look among unwanted mail, then ask again.", class_name="muted"),
        button("Ask again", on_click=ForgotState.load),
        class_name="form-stack",
    )


def _no_mail() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            icon("info"),
            rx.el.span(
                "Nothing was sent, since no mail server is set up here. Ask whoever runs this installation: "
                "they can make a link for you with ",
                rx.el.code("ocsuite reset-password-link"),
                ".",
            ),
            class_name="form-note",
            role="status",
        ),
        link_button("Back to sign in", "/sign-in"),
        class_name="form-stack",
    )


def new_password() -> rx.Component:
    """What the link leads to."""
    invalid = NewPasswordState.look == "invalid"
    body = rx.match(NewPasswordState.look, ("form", _choose()), ("invalid", _invalid()), rx.fragment())
    title = rx.cond(invalid, "This link is not valid any more", "Choose a new password")
    lead = rx.cond(invalid, "Links work once, and for 30 minutes.", "Afterwards you are signed out everywhere.")
    return entrance(title, lead, body, rx.fragment(link("Sign in", href="/sign-in", class_name="text-link")))


def _choose() -> rx.Component:
    state = NewPasswordState
    return rx.el.form(
        form_error(state.problem),
        password_field(
            "New password",
            "password",
            error=state.error,
            shown=state.shown,
            toggle=state.toggle,
            new=True,
            auto_focus=True,
            on_change=rx.cond(state.error != "", state.corrected, rx.noop()),
            on_blur=lambda typed: given(StrengthState.judge, typed, "", ""),
        ),
        strength(state.error),
        button("Save the password", kind="primary", type="submit", busy=state.busy, class_name="button-wide"),
        on_submit=state.choose,
        reset_on_submit=False,
        class_name="form-stack",
        no_validate=True,
    )


def _invalid() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            icon("info"),
            rx.el.span("It was used, replaced by a newer one, or it is more than 30 minutes old."),
            class_name="form-note",
        ),
        link_button("Ask for another link", "/forgot-password", kind="primary"),
        class_name="form-stack",
    )
