"""What each role allows: a table of all roles where there is room, one role at a time where there is not."""

from typing import Any, Final

import reflex as rx

from frontend.features.access.role_dialogs import DELETE_ID, begins
from frontend.features.access.roles_state import MANAGE, RolesState
from frontend.features.access.views import AreaView, PermissionView, RoleView
from frontend.kit.feedback import opens
from frontend.kit.permissions import may
from frontend.kit.primitives import badge, button, given, icon, named

#: As many columns fit where the content has its full width.
MOST_AT_ONCE: Final = 8


def matrix() -> rx.Component:
    """Permissions in rows, roles in columns; heads of both stay in view, and an edge says that there are more roles."""
    return rx.el.div(
        rx.cond(
            RolesState.roles.length() > MOST_AT_ONCE,  # type: ignore[attr-defined]  # a Var at run time
            rx.el.p(
                icon("arrow-left-right", size=14),
                RolesState.roles.length(),  # type: ignore[attr-defined]  # as above
                " roles: scroll the table sideways to see all of them.",
                class_name="matrix-cue",
            ),
            rx.fragment(),
        ),
        _table(),
        class_name="matrix-frame",
    )


def _table() -> rx.Component:
    return rx.el.div(
        rx.el.table(
            rx.el.caption("What each role allows", class_name="visually-hidden"),
            rx.el.thead(
                rx.el.tr(
                    rx.el.th("Permission", scope="col", class_name="matrix-corner"),
                    rx.foreach(RolesState.roles, _column),
                ),
                rx.el.tr(
                    rx.el.th("Who has it", scope="row", class_name="matrix-corner"),
                    rx.foreach(RolesState.roles, _use),
                    class_name="matrix-uses",
                ),
                rx.cond(
                    may(MANAGE),
                    rx.el.tr(
                        rx.el.th(rx.el.span("Actions", class_name="visually-hidden"), scope="row"),
                        rx.foreach(RolesState.roles, _acts),
                        class_name="matrix-acts",
                    ),
                    rx.fragment(),
                ),
            ),
            rx.foreach(RolesState.areas, _area),
            class_name="matrix",
        ),
        class_name="matrix-wrap",
        role="region",
        aria_label="What each role allows",
        tab_index=0,
    )


def one_role() -> rx.Component:
    """A choice of roles and the list of the chosen one."""
    role: Any = RolesState.shown
    return rx.el.div(
        _choice(role),
        rx.el.section(
            rx.el.header(
                rx.el.h2(role.name, dir="auto", class_name="card-title"), _kind(role), class_name="one-role-head"
            ),
            rx.el.p(role.description, class_name="card-text"),
            rx.el.p(icon("users", size=14), role.use, class_name="one-role-use"),
            _buttons(role),
            rx.foreach(RolesState.areas, lambda area: _listed_area(area, role)),
            class_name="card one-role-card",
        ),
        class_name="one-role",
    )


def _choice(role: Any) -> rx.Component:
    return rx.el.div(
        rx.el.label("Role", html_for="shown-role", class_name="field-label"),
        rx.el.div(
            rx.el.select(
                rx.foreach(RolesState.roles, lambda one: rx.el.option(one.name, value=one.key)),
                id="shown-role",
                value=role.key,
                on_change=RolesState.show,
                class_name="input select",
            ),
            icon("chevron-down", class_name="select-arrow"),
            class_name="select-wrap",
        ),
        class_name="field",
    )


def _buttons(role: Any) -> rx.Component:
    return rx.cond(
        may(MANAGE),
        rx.el.div(
            button("Copy", icon_name="copy", **begins("copy", role.key)),
            rx.cond(
                role.built_in,
                rx.fragment(),
                rx.fragment(
                    button("Change", icon_name="pencil", **begins("change", role.key)),
                    button("Delete", kind="danger", icon_name="trash-2", **_asks_to_delete(role)),
                ),
            ),
            class_name="one-role-acts",
        ),
        rx.fragment(),
    )


def _kind(role: RoleView) -> rx.Component:
    return rx.cond(role.built_in, badge("Built-in", icon_name="lock"), badge("Yours", "accent"))


def _column(role: RoleView) -> rx.Component:
    return rx.el.th(
        named(role.name, title=rx.cond(role.description != "", role.name + ": " + role.description, role.name)),
        _kind(role),
        scope="col",
        class_name="matrix-role",
        key=role.key,
    )


def _use(role: RoleView) -> rx.Component:
    return rx.el.td(role.use, key=role.key)


def _acts(role: RoleView) -> rx.Component:
    copy = _act("copy", "Copy", role, begins("copy", role.key))
    return rx.el.td(
        rx.cond(
            role.built_in,
            copy,
            rx.fragment(
                _act("pencil", "Change", role, begins("change", role.key)),
                copy,
                _act("trash-2", "Delete", role, _asks_to_delete(role)),
            ),
        ),
        key=role.key,
    )


def _act(icon_name: str, verb: str, role: RoleView, does: dict[str, Any]) -> rx.Component:
    return rx.el.button(
        icon(icon_name, size=14),
        rx.el.span(verb, " ", role.name, class_name="visually-hidden"),
        type="button",
        title=verb,
        class_name="icon-button",
        **does,
    )


def _asks_to_delete(role: Any) -> dict[str, Any]:
    return {**opens(DELETE_ID, role.key), "on_click": given(RolesState.ask_to_delete, role.key)}


def _area(area: AreaView) -> rx.Component:
    return rx.el.tbody(
        rx.el.tr(
            rx.el.th(
                rx.el.span(area.title),
                col_span=RolesState.roles.length() + 1,  # type: ignore[attr-defined]  # a Var at run time
                scope="rowgroup",
            ),
            class_name="matrix-area",
        ),
        rx.foreach(area.permissions, _permission),
        key=area.title,
    )


def _permission(permission: PermissionView) -> rx.Component:
    return rx.el.tr(
        rx.el.th(
            rx.el.span(permission.title, class_name="tick-title"),
            rx.el.span(permission.description, class_name="tick-text"),
            scope="row",
        ),
        rx.foreach(RolesState.roles, lambda role: rx.el.td(_mark(role, permission), key=role.key)),
        key=permission.key,
    )


def _mark(role: Any, permission: PermissionView) -> rx.Component:
    return rx.cond(
        role.permissions.contains(permission.key),
        rx.fragment(icon("check", class_name="mark-yes"), rx.el.span("Yes", class_name="visually-hidden")),
        rx.fragment(icon("minus", class_name="mark-no"), rx.el.span("No", class_name="visually-hidden")),
    )


def _listed_area(area: AreaView, role: Any) -> rx.Component:
    return rx.el.div(
        rx.el.h3(area.title, class_name="ticks-title"),
        rx.el.ul(
            rx.foreach(
                area.permissions,
                lambda permission: rx.el.li(
                    _mark(role, permission),
                    rx.el.span(
                        rx.el.span(permission.title, class_name="tick-title"),
                        rx.el.span(permission.description, class_name="tick-text"),
                        class_name="tick-words",
                    ),
                    custom_attrs={"data-held": role.permissions.contains(permission.key)},
                ),
            ),
            class_name="one-role-list",
        ),
    )
