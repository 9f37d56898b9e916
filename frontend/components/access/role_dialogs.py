"""Making, changing, copying and deleting a role."""

from typing import Any

import reflex as rx

from frontend.components.access.permissions import permission_fields
from frontend.components.feedback import dialog
from frontend.components.forms import form_error, text_field
from frontend.components.primitives import button, icon, link_button
from frontend.states.roles import DESCRIPTION_CHARS, NAME_CHARS, RolesState

FORM_ID = "role-form"


def role_dialog() -> rx.Component:
    """The form of a role, new or the company's own."""
    draft: Any = RolesState.draft
    errors: Any = RolesState.form_errors
    new = draft.key == ""
    return dialog(
        rx.el.form(
            form_error(errors["form"]),
            text_field(
                "Name",
                "role-name",
                error=errors["name"],
                default_value=draft.name,
                max_length=NAME_CHARS,
                auto_complete="off",
                custom_attrs={"autofocus": "true"},
            ),
            text_field(
                "Description",
                "role-description",
                error=errors["description"],
                optional=True,
                default_value=draft.description,
                max_length=DESCRIPTION_CHARS,
                auto_complete="off",
            ),
            rx.cond(new, _source(), rx.fragment()),
            permission_fields(
                RolesState.areas,
                ticked=draft.permissions,
                error=errors["permissions"],
                key=RolesState.ticks_round,
                name="role",
            ),
            rx.el.div(
                button("Cancel", on_click=RolesState.close_form),
                rx.cond(
                    new,
                    button("Create role", kind="primary", type="submit", busy=RolesState.saving),
                    button("Save role", kind="primary", type="submit", busy=RolesState.saving),
                ),
                class_name="form-actions dialog-foot",
            ),
            on_submit=RolesState.save,
            class_name="form-stack",
            no_validate=True,
            key=RolesState.form_round,
        ),
        id=FORM_ID,
        shown=RolesState.form_open,
        title=rx.cond(new, "Create a role", "Change the role"),
        on_close=RolesState.close_form,
    )


def delete_role_dialog() -> rx.Component:
    """Asks once; a role that somebody has cannot be deleted, and says who has it."""
    doomed: Any = RolesState.doomed
    return dialog(
        rx.cond(
            doomed.used,
            rx.el.p(
                rx.el.strong(doomed.name),
                " cannot be deleted while it is in use. ",
                RolesState.users,
                " Give them another role first.",
                class_name="card-text doomed",
            ),
            rx.el.p(
                "Nobody has ",
                rx.el.strong(doomed.name),
                ". It is deleted for good; the audit log remembers what it allowed.",
                class_name="card-text doomed",
            ),
        ),
        form_error(RolesState.doomed_problem),
        rx.el.div(
            button("Keep", on_click=RolesState.keep),
            rx.cond(
                doomed.used,
                rx.fragment(
                    link_button("Open the team", "/team", icon_name="users"),
                    button("Delete role", kind="danger", disabled=True),
                ),
                button("Delete role", kind="danger", on_click=RolesState.delete, busy=RolesState.deleting),
            ),
            class_name="form-actions",
        ),
        id="delete-role",
        shown=doomed.key != "",
        title=rx.cond(doomed.used, "This role is in use", "Delete this role?"),
        on_close=RolesState.keep,
    )


def _source() -> rx.Component:
    return rx.el.div(
        rx.el.label("Start from a copy of", html_for="role-source", class_name="field-label"),
        rx.el.div(
            rx.el.select(
                rx.el.option("No role", value=""),
                rx.foreach(RolesState.roles, lambda role: rx.el.option(role.name, value=role.key)),
                id="role-source",
                value=RolesState.source,
                on_change=RolesState.start_from,
                class_name="input select",
            ),
            icon("chevron-down", class_name="select-arrow"),
            class_name="select-wrap",
        ),
        rx.el.p("Ticks what that role allows, as far as you hold it.", class_name="field-hint"),
        class_name="field",
    )
