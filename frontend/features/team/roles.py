"""Roles to choose from."""

from typing import Any

import reflex as rx

from frontend.features.team.views import RoleChoice
from frontend.kit.primitives import icon

_WHY_NOT = "You do not hold everything that this role allows, so you cannot give it."


def role_boxes(choices: Any, *, focus: bool = False) -> rx.Component:
    """A box for each of ``choices``, in a form that :func:`frontend.features.team.members_state.chosen_roles` reads.

    With ``focus`` the dialog begins at the first one.
    """
    return rx.el.fieldset(
        rx.el.legend("Roles", class_name="field-label"),
        rx.foreach(choices, lambda choice, index: _box(choice, focus=focus, index=index)),
        class_name="role-boxes",
    )


def _box(choice: RoleChoice, *, focus: bool, index: Any) -> rx.Component:
    start = {"autofocus": rx.cond(index == 0, "true", rx.Var.create(None))} if focus else {}
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            name="role:" + choice.key,
            default_checked=choice.chosen,
            disabled=~choice.grantable,
            class_name="check",
            custom_attrs=start,
        ),
        rx.el.span(
            rx.el.span(choice.name, dir="auto", class_name="role-name"),
            rx.el.span(choice.description, class_name="role-note"),
            rx.cond(
                choice.grantable,
                rx.fragment(),
                rx.el.span(icon("lock", size=12), _WHY_NOT, class_name="role-note role-why-not"),
            ),
            class_name="role-words",
        ),
        class_name="role-box",
        key=choice.key,
    )
