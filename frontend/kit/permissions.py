"""What to offer: parts of a page that need a permission, and why something cannot be changed."""

from typing import Any

import reflex as rx

from frontend.kit.primitives import icon
from frontend.platform.session import SessionState


def may(permission: str) -> rx.Var[bool]:
    """Whether the person holds a permission in the chosen company. The API decides; this says what to show."""
    return SessionState.company.permissions.contains(permission)  # type: ignore[attr-defined]  # a Var at run time


def locked_note(*words: Any) -> rx.Component:
    """One line that says why something cannot be changed here."""
    return rx.el.p(icon("lock", size=14), rx.el.span(*words), class_name="locked-note")
