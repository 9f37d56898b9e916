"""Buttons that copy, and the script behind them: the clipboard can only be written where the click happens."""

from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.vars import VarData

from frontend.kit.primitives import icon

_SOURCE = Path(__file__).with_name("copying.js")


class Copying(rx.Fragment):  # type: ignore[misc]  # Reflex's elements carry no types
    """Renders nothing; belongs once onto a page with copy buttons."""

    def add_custom_code(self) -> list[str]:
        """The function, as part of the page's module."""
        return [_SOURCE.read_text("utf-8").replace("export function", "function")]

    def add_hooks(self) -> list[str | rx.Var[Any]]:
        """Listen while the page is shown."""
        return [rx.Var("useEffect(() => copying(), [])", _var_data=VarData(imports={"react": "useEffect"}))]


def copy_button(source: str, what: str, kind: str = "secondary") -> rx.Component:
    """Copies the value or text of the element with the id ``source``; ``what`` it is goes to screen readers."""
    return rx.el.button(
        icon("copy", class_name="copy-icon"),
        icon("check", class_name="copied-icon"),
        rx.el.span(
            rx.el.span("Copy", class_name="copy-before"),
            rx.el.span("Copied", class_name="copy-after"),
            rx.el.span("Press Ctrl+C", class_name="copy-refused"),
            aria_live="polite",
        ),
        rx.el.span(" ", what, class_name="visually-hidden"),
        type="button",
        class_name=f"button button-{kind} copy-button",
        custom_attrs={"data-copies": source},
    )
