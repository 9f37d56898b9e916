"""What is asked before something happens to a member."""

from typing import Any

import reflex as rx

from frontend.components.feedback import dialog
from frontend.components.forms import form_error
from frontend.components.primitives import button
from frontend.components.team.roles import role_boxes
from frontend.states.session import SessionState
from frontend.states.team import MembersState


def member_dialogs() -> rx.Component:
    """All of them; at most one is shown."""
    return rx.fragment(_roles(), _remove(), _ownership(), _leave())


def _question(name: str, title: str, *children: Any) -> rx.Component:
    asked = MembersState.question == name
    return dialog(
        # Made anew each time it is shown, so that boxes start as they should.
        rx.cond(asked, rx.fragment(*children), rx.fragment()),
        id=f"member-{name}",
        shown=asked,
        title=title,
        on_close=MembersState.close,
    )


def _roles() -> rx.Component:
    return _question(
        "roles",
        "Change roles",
        rx.el.form(
            rx.el.p(
                rx.el.strong(MembersState.chosen.name),
                " may do all that these roles allow together. It takes effect at once.",
                class_name="card-text",
            ),
            form_error(MembersState.refusal),
            role_boxes(MembersState.choices, focus=True),
            _actions(button("Save roles", kind="primary", type="submit", busy=MembersState.busy)),
            on_submit=MembersState.save_roles,
            class_name="form-stack",
        ),
    )


def _remove() -> rx.Component:
    return _question(
        "remove",
        "Remove from the company?",
        rx.el.p(
            "The access of ",
            rx.el.strong(MembersState.chosen.name),
            " to ",
            SessionState.company.name,
            " ends at once, and so do their API keys. Their conversations stay sealed in the company, where nobody "
            "else can read them. You can invite them again.",
            class_name="card-text question-text",
        ),
        _actions(button("Remove", kind="danger", on_click=MembersState.remove, busy=MembersState.busy)),
    )


def _ownership() -> rx.Component:
    return _question(
        "ownership",
        "Hand over ownership",
        rx.el.form(
            rx.el.p(
                rx.el.strong(MembersState.chosen.name),
                " becomes owner of ",
                SessionState.company.name,
                " and may do everything, deleting it included. You stay as admin, and only an owner can make you "
                "owner again.",
                class_name="card-text",
            ),
            form_error(MembersState.refusal),
            rx.el.label(
                rx.el.input(type="checkbox", name="understood", class_name="check", custom_attrs={"autofocus": "true"}),
                rx.el.span("I am giving up ownership of this company.", class_name="role-name"),
                class_name="role-box",
            ),
            _actions(button("Hand over ownership", kind="danger", type="submit", busy=MembersState.busy)),
            on_submit=MembersState.hand_over,
            class_name="form-stack",
        ),
    )


def _leave() -> rx.Component:
    return _question(
        "leave",
        "Leave the company?",
        rx.el.p(
            "Your access to ",
            rx.el.strong(SessionState.company.name),
            " ends at once, and so do your API keys. Somebody there has to invite you before you can come back.",
            class_name="card-text question-text",
        ),
        _actions(button("Leave company", kind="danger", on_click=MembersState.leave_company, busy=MembersState.busy)),
    )


def _actions(act: rx.Component) -> rx.Component:
    return rx.el.div(button("Cancel", on_click=MembersState.close), act, class_name="form-actions")
