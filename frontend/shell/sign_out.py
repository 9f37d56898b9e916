"""The way out, which Clerk has its own of."""

from typing import Any

import reflex as rx

from frontend.kit.primitives import icon
from frontend.platform import runtime
from frontend.platform.session import SessionState


def sign_out_button(class_name: str) -> rx.Component:
    """A button that ends the session."""
    clerk_signs_people_in = bool(runtime.current().settings.clerk_publishable_key)
    click: dict[str, Any] = {} if clerk_signs_people_in else {"on_click": SessionState.sign_out}
    control = rx.el.button(icon("log-out"), "Sign out", type="button", class_name=class_name, **click)
    if clerk_signs_people_in:
        from frontend.features.account import clerk

        return clerk.sign_out(control)
    return control
