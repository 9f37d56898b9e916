"""The frame of the pages before one is signed in: the form, and beside it what the product does."""

from typing import Any, Final

import reflex as rx

from frontend.kit.primitives import icon, link
from frontend.shell.brand import wordmark

_POINTS: Final = (
    (
        "message-square",
        "Ask, and get an answer that knows your company",
        "Your CEO reads your company's profile before every reply.",
    ),
    (
        "presentation",
        "Bring the board together",
        "Agenda, statements and decisions. A preview, until the whole board moves in.",
    ),
    (
        "shield-check",
        "Your company's data stays your company's",
        "Every row is fenced per company in the database itself; secrets are encrypted.",
    ),
)


def entrance(title: str | rx.Var[str], lead: Any, form: rx.Component, foot: rx.Component) -> rx.Component:
    """The page: heading, lead, form, and a line below it."""
    return rx.el.div(
        rx.el.main(
            link(wordmark(), href="/", aria_label="OCSuite, start page", class_name="entrance-brand"),
            rx.el.div(
                rx.el.h1(title, class_name="entrance-title"),
                rx.el.p(lead, class_name="entrance-lead"),
                form,
                rx.el.p(foot, class_name="entrance-foot"),
                class_name="entrance-box",
            ),
            class_name="entrance-main",
        ),
        rx.el.aside(
            rx.el.div(
                rx.el.p("An executive team for the decisions of today.", class_name="entrance-claim"),
                rx.el.ul(*(_point(*point) for point in _POINTS), class_name="entrance-points"),
                class_name="entrance-side-inner",
            ),
            class_name="entrance-side",
            aria_label="About OCSuite",
        ),
        class_name="entrance",
    )


def _point(icon_name: str, title: str, text: str) -> rx.Component:
    return rx.el.li(
        rx.el.span(icon(icon_name), class_name="entrance-point-icon"),
        rx.el.div(rx.el.p(title, class_name="entrance-point-title"), rx.el.p(text, class_name="entrance-point-text")),
        class_name="entrance-point",
    )
