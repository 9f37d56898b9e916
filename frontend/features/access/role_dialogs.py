"""Making, changing, copying and deleting a role."""

from typing import Any, Final

import reflex as rx

from frontend.features.access.permissions import permission_fields
from frontend.features.access.roles_state import DESCRIPTION_CHARS, NAME_CHARS, RolesState
from frontend.kit.feedback import closer, dialog, opens
from frontend.kit.fields import form_error, text_field
from frontend.kit.form import once_form, submit_button
from frontend.kit.primitives import button, given, icon, link_button

FORM_ID: Final = "role-form"
DELETE_ID: Final = "delete-role"


def begins(purpose: str, key: rx.Var[str] | str = "") -> dict[str, Any]:
    """What makes a button open the form for a ``new`` role, a ``copy`` of one or a ``change``."""
    about: Any = rx.Var.create(key)
    return {**opens(FORM_ID, purpose + about), "on_click": given(RolesState.begin, purpose, key)}


def role_dialog() -> rx.Component:
    """The form of a role, new or the company's own."""
    new = RolesState.draft.key == ""
    return dialog(
        # Made anew each time, so that fields begin as they should.
        rx.cond(RolesState.purpose != "", _form(), rx.fragment()),
        id=FORM_ID,
        about=RolesState.purpose,
        title=rx.cond(new, "Create a role", "Change the role"),
        on_close=RolesState.close_form,
    )


def _form() -> rx.Component:
    draft: Any = RolesState.draft
    form: Any = RolesState.form
    new = draft.key == ""
    return once_form(
        form,
        form_error(form.error),
        text_field(
            "Name",
            "role-name",
            error=form.errors["name"],
            default_value=draft.name,
            max_length=NAME_CHARS,
            auto_complete="off",
            custom_attrs={"autofocus": "true"},
        ),
        text_field(
            "Description",
            "role-description",
            error=form.errors["description"],
            optional=True,
            default_value=draft.description,
            max_length=DESCRIPTION_CHARS,
            auto_complete="off",
        ),
        rx.cond(new, _source(), rx.fragment()),
        permission_fields(
            RolesState.areas,
            ticked=draft.permissions,
            error=form.errors["permissions"],
            key=RolesState.ticks_round,
            name="role",
        ),
        rx.el.div(
            closer(),
            submit_button(rx.cond(new, "Create role", "Save role"), form),
            class_name="form-actions dialog-foot",
        ),
        on_submit=RolesState.save,
        key=RolesState.purpose,
    )


def delete_role_dialog() -> rx.Component:
    """Asks once; a role that somebody has cannot be deleted, and says who has it."""
    doomed, form = RolesState.doomed, RolesState.deletion
    return dialog(
        once_form(
            form,
            rx.cond(doomed.used, _in_use(), _unused()),
            form_error(form.error),
            rx.el.div(
                closer(label="Keep"),
                rx.cond(
                    doomed.used,
                    rx.fragment(
                        link_button("Open the team", "/team", icon_name="users"),
                        button("Delete role", kind="danger", disabled=True),
                    ),
                    submit_button("Delete role", form, kind="danger"),
                ),
                class_name="form-actions",
            ),
            on_submit=RolesState.delete,
        ),
        id=DELETE_ID,
        about=doomed.key,
        title=rx.cond(doomed.used, "This role is in use", "Delete this role?"),
        on_close=RolesState.keep,
    )


def _in_use() -> rx.Component:
    return rx.el.p(
        rx.el.strong(RolesState.doomed.name, dir="auto"),
        " cannot be deleted while it is in use. ",
        RolesState.users,
        " Give them another role first.",
        class_name="card-text doomed",
    )


def _unused() -> rx.Component:
    return rx.el.p(
        "Nobody has ",
        rx.el.strong(RolesState.doomed.name, dir="auto"),
        ". It is deleted for good; the audit log remembers what it allowed.",
        class_name="card-text doomed",
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
