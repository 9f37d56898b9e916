"""Deleting one's account: the offer, the dialog that says what becomes of one's companies, and the farewell."""

from typing import Any

import reflex as rx

from frontend.features.you.deletion_state import FateView, YouDeletionState
from frontend.kit.feedback import dialog
from frontend.kit.fields import form_error, text_field
from frontend.kit.primitives import button, given, icon
from frontend.platform.session import SessionState
from frontend.shell.entrance import entrance


def deletion() -> rx.Component:
    """What stands in the last section."""
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.p("Delete your account", class_name="menu-name"),
                rx.el.p(
                    "You leave every company, and your name, address and conversations are gone for good.",
                    class_name="card-text",
                ),
            ),
            button("Delete account", kind="danger", icon_name="trash-2", on_click=YouDeletionState.ask),
            class_name="danger-row",
        ),
        _dialog(),
    )


def farewell() -> rx.Component:
    """What replaces the page once the account is gone."""
    body = rx.el.div(
        rx.cond(YouDeletionState.fates.length() > 0, _fates(), rx.fragment()),  # type: ignore[attr-defined]  # a Var at run time
        button("Leave OCSuite", kind="primary", on_click=YouDeletionState.leave_for_good, class_name="button-wide"),
        class_name="form-stack",
    )
    return entrance(
        "Your account is deleted",
        "Your name, address, password, sessions and conversations are gone. Thank you for having been here.",
        body,
        rx.fragment(),
    )


def _dialog() -> rx.Component:
    state = YouDeletionState
    return dialog(
        rx.cond(
            state.fates.length() > 0,  # type: ignore[attr-defined]  # a Var at run time
            rx.fragment(rx.el.p("What becomes of your companies:"), _fates()),
            rx.el.p("You belong to no company.", class_name="card-text"),
        ),
        rx.cond(state.blocked, _blocked(), _form()),
        id="delete-account",
        shown=state.asking,
        title="Delete account",
        on_close=state.dismiss_dialog,
    )


def _fates() -> rx.Component:
    return rx.el.ul(rx.foreach(YouDeletionState.fates, _fate), class_name="you-fates")


def _fate(fate: FateView) -> rx.Component:
    return rx.el.li(
        rx.match(fate.kind, ("blocked", icon("triangle-alert")), ("erased", icon("trash-2")), icon("log-out")),
        rx.el.div(
            rx.el.p(fate.name, dir="auto", class_name="menu-name"),
            rx.el.p(fate.text, class_name="menu-detail"),
            rx.cond(
                fate.kind == "blocked",
                rx.el.p(
                    _way_on("Hand over ownership", given(YouDeletionState.hand_over, fate.id)),
                    _way_on("Delete the company", given(YouDeletionState.delete_company, fate.id)),
                    class_name="you-ways",
                ),
                rx.fragment(),
            ),
            class_name="menu-words",
        ),
        custom_attrs={"data-kind": fate.kind},
        key=fate.id,
    )


def _way_on(words: str, handler: Any) -> rx.Component:
    return rx.el.button(words, type="button", class_name="text-link", on_click=handler)


def _blocked() -> rx.Component:
    return rx.el.div(
        rx.el.p("Your account can be deleted once that is settled.", class_name="card-text"),
        rx.el.div(button("Close", on_click=YouDeletionState.dismiss_dialog), class_name="form-actions"),
    )


def _form() -> rx.Component:
    state = YouDeletionState
    return rx.el.form(
        rx.el.p("Nobody can bring your account back.", class_name="card-text"),
        form_error(state.problem),
        rx.el.p("Your address is ", rx.el.code(SessionState.person.email), ".", class_name="danger-slug"),
        text_field(
            "Type your address to confirm",
            "confirmation",
            error=state.errors["confirmation"],
            auto_complete="off",
            auto_capitalize="none",
            spell_check=False,
            on_change=_corrected("confirmation"),
        ),
        text_field(
            "Password",
            "deletion_password",
            error=state.errors["deletion_password"],
            type="password",
            auto_complete="current-password",
            max_length=256,
            on_change=_corrected("deletion_password"),
        ),
        rx.el.div(
            button("Keep my account", kind="quiet", on_click=state.dismiss_dialog),
            button("Delete account", kind="danger", type="submit", busy=state.deleting),
            class_name="form-actions",
        ),
        on_submit=state.delete,
        reset_on_submit=False,
        no_validate=True,
        class_name="form-stack",
    )


def _corrected(name: str) -> Any:
    return rx.cond(YouDeletionState.errors[name] != "", given(YouDeletionState.corrected, name), rx.noop())
