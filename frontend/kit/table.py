"""Tables whose rows become cards on narrow screens; looks live in ``frontend/kit/80-team.css``."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from frontend.kit.primitives import icon


def table(caption: str, headings: Sequence[str], *rows: Any) -> rx.Component:
    """Rows of :func:`row` under ``headings``; ``caption`` is for screen readers, ``""`` heads a column of buttons."""
    # Cards are no table to the browser any more, so every role is said.
    return rx.el.div(
        rx.el.table(
            rx.el.caption(caption, class_name="visually-hidden"),
            rx.el.thead(rx.el.tr(*(_heading(words) for words in headings), role="row"), role="rowgroup"),
            rx.el.tbody(*rows, role="rowgroup"),
            role="table",
            class_name="table",
        ),
        class_name="table-wrap",
    )


def row(*cells: rx.Component, **props: Any) -> rx.Component:
    """One row of :func:`cell`."""
    return rx.el.tr(*cells, role="row", **props)


def cell(label: str, *children: Any, class_name: str = "") -> rx.Component:
    """One cell; ``label`` stands before it where the row is a card, ``""`` for none."""
    return rx.el.td(*children, role="cell", class_name=class_name, custom_attrs={"data-label": label})


def row_action(icon_name: str, words: str, label: str, **props: Any) -> rx.Component:
    """A button called ``label`` at the end of a row: an icon, with ``words`` beside it where the row is a card."""
    return rx.el.button(
        icon(icon_name),
        rx.el.span(words, class_name="row-action-words"),
        type="button",
        aria_label=label,
        title=label,
        class_name="icon-button row-action",
        **props,
    )


def _heading(words: str) -> rx.Component:
    inside = words or rx.el.span("Actions", class_name="visually-hidden")
    return rx.el.th(inside, scope="col", role="columnheader")
