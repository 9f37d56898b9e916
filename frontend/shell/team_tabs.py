"""The tabs that the pages about the team share."""

from typing import Final

import reflex as rx

from frontend.kit.primitives import link

MEMBERS: Final = "Members"
INVITATIONS: Final = "Invitations"
ROLES: Final = "Roles"
_TABS: Final = ((MEMBERS, "/team"), (INVITATIONS, "/team/invitations"), (ROLES, "/team/roles"))


def team_tabs(current: str) -> rx.Component:
    """Links to the pages about the team; ``current`` is the title of the one being shown."""
    return rx.el.nav(
        rx.el.ul(*(rx.el.li(_tab(title, path, title == current)) for title, path in _TABS), class_name="tabs"),
        aria_label="Team",
    )


def _tab(title: str, path: str, current: bool) -> rx.Component:
    marks = {"aria_current": "page"} if current else {}
    return link(title, href=path, class_name="tab", **marks)
