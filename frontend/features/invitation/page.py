"""``/invitation``: what an invitation's link leads to."""

from typing import Any

import reflex as rx

from frontend.features.invitation.state import SIGN_IN_AND_BACK, SIGN_UP_AND_BACK, InvitationState
from frontend.kit.feedback import problem_panel
from frontend.kit.fields import form_error
from frontend.kit.primitives import avatar, badges, button, icon, link_button, skeleton, time_ago
from frontend.platform.session import SessionState
from frontend.shell.entrance import entrance

_INVALID = (
    "This invitation is not valid any more. Its link was used or replaced by a newer one, or it has expired or been "
    "withdrawn."
)


def page() -> rx.Component:
    """The invitation, for whoever has its link."""
    look = InvitationState.look
    invitation = InvitationState.invitation
    body = rx.match(
        look,
        ("", _loading()),
        ("failed", problem_panel(InvitationState.problem, InvitationState.load)),
        ("invalid", _invalid()),
        rx.el.div(
            _what(),
            rx.match(look, ("invited", _join()), ("other", _another()), _enter()),
            class_name="form-stack",
        ),
    )
    title = rx.match(look, ("invalid", "Nothing to accept"), "You are invited")
    lead = rx.match(
        look,
        ("", "One moment."),
        ("invalid", "Invitations work once, and for a limited time."),
        ("failed", ""),
        rx.cond(
            invitation.invited_by != "",
            invitation.invited_by + " asks you to join their company on OCSuite.",
            "You were asked to join a company on OCSuite.",
        ),
    )
    foot = rx.match(
        look,
        ("stranger", "An invitation is for one address alone. Use the one above."),
        ("invited", "Not now? The link works until it expires."),
        "",
    )
    return entrance(title, lead, body, foot)


def _what() -> rx.Component:
    invitation = InvitationState.invitation
    return rx.el.section(
        rx.el.div(
            avatar(invitation.initials, square=True),
            rx.el.h2(invitation.company, class_name="invitation-company"),
            class_name="invitation-head",
        ),
        rx.el.dl(
            *_fact("For", rx.el.span(invitation.email, class_name="invitation-email")),
            *_fact("Roles", badges(invitation.roles)),
            *_fact(
                "Expires",
                time_ago(invitation.expires, iso=invitation.expires_iso, exact=invitation.expires_exact),
            ),
            class_name="invitation-facts",
        ),
        class_name="card invitation",
        aria_label="Invitation",
    )


def _fact(name: str, value: Any) -> tuple[rx.Component, rx.Component]:
    return rx.el.dt(name), rx.el.dd(value)


def _join() -> rx.Component:
    return rx.fragment(
        form_error(InvitationState.refusal),
        button(
            "Join " + InvitationState.invitation.company,
            kind="primary",
            on_click=InvitationState.join,
            busy=InvitationState.busy,
            class_name="button-wide invitation-act",
        ),
    )


def _another() -> rx.Component:
    return rx.fragment(
        rx.el.p(
            icon("info"),
            rx.el.span(
                "You are signed in as ",
                rx.el.strong(SessionState.person.email),
                ", and this invitation is for another address. Sign out, then sign in with the one that was invited.",
            ),
            class_name="form-note",
            role="status",
        ),
        button(
            "Sign out",
            kind="primary",
            icon_name="log-out",
            on_click=InvitationState.use_another_account,
            class_name="button-wide",
        ),
        link_button("Keep this account", "/"),
    )


def _enter() -> rx.Component:
    return rx.fragment(
        link_button("Create your account", SIGN_UP_AND_BACK, kind="primary"),
        link_button("Sign in", SIGN_IN_AND_BACK),
    )


def _invalid() -> rx.Component:
    return rx.el.div(
        rx.el.p(icon("info"), rx.el.span(_INVALID), class_name="form-note"),
        rx.el.p("Ask whoever invited you to send it again, then open the new link.", class_name="muted"),
        link_button("Go to OCSuite", "/"),
        class_name="form-stack",
    )


def _loading() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.div(skeleton("24px", "24px"), skeleton("180px", "18px"), class_name="invitation-head"),
            skeleton("80%", "14px"),
            class_name="card invitation invitation-loading",
        ),
        skeleton("100%", "40px"),
        rx.el.span("Loading the invitation", class_name="visually-hidden", role="status"),
        class_name="form-stack",
    )
