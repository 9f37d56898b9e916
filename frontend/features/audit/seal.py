"""Whether the log is as it was sealed, and what can be downloaded to show that elsewhere."""

from typing import Final

import reflex as rx

from frontend.features.audit.state import AuditState
from frontend.kit.downloads import file_link
from frontend.kit.permissions import may
from frontend.kit.primitives import button, card, icon, time_ago
from frontend.platform.download_routes import CHECKPOINTS_PATH, EXPORT_PATH
from frontend.platform.session import SessionState

EXPORT_MENU_ID: Final = "audit-export"


def seal() -> rx.Component:
    """The verdict of the last verification."""
    found = AuditState.verified
    return rx.match(
        found.verdict,
        ("intact", _mark("shield-check", "good", "Verified: intact", _as_of("As of "), _counts())),
        ("fault", _fault()),
        _mark(
            "shield",
            "neutral",
            "Not verified yet",
            rx.el.span("Every log is verified once a day; you can do it now."),
        ),
    )


def _mark(icon_name: str, tone: str, title: str, *words: rx.Component) -> rx.Component:
    return card(
        rx.el.span(icon(icon_name, size=20), class_name=f"audit-mark tone-{tone}"),
        rx.el.div(
            rx.el.h2(title, class_name="card-title"),
            rx.el.p(*words, class_name="card-text"),
            class_name="audit-verdict",
        ),
        _verify(),
        class_name="audit-seal",
        role="status",
    )


def _as_of(words: str) -> rx.Component:
    found = AuditState.verified
    return rx.el.span(words, time_ago(found.when, iso=found.iso, exact=found.exact))


def _counts() -> rx.Component:
    found = AuditState.verified
    return rx.fragment(
        rx.el.span(" · ", found.sealed),
        rx.cond(found.waiting != "", rx.el.span(" · ", found.waiting), rx.fragment()),
    )


def _verify() -> rx.Component:
    return button("Verify now", icon_name="scan-search", busy=AuditState.verifying, on_click=AuditState.verify)


def _fault() -> rx.Component:
    found = AuditState.verified
    return rx.el.section(
        rx.el.span(icon("shield-alert", size=20), class_name="audit-mark tone-bad"),
        rx.el.div(
            rx.el.h2("This log is not as it was sealed", class_name="audit-fault-title"),
            rx.el.p(found.fault, ", at number ", rx.el.strong(found.place), "."),
            rx.el.dl(
                rx.cond(
                    found.entry != "",
                    rx.el.div(rx.el.dt("Entry"), rx.el.dd(rx.el.code(found.entry))),
                    rx.fragment(),
                ),
                rx.el.div(rx.el.dt("Finding"), rx.el.dd(found.detail)),
                rx.el.div(rx.el.dt("Found"), rx.el.dd(_as_of(""), " · ", found.sealed)),
                class_name="audit-details",
            ),
            rx.el.p(
                "Nothing from this number on can be relied on. Export the log now, keep it, and tell whoever runs "
                "your installation: a database restored from a backup looks the same as one that was cut.",
                class_name="card-text",
            ),
            class_name="audit-verdict",
        ),
        _verify(),
        class_name="audit-seal audit-fault",
        role="alert",
    )


def export_menu() -> rx.Component:
    """The page's main action: files of what is being shown."""
    return rx.cond(
        AuditState.loaded & may("audit.export"),
        rx.el.div(
            rx.el.button(
                icon("download"),
                rx.el.span("Export"),
                icon("chevron-down", size=14),
                type="button",
                class_name="button button-secondary",
                custom_attrs={"popoverTarget": EXPORT_MENU_ID},
            ),
            rx.el.div(
                rx.el.p(
                    rx.cond(AuditState.filtered, "What the filters let through", "The whole log"),
                    class_name="menu-label",
                ),
                _file("NDJSON", "With the proofs, to verify anywhere", f"{EXPORT_PATH}.ndjson", "file-json"),
                _file("CSV", "For spreadsheets, without proofs", f"{EXPORT_PATH}.csv", "sheet"),
                id=EXPORT_MENU_ID,
                class_name="menu menu-export",
                custom_attrs={"popover": "auto"},
            ),
        ),
        rx.fragment(),
    )


def _file(title: str, words: str, path: str, icon_name: str) -> rx.Component:
    return file_link(
        icon(icon_name),
        rx.el.span(
            rx.el.span(title, class_name="menu-name"),
            rx.el.span(words, class_name="menu-detail"),
            class_name="menu-words",
        ),
        href=path + "?" + AuditState.download,
        # The page stays while the file arrives, and so would the menu.
        on_click=rx.Var(f"() => document.getElementById('{EXPORT_MENU_ID}').hidePopover()", _var_type=rx.EventChain),
        class_name="menu-entry",
    )


def checkpoints() -> rx.Component:
    """Where to get signed checkpoints, and why one would."""
    return rx.el.p(
        icon("stamp", size=14),
        rx.el.span(
            file_link(
                "Download signed checkpoints",
                href=f"{CHECKPOINTS_PATH}?company=" + SessionState.company.id,
                class_name="text-link",
            ),
            " and keep them elsewhere: with them anyone can show later that no end of this log was cut off.",
        ),
        class_name="audit-checkpoints",
    )
