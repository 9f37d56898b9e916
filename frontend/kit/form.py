"""Forms that are sent once, however often their button is pressed.

A state keeps one :class:`Form` for each of its forms, ``form: Form = Form.of("name")``, and the page shows it with
:func:`once_form`. The handler of ``on_submit`` says what becomes of it: ``self.form = self.form.refused(name="Enter a
name.")``, or ``begun()`` and a ``yield`` before the API is asked with ``idempotency_key=form_key(data)``, and
``finished()`` or ``refused(...)`` afterwards.

The browser disables the button in the frame of the click and lets nothing be sent again until the server has answered.
Each form carries an idempotency key: it stays the same while the same content is sent again, after an answer that got
lost too, and is another one once something was changed or the form has done its work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import reflex as rx

from frontend.kit.primitives import ButtonKind, button

KEY_FIELD: Final = "idempotency-key"


@dataclass(frozen=True)
class Form:
    """A form as shown: whether its work is going on, and why it was refused, for each field and as a whole.

    ``answers`` and ``done`` count what the server said, so that the browser hears of it.
    """

    busy: bool = False
    error: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    answers: int = 0
    done: int = 0

    @classmethod
    def of(cls, *fields: str) -> "Form":
        """One with these fields, by the names that ``errors`` calls them."""
        return cls(errors=dict.fromkeys(fields, ""))

    def fresh(self) -> "Form":
        """As it is when it is opened."""
        return replace(self._calm(), answers=self.answers + 1)

    def begun(self) -> "Form":
        """The server is at work."""
        return replace(self._calm(), busy=True)

    def refused(self, error: str = "", fields: Mapping[str, str] | None = None, **more: str) -> "Form":
        """Something has to be changed first: ``error`` is about the whole form, the others about fields."""
        errors = self._calm().errors | dict(fields or {}) | more
        return replace(self, busy=False, error=error, errors=errors, answers=self.answers + 1)

    def finished(self) -> "Form":
        """The work is done; sending the same again would be another one."""
        return replace(self._calm(), answers=self.answers + 1, done=self.done + 1)

    @property
    def has_errors(self) -> bool:
        """Whether it was refused for anything."""
        return bool(self.error) or any(self.errors.values())

    def _calm(self) -> "Form":
        return replace(self, busy=False, error="", errors=dict.fromkeys(self.errors, ""))


def form_key(data: Mapping[str, Any]) -> str | None:
    """The idempotency key that a form of :func:`once_form` was sent with."""
    return str(data.get(KEY_FIELD) or "") or None


def once_form(form: rx.Var[Form] | Form, *children: Any, on_submit: Any, **props: Any) -> rx.Component:
    """A form that is sent once; ``form`` is the state's variable for it."""
    marks = {"data-once": "true", "data-once-answers": form.answers, "data-once-done": form.done}  # type: ignore[union-attr]  # a Var at run time
    return rx.el.form(
        rx.el.input(type="hidden", name=KEY_FIELD, custom_attrs={"data-key": "true"}),
        *children,
        on_submit=on_submit,
        no_validate=True,
        class_name=f"form-stack {props.pop('class_name', '')}".strip(),
        custom_attrs=marks | props.pop("custom_attrs", {}),
        **props,
    )


def submit_button(
    label: str | rx.Var[str], form: rx.Var[Form] | Form, *, kind: ButtonKind = "primary", **props: Any
) -> rx.Component:
    """The button that sends ``form``; it shows that the server is at work."""
    return button(label, kind=kind, type="submit", busy=form.busy, **props)  # type: ignore[union-attr]  # as above
