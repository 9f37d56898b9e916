"""What of the log to show: person, activity, outcome, time. The address holds it."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from frontend.features.audit.state import AuditState, PersonChoice
from frontend.features.audit.views import EXACT, Activities, Activity
from frontend.kit.primitives import button, given, icon

_WRONG_ID = "filter-days-wrong"
_OUTCOMES = (("succeeded", "Done"), ("refused", "Refused"))
_SPANS = (("24h", "Last 24 hours"), ("7d", "Last 7 days"), ("30d", "Last 30 days"), (EXACT, "Exact dates"))


def filters() -> rx.Component:
    """The row of filters; it becomes two columns on a phone."""
    chosen = AuditState.filters
    return rx.el.div(
        _select("Person", "actor", chosen.actor, "Everybody", rx.foreach(AuditState.people, _person)),
        _select("Activity", "action", chosen.action, "Every activity", rx.foreach(AuditState.activities, _area)),
        _select("Outcome", "outcome", chosen.outcome, "Any outcome", *_options(_OUTCOMES)),
        _select("Time", "span", chosen.span, "All time", *_options(_SPANS), on_change=AuditState.choose_span),
        rx.cond(
            chosen.span == EXACT,
            rx.el.div(
                _day("From", "first", chosen.first),
                _day(
                    "To",
                    "last",
                    chosen.last,
                    aria_invalid=AuditState.backwards,
                    aria_describedby=_WRONG_ID,
                ),
                rx.el.p(
                    rx.cond(AuditState.backwards, "This day is before the first one.", ""),
                    id=_WRONG_ID,
                    class_name="field-error",
                    aria_live="polite",
                ),
                class_name="audit-dates",
            ),
            rx.fragment(),
        ),
        rx.cond(
            AuditState.filtered,
            button("Clear filters", kind="quiet", icon_name="x", on_click=AuditState.clear_filters),
            rx.fragment(),
        ),
        role="search",
        aria_label="Filters",
        class_name="audit-filters",
    )


def _select(
    label: str, name: str, value: rx.Var[str] | str, everything: str, *options: Any, on_change: Any = None
) -> rx.Component:
    return rx.el.div(
        rx.el.select(
            rx.el.option(everything, value=""),
            *options,
            id=f"filter-{name}",
            aria_label=label,
            value=value,
            on_change=on_change or (lambda chosen: given(AuditState.choose, name, chosen)),
            class_name="input select",
            custom_attrs={"data-set": rx.cond(value != "", "true", "false")},
        ),
        icon("chevron-down", class_name="select-arrow"),
        class_name="select-wrap",
    )


def _day(label: str, name: str, value: rx.Var[str] | str, **props: Any) -> rx.Component:
    return rx.el.label(
        rx.el.span(label),
        rx.el.input(
            type="date",
            value=value,
            on_change=lambda chosen: given(AuditState.choose, name, chosen),
            class_name="input",
            **props,
        ),
        class_name="audit-date",
    )


def _person(person: PersonChoice) -> rx.Component:
    return rx.el.option(person.name, value=person.id, key=person.id)


def _area(area: Activities) -> rx.Component:
    return rx.el.optgroup(rx.foreach(area.choices, _activity), label=area.title, key=area.title)


def _activity(choice: Activity) -> rx.Component:
    return rx.el.option(choice.title, value=choice.value, key=choice.value)


def _options(choices: Sequence[tuple[str, str]]) -> list[rx.Component]:
    return [rx.el.option(words, value=value) for value, words in choices]
