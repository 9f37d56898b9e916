"""``/team`` and ``/team/invitations``: who belongs to the company, and who was asked to."""

from typing import Any, Final

import reflex as rx

from frontend.features.team.invitations_state import InvitationsState
from frontend.features.team.invite import invite_button, invite_dialogs
from frontend.features.team.members_state import MembersState, Question
from frontend.features.team.questions import asks, member_dialogs
from frontend.features.team.views import InvitationView, MemberView
from frontend.kit.copying import Copying
from frontend.kit.feedback import closer, dialog, opens, problem_panel
from frontend.kit.form import once_form, submit_button
from frontend.kit.permissions import may
from frontend.kit.primitives import (
    avatar,
    badge,
    badges,
    button,
    card,
    empty_state,
    given,
    icon,
    named,
    skeleton,
    time_ago,
)
from frontend.kit.table import cell, row, row_action, table
from frontend.platform.session import SessionState
from frontend.shell.frame import shell
from frontend.shell.team_tabs import INVITATIONS, MEMBERS, team_tabs

_WHY_LOCKED: Final = "You can manage people who may do nothing that you may not do yourself."


def members() -> rx.Component:
    """Everybody in the company."""
    listed = rx.fragment(
        table("Members", ("Person", "Roles", "Joined", ""), rx.foreach(MembersState.members, _member)),
        _more(MembersState.more, MembersState.fetching_more, MembersState.load_more),
    )
    return _frame(MEMBERS, MembersState, listed, rx.fragment(_way_out(), member_dialogs()))


def invitations() -> rx.Component:
    """Open invitations."""
    listed = rx.cond(
        InvitationsState.invitations,
        rx.fragment(
            table(
                "Open invitations",
                ("Address", "Roles", "Invited by", "Expires", ""),
                rx.foreach(InvitationsState.invitations, _invitation),
            ),
            _more(InvitationsState.more, InvitationsState.fetching_more, InvitationsState.load_more),
        ),
        card(
            empty_state(
                "No open invitations",
                "Whoever you invite stands here until they have joined. Invitations end by themselves.",
                icon_name="mail",
            )
        ),
    )
    return _frame(INVITATIONS, InvitationsState, listed, _withdraw_dialog())


def _frame(current: str, state: Any, listed: rx.Component, dialogs: rx.Component) -> rx.Component:
    content = rx.fragment(
        team_tabs(current),
        rx.cond(
            state.listed,
            rx.fragment(_note(), listed),
            rx.cond(state.failed, card(problem_panel(state.problem, state.load)), _loading(current.lower())),
        ),
        invite_dialogs(),
        Copying.create(),
        dialogs,
    )
    return shell("Team", content, invite_button())


def _way_out() -> rx.Component:
    """Who may not see the team may leave it all the same."""
    leave = button("Leave company", icon_name="log-out", **asks("leave", SessionState.person.id))
    closed = MembersState.failed & MembersState.problem.denied
    return rx.cond(closed, rx.el.div(leave, class_name="form-actions"), rx.fragment())


def _note() -> rx.Component:
    """Why there is nothing to press."""
    return rx.cond(
        may("members.invite") | may("members.update") | may("members.remove"),
        rx.fragment(),
        rx.el.p(
            icon("lock"),
            "You can see the team. Your roles do not allow inviting people or changing roles; ask an owner or admin.",
            class_name="callout tone-info team-note",
        ),
    )


def _member(member: MemberView) -> rx.Component:
    return row(
        cell(
            "",
            rx.el.div(
                avatar(member.initials),
                rx.el.div(
                    rx.el.p(
                        named(member.name, class_name="team-name"),
                        rx.cond(member.me, badge("You", "accent"), rx.fragment()),
                        class_name="team-head",
                    ),
                    rx.el.p(named(member.email), class_name="menu-detail"),
                    class_name="menu-words",
                ),
                class_name="team-person",
            ),
            class_name="cell-wide",
        ),
        cell("Roles", badges(member.roles), class_name="cell-middle"),
        cell("Joined", time_ago(member.joined, iso=member.joined_iso, exact=member.joined_exact)),
        cell("", _member_actions(member)),
        key=member.user_id,
    )


def _member_actions(member: MemberView) -> rx.Component:
    changing = may("members.update") | may("members.remove")
    roles = rx.cond(
        may("members.update"), _act("user-cog", "Change roles", "Change roles of " + member.name, "roles", member)
    )
    mine = rx.fragment(roles, _act("log-out", "Leave company", "Leave company", "leave", member))
    others = rx.fragment(
        roles,
        rx.cond(
            may("ownership.transfer") & ~member.owner,
            _act("crown", "Make owner", "Make owner in your place: " + member.name, "ownership", member),
        ),
        rx.cond(may("members.remove"), _act("user-minus", "Remove", "Remove " + member.name, "remove", member)),
    )
    why_not = rx.cond(
        changing,
        rx.el.span(icon("lock", size=12), "May do more than you", title=_WHY_LOCKED, class_name="team-locked"),
    )
    return rx.el.div(
        rx.cond(member.me, mine, rx.cond(member.manageable, others, why_not)), class_name="table-row-actions"
    )


def _act(icon_name: str, words: str, label: str, question: Question, member: MemberView) -> rx.Component:
    return row_action(icon_name, words, label, **asks(question, member.user_id))


def _invitation(invitation: InvitationView) -> rx.Component:
    return row(
        cell(
            "",
            rx.el.div(
                named(invitation.email, class_name="team-name"),
                rx.cond(invitation.expired, badge("Expired", "warning"), rx.fragment()),
                class_name="team-head",
            ),
            class_name="cell-wide",
        ),
        cell("Roles", badges(invitation.roles), class_name="cell-middle"),
        cell(
            "Invited by",
            rx.cond(invitation.invited_by != "", named(invitation.invited_by), rx.el.span("Somebody who has left")),
            class_name="cell-middle",
        ),
        cell("Expires", time_ago(invitation.expires, iso=invitation.expires_iso, exact=invitation.expires_exact)),
        cell("", rx.cond(may("members.invite"), _invitation_actions(invitation), rx.fragment())),
        key=invitation.id,
    )


def _invitation_actions(invitation: InvitationView) -> rx.Component:
    return rx.el.div(
        row_action(
            "send",
            "Send again",
            "Send again to " + invitation.email,
            on_click=given(InvitationsState.resend, invitation.id, invitation.expires_iso),
            disabled=InvitationsState.sending == invitation.id,
        ),
        row_action(
            "x",
            "Withdraw",
            "Withdraw the invitation of " + invitation.email,
            on_click=given(InvitationsState.ask_to_withdraw, invitation.id),
            **opens("withdraw-invitation", invitation.id),
        ),
        class_name="table-row-actions",
    )


def _withdraw_dialog() -> rx.Component:
    doomed, form = InvitationsState.doomed, InvitationsState.withdrawal
    return dialog(
        once_form(
            form,
            rx.el.p(
                "The link that ",
                rx.el.strong(doomed.email),
                " was sent ends at once. You can invite them again.",
                class_name="card-text",
            ),
            rx.el.div(
                closer(label="Keep"),
                submit_button("Withdraw invitation", form, kind="danger"),
                class_name="form-actions",
            ),
            on_submit=InvitationsState.withdraw,
        ),
        id="withdraw-invitation",
        about=doomed.id,
        title="Withdraw this invitation?",
        on_close=InvitationsState.keep,
    )


def _more(more: Any, fetching: Any, load_more: Any) -> rx.Component:
    return rx.cond(
        more,
        rx.el.div(button("Load more", on_click=load_more, busy=fetching), class_name="table-more"),
        rx.fragment(),
    )


def _loading(what: str) -> rx.Component:
    return rx.el.div(
        *(
            rx.el.div(
                skeleton("28px", "28px"),
                rx.el.div(skeleton("160px", "14px"), skeleton("220px", "12px"), class_name="team-loading-words"),
                skeleton("72px", "18px"),
                class_name="team-loading-row",
            )
            for _ in range(4)
        ),
        rx.el.span(f"Loading {what}", class_name="visually-hidden", role="status"),
        class_name="table-wrap",
    )
