"""``/confirm``: what the link that proves an address leads to."""

import reflex as rx

from frontend.features.account.confirm_state import ConfirmState
from frontend.kit.fields import form_error
from frontend.kit.primitives import button, icon, link_button
from frontend.shell.entrance import entrance


def page() -> rx.Component:
    """A button, since programs that look into mails follow links by themselves."""
    look = ConfirmState.look
    title = rx.match(
        look,
        ("invalid", "This link is not valid any more"),
        ("done", "Your address is confirmed"),
        "Confirm your e-mail address",
    )
    lead = rx.match(
        look, ("invalid", "Links work once, and for 24 hours."), ("done", ConfirmState.confirmed), "One click is left."
    )
    body = rx.match(look, ("ask", _ask()), ("done", _done()), ("invalid", _invalid()), rx.fragment())
    return entrance(title, lead, body, rx.fragment())


def _ask() -> rx.Component:
    return rx.el.div(
        form_error(ConfirmState.problem),
        button(
            "Confirm the address",
            kind="primary",
            on_click=ConfirmState.confirm,
            busy=ConfirmState.busy,
            class_name="button-wide",
        ),
        class_name="form-stack",
    )


def _done() -> rx.Component:
    return rx.el.div(
        rx.el.p(icon("circle-check"), rx.el.span("Use it to sign in from now on."), class_name="form-note"),
        button("Go to OCSuite", kind="primary", on_click=ConfirmState.go_on, class_name="button-wide"),
        class_name="form-stack",
    )


def _invalid() -> rx.Component:
    text = (
        "It was used, replaced by a newer one, or it is more than a day old. If your address still waits to be "
        "confirmed, OCSuite says so above every page and sends the link again."
    )
    return rx.el.div(
        rx.el.p(icon("info"), rx.el.span(text), class_name="form-note"),
        link_button("Go to OCSuite", "/"),
        class_name="form-stack",
    )
