"""Links to files that the server sends."""

from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink


def file_link(*children: Any, href: str | rx.Var[str], **props: Any) -> rx.Component:
    """A link that the browser follows itself: the app's router knows no such page."""
    return ReactRouterLink.create(*children, to=href, reload_document=True, **props)
