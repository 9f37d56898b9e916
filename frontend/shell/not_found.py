"""The page for addresses that lead nowhere."""

import reflex as rx

from frontend.kit.primitives import link, link_button
from frontend.shell.brand import wordmark


def page() -> rx.Component:
    """What is wrong and where to go."""
    return rx.el.main(
        link(wordmark(), href="/", aria_label="OCSuite, start page"),
        rx.el.div(
            rx.el.p("404", class_name="lost-code"),
            rx.el.h1("This page does not exist", class_name="entrance-title"),
            rx.el.p("The address may be mistyped, or what was here has moved.", class_name="page-text"),
            link_button("Go to the dashboard", "/dashboard", kind="primary"),
            class_name="lost-box",
        ),
        class_name="lost",
    )
