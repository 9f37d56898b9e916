"""``/team/roles``: what each role allows, and the company's own roles."""

import reflex as rx

from frontend.features.access.matrix import matrix, one_role
from frontend.features.access.role_dialogs import begins, delete_role_dialog, role_dialog
from frontend.features.access.roles_state import MANAGE, RolesState
from frontend.kit.feedback import lock_page, problem_panel
from frontend.kit.permissions import locked_note, may
from frontend.kit.primitives import button, page_header, skeleton
from frontend.shell.frame import shell
from frontend.shell.team_tabs import ROLES, team_tabs


def page() -> rx.Component:
    """Roles and permissions."""
    create = rx.cond(
        may(MANAGE) & RolesState.loaded,
        button("Create role", kind="primary", icon_name="plus", **begins("new")),
        rx.fragment(),
    )
    content = rx.el.div(
        team_tabs(ROLES),
        rx.cond(
            RolesState.denied.title != "",
            lock_page(RolesState.denied),
            rx.cond(
                RolesState.loaded,
                _roles(),
                rx.cond(RolesState.failed, problem_panel(RolesState.problem, RolesState.load), _loading()),
            ),
        ),
        class_name="roles",
    )
    return shell("Team", content, create)


def _roles() -> rx.Component:
    return rx.fragment(
        page_header(
            "Roles",
            "A role says what its members may do; whoever has several may do what any of them allows. Built-in roles "
            "are the product's: they stay as they are, and can be copied.",
        ),
        rx.cond(
            may(MANAGE),
            rx.fragment(),
            locked_note("You can look at roles. They are managed by: ", RolesState.managers, "."),
        ),
        matrix(),
        one_role(),
        role_dialog(),
        delete_role_dialog(),
    )


def _loading() -> rx.Component:
    return rx.el.div(
        skeleton("90px", "20px"),
        skeleton("min(100%, 520px)", "14px"),
        rx.el.div(
            *(
                rx.el.div(
                    skeleton("min(40%, 220px)", "14px"),
                    *(skeleton("16px", "16px") for _ in range(5)),
                    class_name="matrix-loading-row",
                )
                for _ in range(9)
            ),
            class_name="matrix-wrap matrix-loading",
        ),
        rx.el.span("Loading roles", class_name="visually-hidden", role="status"),
        class_name="roles-loading",
    )
