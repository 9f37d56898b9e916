"""Entries of the audit log by day, each a sentence with its details on demand."""

from typing import Any, Final

import reflex as rx

from frontend.features.audit.state import AuditState
from frontend.features.audit.views import Detail, EntryView
from frontend.features.audit.words import ICONS, OTHER_ICON
from frontend.kit.primitives import badge, button, card, empty_state, icon, skeleton, time_ago

_LOADING: Final = (("44%", "30%"), ("56%", "24%"), ("38%", "28%"), ("60%", "22%"), ("48%", "26%"), ("40%", "32%"))


def entries() -> rx.Component:
    """The log as filtered."""
    return rx.el.div(
        rx.cond(
            AuditState.entries,
            rx.fragment(rx.foreach(_by_day(AuditState.entries), _day), _more()),
            _nothing(),
        ),
        class_name="audit-log",
        aria_busy=AuditState.refreshing,
    )


def _by_day(entries: Any) -> rx.Var[list[list[EntryView]]]:
    """The entries as a list for each day; made in the browser, so that entries can be sent as they come."""
    code = (
        f"{entries!s}.reduce((days, one) => "
        "(days.at(-1)?.[0].day === one.day ? days.at(-1).push(one) : days.push([one]), days), [])"
    )
    return rx.Var(code, _var_data=entries._get_all_var_data()).to(list[list[EntryView]])


def _day(rows: Any) -> rx.Component:
    first = rows[0]
    return rx.el.section(
        rx.el.h2(rx.el.time(first.day_name, date_time=first.day), class_name="audit-day-name"),
        card(rx.el.ol(rx.foreach(rows, _entry), class_name="audit-entries"), class_name="audit-card"),
        key=first.day,
        class_name="audit-day",
    )


def _entry(entry: EntryView) -> rx.Component:
    return rx.el.li(
        rx.el.details(
            rx.el.summary(
                rx.el.span(_icon(entry), class_name=rx.cond(entry.refused, "audit-icon tone-bad", "audit-icon")),
                rx.el.span(
                    rx.el.strong(entry.actor, dir="auto"),
                    rx.cond(entry.by != "", rx.el.span(" ", entry.by, class_name="muted"), rx.fragment()),
                    " ",
                    entry.verb,
                    rx.cond(entry.thing != "", rx.fragment(" ", rx.el.strong(entry.thing, dir="auto")), rx.fragment()),
                    rx.cond(entry.tail != "", rx.fragment(" ", entry.tail), rx.fragment()),
                    class_name="audit-sentence",
                ),
                rx.cond(entry.refused, badge("Refused", "bad"), rx.fragment()),
                rx.el.span(time_ago(entry.when, iso=entry.iso, exact=entry.exact), class_name="audit-when"),
                icon("chevron-right", class_name="audit-arrow"),
            ),
            rx.el.dl(
                _detail("Time", entry.exact),
                rx.foreach(entry.details, _detail_of),
                class_name="audit-details",
            ),
        ),
        key=entry.id,
    )


def _icon(entry: EntryView) -> rx.Component:
    shown = [(name, icon(name, size=14)) for name in ICONS.values()]
    return rx.match(entry.icon, *shown, icon(OTHER_ICON, size=14))


def _detail_of(detail: Detail) -> rx.Component:
    return _detail(detail.label, detail.value)


def _detail(label: str, value: str) -> rx.Component:
    return rx.el.div(rx.el.dt(label), rx.el.dd(value))


def _more() -> rx.Component:
    return rx.cond(
        AuditState.more,
        button("Load more", busy=AuditState.fetching_more, on_click=AuditState.load_more, class_name="audit-more"),
        rx.el.p("That is all.", class_name="audit-end"),
    )


def _nothing() -> rx.Component:
    return card(
        rx.match(
            rx.cond(AuditState.backwards, "backwards", rx.cond(AuditState.filtered, "filtered", "")),
            (
                "backwards",
                empty_state(
                    "These days are the wrong way round",
                    "Choose a last day that is not before the first one.",
                    icon_name="calendar-range",
                ),
            ),
            (
                "filtered",
                empty_state(
                    "Nothing matches",
                    "No entry of the log is like that. Take away a filter, or look at a longer time.",
                    icon_name="search-x",
                    action=button("Clear filters", on_click=AuditState.clear_filters),
                ),
            ),
            empty_state(
                "Nothing happened yet",
                "Every change in your company will be listed here: who made it, when, and what came of it.",
                icon_name="scroll-text",
            ),
        )
    )


def loading() -> rx.Component:
    """The page's shape."""
    return rx.el.div(
        card(skeleton("40px", "40px"), skeleton("40%", "16px"), class_name="audit-seal"),
        rx.el.div(*(skeleton("100%", "38px") for _ in range(4)), class_name="audit-filters"),
        rx.el.div(
            skeleton("64px", "14px"),
            card(
                *(
                    rx.el.div(
                        skeleton("28px", "28px"),
                        skeleton(wide, "14px"),
                        skeleton(narrow, "12px"),
                        class_name="audit-row",
                    )
                    for wide, narrow in _LOADING
                ),
                class_name="audit-card",
            ),
            class_name="audit-day",
        ),
        rx.el.span("Loading the audit log", class_name="visually-hidden", role="status"),
        class_name="audit",
    )
