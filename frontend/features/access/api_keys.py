"""``/settings/api-keys``: keys with which programs act for a member."""

from typing import Any

import reflex as rx

from frontend.features.access.api_keys_state import ApiKeysState, KeyView
from frontend.features.access.key_dialogs import (
    MANAGE,
    REVOKE_ID,
    create_button,
    key_dialog,
    revoke_dialog,
    secret_dialog,
)
from frontend.kit.copying import Copying
from frontend.kit.feedback import lock_page, opens, problem_panel
from frontend.kit.permissions import locked_note, may
from frontend.kit.primitives import (
    badge,
    button,
    empty_state,
    given,
    icon,
    link,
    named,
    page_header,
    skeleton,
    time_ago,
)
from frontend.kit.table import cell, row, table
from frontend.shell.frame import shell


def page() -> rx.Component:
    """The API keys."""
    create = rx.cond(ApiKeysState.loaded, create_button(), rx.fragment())
    content = rx.el.div(
        link(icon("arrow-left", size=14), "Settings", href="/settings", class_name="back-link"),
        rx.cond(
            ApiKeysState.denied.title != "",
            lock_page(ApiKeysState.denied),
            rx.cond(
                ApiKeysState.loaded,
                _keys(),
                rx.cond(ApiKeysState.failed, problem_panel(ApiKeysState.problem, ApiKeysState.load), _loading()),
            ),
        ),
        Copying.create(),
    )
    return shell("Settings", content, create)


def _keys() -> rx.Component:
    return rx.fragment(
        page_header(
            "API keys",
            "With a key, a program uses OCSuite for you: within the permissions that you give it, until it expires "
            "or is revoked. What it does is in the audit log under its name.",
        ),
        rx.cond(
            may(MANAGE),
            rx.fragment(),
            locked_note("You can look at keys. Making and revoking them takes the permission “Manage API keys”."),
        ),
        rx.cond(ApiKeysState.keys, _table(), _none()),
        key_dialog(),
        secret_dialog(),
        revoke_dialog(),
    )


def _table() -> rx.Component:
    headings = ("Key", "Allows", "Made by", "Ends", "Last used", "Status", "")
    return rx.fragment(
        table("API keys", headings, rx.foreach(ApiKeysState.keys, _row)),
        rx.cond(
            ApiKeysState.more,
            rx.el.div(
                button("Load more", on_click=ApiKeysState.load_more, busy=ApiKeysState.fetching_more),
                class_name="table-more",
            ),
            rx.fragment(),
        ),
    )


def _row(key: KeyView) -> rx.Component:
    return row(
        cell(
            "",
            rx.el.div(
                named(key.name, class_name="key-name"),
                rx.el.code(key.prefix, "…", class_name="key-prefix"),
                class_name="key-words",
            ),
            class_name="cell-wide",
        ),
        cell("Allows", _permissions(key)),
        cell(
            "Made by",
            rx.el.div(
                named(key.made_by, class_name="key-maker"),
                rx.el.span(time_ago(key.made.ago, iso=key.made.iso, exact=key.made.exact), class_name="key-when"),
                class_name="key-made",
            ),
            class_name="cell-middle",
        ),
        cell("Ends", time_ago(key.ends.ago, iso=key.ends.iso, exact=key.ends.exact)),
        cell(
            "Last used",
            rx.cond(
                key.used.iso != "",
                time_ago(key.used.ago, iso=key.used.iso, exact=key.used.exact),
                rx.el.span("Never", class_name="muted"),
            ),
        ),
        cell("Status", _status(key.status)),
        cell(
            "",
            rx.cond(
                may(MANAGE) & (key.status == "active"),
                rx.el.div(
                    rx.el.button(
                        "Revoke",
                        rx.el.span(" ", key.name, class_name="visually-hidden"),
                        type="button",
                        class_name="button button-quiet key-revoke",
                        on_click=given(ApiKeysState.ask_to_revoke, key.id),
                        **opens(REVOKE_ID, key.id),
                    ),
                    class_name="table-row-actions key-acts",
                ),
                rx.fragment(),
            ),
        ),
        key=key.id,
    )


def _permissions(key: KeyView) -> rx.Component:
    return rx.el.details(
        rx.el.summary(key.count, rx.el.span(" of ", key.name, class_name="visually-hidden")),
        rx.el.ul(rx.foreach(key.permissions, rx.el.li), class_name="key-list"),
        class_name="key-permissions",
    )


def _status(status: Any) -> rx.Component:
    return rx.match(
        status,
        ("active", badge("Active", "good")),
        ("expired", badge("Expired", "warning")),
        badge("Revoked", "neutral"),
    )


def _none() -> rx.Component:
    return empty_state(
        "No keys yet",
        "Keys are for programs: a report that reads the figures every Monday, a script that asks your CEO. Each gets "
        "only what it needs, and can be revoked by itself.",
        icon_name="key-round",
        action=create_button(),
    )


def _loading() -> rx.Component:
    return rx.el.div(
        skeleton("110px", "20px"),
        skeleton("min(100%, 520px)", "14px"),
        rx.el.div(
            *(
                rx.el.div(
                    skeleton("min(40%, 180px)", "14px"),
                    *(skeleton("12%", "14px") for _ in range(4)),
                    class_name="matrix-loading-row",
                )
                for _ in range(4)
            ),
            class_name="matrix-loading",
        ),
        rx.el.span("Loading API keys", class_name="visually-hidden", role="status"),
        class_name="roles-loading",
    )
