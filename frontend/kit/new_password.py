"""Password fields with a button that shows what is typed, and what is said of a new one."""

from typing import Any

import reflex as rx

from frontend.kit.fields import text_field
from frontend.kit.primitives import icon
from frontend.kit.strength_state import MAX_PASSWORD, StrengthState

HINT = "At least 12 characters. A few unrelated words work well."


def password_field(
    label: str, name: str, *, error: Any, shown: Any, toggle: Any, new: bool = False, **props: Any
) -> rx.Component:
    """A password; ``shown`` and ``toggle`` are of the button at its end. ``new`` hints at what makes a good one."""
    return text_field(
        label,
        name,
        error=error,
        hint=HINT if new else "",
        type=rx.cond(shown, "text", "password"),
        auto_complete="new-password" if new else "current-password",
        max_length=MAX_PASSWORD,
        suffix=rx.el.button(
            rx.cond(shown, icon("eye-off"), icon("eye")),
            type="button",
            class_name="icon-button",
            aria_label="Show password",
            aria_pressed=rx.cond(shown, "true", "false"),
            on_click=toggle,
        ),
        **props,
    )


def strength(error: Any) -> rx.Component:
    """How hard the new password is to guess, and why; nothing before one was typed, or while ``error`` says it."""
    return rx.el.div(
        rx.cond(
            (StrengthState.verdict != "") & (error == ""),
            rx.fragment(
                rx.el.span(
                    *(rx.el.span(custom_attrs={"data-on": StrengthState.score > step}) for step in range(4)),
                    class_name="strength-bar",
                    aria_hidden=True,
                ),
                rx.el.p(rx.el.strong(StrengthState.verdict, ". "), StrengthState.why, class_name="field-hint"),
            ),
            rx.fragment(),
        ),
        class_name="strength",
        role="status",
        custom_attrs={"data-good": StrengthState.score >= 3},  # what the API accepts
    )
