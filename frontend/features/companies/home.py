"""``/``: sends people on, and shows the mark meanwhile."""

import reflex as rx

from frontend.shell.brand import mark


def page() -> rx.Component:
    """The mark."""
    return rx.el.main(
        rx.el.h1("OCSuite", class_name="visually-hidden"),
        mark(40),
        rx.el.p("Opening your company", class_name="visually-hidden", role="status"),
        class_name="splash",
    )
