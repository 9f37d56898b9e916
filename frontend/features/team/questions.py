"""What is asked before something happens to a member."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from frontend.features.team.members_state import MembersState, Question
from frontend.features.team.roles import role_boxes
from frontend.kit.feedback import closer, dialog, opens
from frontend.kit.fields import form_error
from frontend.kit.form import once_form, submit_button
from frontend.kit.primitives import ButtonKind, given, link_button
from frontend.platform.session import SessionState


def member_dialogs() -> rx.Component:
    """All of them; at most one is shown."""
    return rx.fragment(_roles(), _remove(), _ownership(), _leave())


def asks(question: Question, user_id: rx.Var[str] | str) -> dict[str, Any]:
    """What makes a button open the question about a member."""
    return {**opens(f"member-{question}", user_id), "on_click": given(MembersState.ask, question, user_id)}


def _question(
    name: Question,
    title: str,
    verb: str,
    on_submit: Any,
    *children: Any,
    kind: ButtonKind,
    instead: Callable[[rx.Component], rx.Component] = lambda form: form,
) -> rx.Component:
    """A dialog with a form; ``instead`` may show something else in its place."""
    asked = MembersState.question == name
    form = once_form(
        MembersState.form,
        *children,
        rx.el.div(closer(), submit_button(verb, MembersState.form, kind=kind), class_name="form-actions"),
        on_submit=on_submit,
    )
    return dialog(
        # Made anew each time it is asked, so that boxes start as they should.
        rx.cond(asked, instead(form), rx.fragment()),
        id=f"member-{name}",
        about=rx.cond(asked, MembersState.chosen.user_id, ""),
        title=title,
        on_close=MembersState.close,
    )


def _roles() -> rx.Component:
    return _question(
        "roles",
        "Change roles",
        "Save roles",
        MembersState.save_roles,
        rx.el.p(
            rx.el.strong(MembersState.chosen.name, dir="auto"),
            " may do all that these roles allow together. It takes effect at once.",
            class_name="card-text",
        ),
        form_error(MembersState.form.error),
        role_boxes(MembersState.choices, focus=True),
        rx.el.p(MembersState.form.errors["roles"], class_name="field-error", aria_live="polite"),
        kind="primary",
    )


def _remove() -> rx.Component:
    return _question(
        "remove",
        "Remove from the company?",
        "Remove",
        MembersState.remove,
        rx.el.p(
            "The access of ",
            rx.el.strong(MembersState.chosen.name, dir="auto"),
            " to ",
            SessionState.company.name,
            " ends at once, and so do their API keys. Their conversations stay sealed in the company, where nobody "
            "else can read them. You can invite them again.",
            class_name="card-text",
        ),
        kind="danger",
    )


def _ownership() -> rx.Component:
    return _question(
        "ownership",
        "Hand over ownership",
        "Hand over ownership",
        MembersState.hand_over,
        rx.el.p(
            rx.el.strong(MembersState.chosen.name, dir="auto"),
            " becomes owner of ",
            SessionState.company.name,
            " and may do everything, deleting it included. You stay as admin, and only an owner can make you "
            "owner again.",
            class_name="card-text",
        ),
        form_error(MembersState.form.error),
        rx.el.label(
            rx.el.input(type="checkbox", name="understood", class_name="check", custom_attrs={"autofocus": "true"}),
            rx.el.span("I am giving up ownership of this company.", class_name="role-name"),
            class_name="role-box",
        ),
        kind="danger",
    )


def _leave() -> rx.Component:
    return _question(
        "leave",
        "Leave the company?",
        "Leave company",
        MembersState.leave_company,
        rx.el.p(
            "Your access to ",
            rx.el.strong(SessionState.company.name, dir="auto"),
            " ends at once, and so do your API keys. Somebody there has to invite you before you can come back.",
            class_name="card-text",
        ),
        kind="danger",
        instead=lambda form: rx.cond(MembersState.only_owner, _ways_on(), form),
    )


def _ways_on() -> rx.Component:
    """What the only owner can do who cannot just leave."""
    return rx.el.div(
        rx.el.p(
            "You are the only owner of ",
            rx.el.strong(SessionState.company.name, dir="auto"),
            ", and a company keeps at least one. Make somebody else owner in the list first, or delete the company.",
            class_name="card-text",
        ),
        rx.el.div(
            closer(label="Back to the list"),
            link_button("Delete the company", "/settings"),
            class_name="form-actions",
        ),
        class_name="form-stack",
    )
