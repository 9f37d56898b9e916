"""The tabs that the settings share."""

from typing import Final

import reflex as rx

from frontend.kit.primitives import link

COMPANY: Final = "Company"
YOU: Final = "You"
_TABS: Final = ((COMPANY, "/settings"), (YOU, "/settings/you"))


def settings_tabs(current: str) -> rx.Component:
    """Links to the pages of the settings; ``current`` is the title of the one being shown."""
    return rx.el.nav(
        rx.el.ul(*(rx.el.li(_tab(title, path, title == current)) for title, path in _TABS), class_name="tabs"),
        aria_label="Settings",
    )


def _tab(title: str, path: str, current: bool) -> rx.Component:
    marks = {"aria_current": "page"} if current else {}
    return link(title, href=path, class_name="tab", **marks)
