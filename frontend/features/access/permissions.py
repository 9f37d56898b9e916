"""Choosing permissions."""

from typing import Any

import reflex as rx

from frontend.features.access.views import FIELD, AreaView, PermissionView
from frontend.kit.primitives import icon


def permission_fields(areas: Any, *, ticked: Any, error: rx.Var[str], key: Any, name: str) -> rx.Component:
    """A checkbox for each permission, by area.

    ``areas`` are a state's; ``ticked`` are the keys to begin with, anew whenever ``key`` changes. Those that the person
    does not hold cannot be changed and say so. ``name`` keeps ids apart on one page.
    """
    return rx.el.fieldset(
        rx.el.legend("Permissions", class_name="field-label"),
        rx.el.p(
            rx.cond(error != "", rx.fragment(icon("circle-alert", size=12), error), rx.fragment()),
            id=f"{name}-permissions-error",
            class_name="field-error",
            aria_live="polite",
        ),
        rx.el.div(
            rx.foreach(areas, lambda area: _area(area, ticked, name)),
            key=key,
            class_name="ticks",
        ),
        aria_describedby=f"{name}-permissions-error",
        class_name="permission-fields",
    )


def _area(area: AreaView, ticked: Any, name: str) -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend(area.title, class_name="ticks-title"),
        rx.foreach(area.permissions, lambda permission: _tick(permission, ticked, name)),
        class_name="ticks-area",
    )


def _tick(permission: PermissionView, ticked: Any, name: str) -> rx.Component:
    attributes: dict[str, Any] = {} if ticked is None else {"default_checked": ticked.contains(permission.key)}
    # The title is the name and the rest its description, so that screen readers can be short.
    title_id, text_id = (f"{name}-{part}-" + permission.key for part in ("title", "text"))
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            name=rx.Var.create(FIELD) + permission.key,
            disabled=~permission.held,
            class_name="tick-box",
            aria_labelledby=title_id,
            aria_describedby=text_id,
            **attributes,
        ),
        rx.el.span(
            rx.el.span(permission.title, class_name="tick-title", custom_attrs={"id": title_id}),
            rx.el.span(
                rx.el.span(permission.description, class_name="tick-text"),
                rx.cond(
                    permission.held,
                    rx.fragment(),
                    rx.el.span(icon("lock", size=12), "You do not hold this yourself.", class_name="tick-locked"),
                ),
                custom_attrs={"id": text_id},
            ),
            class_name="tick-words",
        ),
        class_name="tick",
    )
