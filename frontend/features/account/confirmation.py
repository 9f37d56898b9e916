"""The banner of an address that waits to be confirmed."""

import reflex as rx

from frontend.features.account.confirm_state import ConfirmState
from frontend.kit.primitives import button, icon
from frontend.platform.session import SessionState


def confirmation_banner() -> rx.Component:
    """Above every page of somebody whose address waits to be confirmed."""
    person = SessionState.person
    return rx.cond(
        person.unconfirmed,
        rx.el.aside(
            icon("mail-warning"),
            rx.el.p(
                "Confirm your address: open the link in the mail to ",
                rx.el.strong(person.email),
                ".",
            ),
            rx.cond(
                ConfirmState.sent_again,
                rx.el.p("Sent again.", class_name="erasure-hint"),
                button("Send again", busy=ConfirmState.sending, on_click=ConfirmState.send_again),
            ),
            class_name="erasure-banner confirm-banner",
            aria_label="Address to be confirmed",
        ),
        rx.fragment(),
    )
