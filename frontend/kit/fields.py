"""Form fields: a label, an optional hint, the control, and the reason for which it was refused."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from frontend.kit.primitives import icon


def text_field(
    label: str,
    name: str,
    *,
    error: rx.Var[str] | str = "",
    hint: str = "",
    optional: bool = False,
    suffix: rx.Component | None = None,
    multiline: bool = False,
    **props: Any,
) -> rx.Component:
    """A one-line input, or a text area with ``multiline``. ``suffix`` stands inside the input, at its end."""
    make = rx.el.textarea if multiline else rx.el.input
    class_name = "input input-area" if multiline else "input"
    # Words in their own direction; an address or a password, whose type changes when it is shown, has none.
    kind = props.get("type", "text")
    direction = {"dir": "auto"} if isinstance(kind, str) and kind == "text" else {}
    control = make(id=name, name=name, class_name=class_name, **_described(name, error, hint), **direction | props)
    if suffix is not None:
        control = rx.el.div(control, suffix, class_name="input-with-suffix")
    return _frame(label, name, control, error=error, hint=hint, optional=optional)


def select_field(
    label: str,
    name: str,
    options: Sequence[tuple[str, str]],
    *,
    error: rx.Var[str] | str = "",
    hint: str = "",
    optional: bool = False,
    placeholder: str = "",
    **props: Any,
) -> rx.Component:
    """A native select of ``(value, words)``; ``placeholder`` adds an empty choice before them."""
    choices = [rx.el.option(words, value=value) for value, words in options]
    if placeholder:
        choices.insert(0, rx.el.option(placeholder, value=""))
    control = rx.el.div(
        rx.el.select(*choices, id=name, name=name, class_name="input select", **_described(name, error, hint), **props),
        icon("chevron-down", class_name="select-arrow"),
        class_name="select-wrap",
    )
    return _frame(label, name, control, error=error, hint=hint, optional=optional)


def form_error(message: rx.Var[str] | str) -> rx.Component:
    """The reason for which a whole form was refused; announced when it appears."""
    return rx.el.div(
        rx.cond(message != "", rx.el.p(icon("circle-alert"), message, class_name="form-error"), rx.fragment()),
        role="alert",
    )


def _frame(
    label: str, name: str, control: rx.Component, *, error: rx.Var[str] | str, hint: str, optional: bool
) -> rx.Component:
    marks = [rx.el.span("Optional", class_name="field-optional")] if optional else []
    hints = [rx.el.p(hint, id=f"{name}-hint", class_name="field-hint")] if hint else []
    errors = (
        [
            rx.el.p(
                rx.cond(error != "", rx.fragment(icon("circle-alert", size=12), error), rx.fragment()),
                id=f"{name}-error",
                class_name="field-error",
                aria_live="polite",
            )
        ]
        if isinstance(error, rx.Var)
        else []
    )
    return rx.el.div(
        rx.el.div(rx.el.label(label, html_for=name, class_name="field-label"), *marks, class_name="field-head"),
        control,
        *hints,
        *errors,
        class_name="field",
    )


def _described(name: str, error: rx.Var[str] | str, hint: str) -> dict[str, Any]:
    ids = [f"{name}-hint"] if hint else []
    attributes: dict[str, Any] = {}
    if isinstance(error, rx.Var):
        ids.append(f"{name}-error")
        attributes["aria_invalid"] = error != ""
    if ids:
        attributes["aria_describedby"] = " ".join(ids)
    return attributes
