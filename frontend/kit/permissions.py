"""What to offer: parts of a page that need a permission."""

import reflex as rx

from frontend.platform.session import SessionState


def may(permission: str) -> rx.Var[bool]:
    """Whether the person holds a permission in the chosen company. The API decides; this says what to show."""
    return SessionState.company.permissions.contains(permission)  # type: ignore[attr-defined]  # a Var at run time
