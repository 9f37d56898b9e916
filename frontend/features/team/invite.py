"""Inviting people: the button, and the dialog that ends with how the invitation reaches them."""

from typing import Final

import reflex as rx

from frontend.features.team.invitations_state import DAYS_FIELD, EMAIL_FIELD, InvitationsState
from frontend.features.team.roles import role_boxes
from frontend.kit.copying import copy_button
from frontend.kit.feedback import closer, dialog, opens
from frontend.kit.fields import form_error, select_field, text_field
from frontend.kit.form import once_form, submit_button
from frontend.kit.permissions import may
from frontend.kit.primitives import button, given, icon

#: What the dialog is about once the roles to choose from are there.
_READY: Final = "ready"
_DAYS: Final = (
    ("1", "1 day"),
    ("3", "3 days"),
    ("7", "7 days"),
    ("14", "14 days"),
    ("30", "30 days"),
)


def invite_button() -> rx.Component:
    """The one main action of the pages about the team; absent for whoever may not invite."""
    return rx.cond(
        may("members.invite"),
        button(
            "Invite people",
            kind="primary",
            icon_name="user-plus",
            on_click=InvitationsState.begin,
            **opens("invite", _READY),
        ),
        rx.fragment(),
    )


def invite_dialogs() -> rx.Component:
    """Whom to invite; and the link to hand over, where no mail server sends it."""
    ready = InvitationsState.choices.length() > 0  # type: ignore[attr-defined]  # a Var at run time
    broken = InvitationsState.form.error != ""
    sent = InvitationsState.sent
    return rx.fragment(
        dialog(
            # Made anew each time, so that boxes start as they should.
            rx.cond(ready | broken, _form(), rx.fragment()),
            id="invite",
            about=rx.cond(ready | broken, _READY, ""),
            title="Invite people",
            on_close=InvitationsState.close_form,
        ),
        dialog(
            rx.cond(sent.mail == "failed", _failed(), _by_hand()),
            id="invitation-made",
            shown=sent.id != "",
            title=rx.cond(sent.mail == "failed", "The invitation was not sent", "Hand over the invitation"),
            on_close=InvitationsState.close,
        ),
    )


def _form() -> rx.Component:
    form = InvitationsState.form
    return once_form(
        form,
        form_error(form.error),
        text_field(
            "E-mail address",
            EMAIL_FIELD,
            error=form.errors["email"],
            hint="The invitation is for this address alone.",
            type="email",
            auto_complete="off",
            placeholder="ada@example.com",
            spell_check=False,
            max_length=254,
            custom_attrs={"autofocus": "true"},
        ),
        rx.el.div(
            role_boxes(InvitationsState.choices),
            rx.el.p(form.errors["roles"], class_name="field-error", aria_live="polite"),
        ),
        select_field("Good for", DAYS_FIELD, _DAYS, default_value="7"),
        rx.el.div(closer(), submit_button("Send invitation", form), class_name="form-actions"),
        on_submit=InvitationsState.invite,
    )


def _by_hand() -> rx.Component:
    sent = InvitationsState.sent
    return rx.fragment(
        rx.el.p(
            icon("mail-x"),
            rx.el.span(
                "No mail server is set up here. Give this link to ",
                rx.el.strong(sent.email),
                " yourself. It is shown this once, and is good until ",
                sent.expires,
                ".",
            ),
            class_name="form-note",
            role="status",
        ),
        rx.cond(sent.link != "", _link(), rx.fragment()),
        rx.el.div(closer(label="Done"), class_name="form-actions"),
    )


def _link() -> rx.Component:
    return rx.el.div(
        rx.el.label("Invitation link", html_for="invite-link", class_name="field-label"),
        rx.el.div(
            rx.el.input(
                id="invite-link", value=InvitationsState.sent.link, read_only=True, class_name="input invite-link"
            ),
            copy_button("invite-link", "the invitation link", "primary"),
            class_name="invite-copy",
        ),
        class_name="field",
    )


def _failed() -> rx.Component:
    sent = InvitationsState.sent
    return rx.fragment(
        rx.el.p(
            icon("circle-alert"),
            rx.el.span(
                "The invitation was made, but the mail to ",
                rx.el.strong(sent.email),
                " could not be handed to the mail server. Send it again; if that fails too, ask whoever runs OCSuite.",
            ),
            class_name="form-error",
            role="alert",
        ),
        rx.el.div(
            closer(label="Later"),
            button(
                "Send again",
                kind="primary",
                on_click=given(InvitationsState.resend, sent.id, sent.expires_iso),
                busy=InvitationsState.sending == sent.id,
            ),
            class_name="form-actions",
        ),
    )
