"""Deleting a company in the settings, the banner that says so on every page, and the receipts of what was erased."""

from typing import Final

import reflex as rx

from frontend.features.company.deletion_state import DeletionState, ReceiptView
from frontend.kit.downloads import file_link
from frontend.kit.feedback import closer, dialog, opens
from frontend.kit.fields import text_field
from frontend.kit.form import once_form, submit_button
from frontend.kit.permissions import may
from frontend.kit.primitives import button, icon, time_ago
from frontend.platform.session import SessionState

DELETE: Final = "company.delete"
DIALOG_ID: Final = "delete-company"


def danger_zone() -> rx.Component:
    """What stands in the last section of the settings."""
    company = SessionState.company
    return rx.cond(
        may(DELETE),
        rx.fragment(
            rx.cond(company.erase_after != "", _planned(), _offer()),
            _dialog(),
        ),
        rx.el.p(
            icon("lock", size=14),
            "Owners can delete the company. Ask one of them.",
            class_name="settings-locked",
        ),
    )


def _offer() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.p("Delete this company", class_name="menu-name"),
            rx.el.p(
                "Everything in it is erased for everyone, after a period in which you can change your mind.",
                class_name="card-text",
            ),
        ),
        button("Delete company", kind="danger", icon_name="trash-2", **opens(DIALOG_ID)),
        class_name="danger-row",
    )


def _planned() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.p("This company will be erased", class_name="menu-name"),
            rx.el.p("After ", _date(), ". Until then everything works as before.", class_name="card-text"),
        ),
        button("Keep the company", icon_name="undo-2", busy=DeletionState.keeping, on_click=DeletionState.keep),
        class_name="danger-row",
    )


def _dialog() -> rx.Component:
    company = SessionState.company
    return dialog(
        rx.el.p(rx.el.strong(company.name, dir="auto"), " and all that is in it will be erased for everyone:"),
        rx.el.ul(
            rx.el.li("conversations, board meetings, the business profile and figures"),
            rx.el.li("members, roles, invitations and API keys"),
            rx.el.li("the audit log, and the keys without which copies in backups cannot be read"),
            class_name="danger-list",
        ),
        rx.el.p(
            "First comes a period of grace, a week unless your installation sets another. Every page then shows the "
            "date, and an owner can keep the company until it has come. Afterwards nobody can bring it back; you get a "
            "signed receipt of what was destroyed.",
            class_name="card-text",
        ),
        once_form(
            DeletionState.form,
            rx.el.p("Its short name is ", rx.el.code(company.slug), ".", class_name="danger-slug"),
            text_field(
                "Type the short name to confirm",
                "confirmation",
                error=DeletionState.form.errors["confirmation"],
                auto_complete="off",
                auto_capitalize="none",
                spell_check=False,
                key=f"{company.id}",
            ),
            rx.el.div(
                closer(label="Do not delete"),
                submit_button("Delete company", DeletionState.form, kind="danger"),
                class_name="form-actions",
            ),
            on_submit=DeletionState.delete,
        ),
        id=DIALOG_ID,
        title="Delete company",
        on_close=DeletionState.dismiss,
    )


def erasure_banner() -> rx.Component:
    """Above every page of a company that will be erased: when, and the way back for those who may take it."""
    return rx.cond(
        SessionState.company.erase_after != "",
        rx.el.aside(
            icon("triangle-alert"),
            rx.el.p(rx.el.strong(SessionState.company.name, dir="auto"), " will be erased after ", _date(), "."),
            rx.cond(
                may(DELETE),
                button("Keep the company", busy=DeletionState.keeping, on_click=DeletionState.keep),
                rx.el.p("Owners can still keep it.", class_name="erasure-hint"),
            ),
            class_name="erasure-banner",
            aria_label="Planned deletion",
        ),
        rx.fragment(),
    )


def _date() -> rx.Component:
    company = SessionState.company
    return rx.el.time(company.erased_on, date_time=company.erase_after)


def receipts() -> rx.Component:
    """Companies that were erased because the person asked for it; nothing for everybody else."""
    return rx.cond(
        DeletionState.receipts.length() > 0,  # type: ignore[attr-defined]  # a Var at run time
        rx.el.div(
            rx.el.h3("Erased companies", class_name="menu-name"),
            rx.el.p(
                "A receipt says what was destroyed and where the audit log ended, signed by this installation.",
                class_name="card-text",
            ),
            rx.el.ul(rx.foreach(DeletionState.receipts, _receipt), class_name="receipts"),
            class_name="settings-receipts",
        ),
        rx.fragment(),
    )


def _receipt(receipt: ReceiptView) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(receipt.company, dir="auto", class_name="menu-name"),
            rx.el.p(
                "Erased ",
                time_ago(receipt.erased, iso=receipt.erased_iso, exact=receipt.erased_exact),
                " · ",
                receipt.what,
                class_name="menu-detail",
            ),
            class_name="menu-words",
        ),
        file_link(
            icon("download"),
            rx.el.span("Download", rx.el.span(" the receipt of ", receipt.company, class_name="visually-hidden")),
            href=receipt.href,
            class_name="button button-secondary",
        ),
        key=receipt.id,
    )
