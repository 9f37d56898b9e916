"""``/board``: the preview of a board meeting."""

import reflex as rx

from frontend.features.board.state import BoardState, DecisionView, Item, Seat, StatementView
from frontend.kit.form import once_form, submit_button
from frontend.kit.permissions import locked_note, may
from frontend.kit.primitives import avatar, card, empty_state, icon, skeleton
from frontend.shell.frame import shell


def page() -> rx.Component:
    """The board."""
    return shell("Board", rx.cond(BoardState.entered, _board(), _loading()))


def _board() -> rx.Component:
    return rx.el.div(
        rx.cond(may("board.convene"), _form(), _closed()),
        rx.cond(BoardState.convened, _meeting(), _first_use()),
        class_name="board",
    )


def _form() -> rx.Component:
    return once_form(
        BoardState.form,
        rx.el.input(
            name="topic",
            class_name="input",
            aria_label="Topic of the meeting",
            placeholder="What should the board talk about?",
            max_length=400,
            auto_complete="off",
            dir="auto",
        ),
        submit_button("Convene the board", BoardState.form),
        on_submit=BoardState.convene,
        class_name="board-topic",
    )


def _closed() -> rx.Component:
    return locked_note(
        "Convening the board takes the permission “Convene the board”. Who manages your company's roles can give it."
    )


def _first_use() -> rx.Component:
    return empty_state(
        "Nobody has met yet",
        "Name a topic, or leave it to the chair, and convene the board. For now it shows the shape of a meeting, with "
        "fixed text.",
        icon_name="presentation",
    )


def _meeting() -> rx.Component:
    return rx.fragment(
        rx.cond(
            BoardState.preview,
            rx.el.p(
                icon("flask-conical"),
                rx.el.span(
                    rx.el.strong("Preview. "),
                    "This shows the shape of a board meeting with fixed text. Nobody has met yet, and nothing here is "
                    "about your company's figures.",
                ),
                class_name="callout tone-info",
            ),
            rx.fragment(),
        ),
        rx.el.div(
            rx.el.section(
                rx.el.h2(BoardState.topic, class_name="page-title", dir="auto"),
                rx.el.p(BoardState.summary, dir="auto", class_name="page-text"),
                rx.el.ol(rx.foreach(BoardState.items, _item), class_name="board-agenda"),
                class_name="board-main",
            ),
            rx.el.aside(
                card(rx.el.ul(rx.foreach(BoardState.seats, _seat), class_name="board-seats"), title="At the table"),
                rx.el.p(
                    "Decisions are proposals. A person confirms each of them before anything happens.",
                    class_name="card-text",
                ),
                class_name="board-side",
                aria_label="Attendees",
            ),
            class_name="board-columns",
        ),
    )


def _item(item: Item) -> rx.Component:
    return rx.el.li(
        rx.el.header(
            rx.el.span(item.number, class_name="board-number", aria_hidden=True),
            rx.el.h3(item.title),
            rx.el.span(item.minutes, " min", class_name="board-minutes"),
            class_name="board-item-head",
        ),
        rx.foreach(item.statements, _statement),
        rx.foreach(item.decisions, _decision),
        class_name="card board-item",
    )


def _statement(statement: StatementView) -> rx.Component:
    return rx.el.div(
        avatar(statement.short),
        rx.el.div(
            rx.el.p(statement.speaker, class_name="menu-name"),
            rx.el.p(statement.text, dir="auto", class_name="muted"),
        ),
        class_name="board-statement",
    )


def _decision(decision: DecisionView) -> rx.Component:
    return rx.el.div(
        icon("gavel"),
        rx.el.div(
            rx.el.p(rx.el.strong("Proposed: "), rx.el.bdi(decision.text)),
            rx.cond(
                decision.owner != "",
                rx.el.p("Owner: ", decision.owner, class_name="card-text"),
                rx.fragment(),
            ),
        ),
        class_name="board-decision",
    )


def _seat(seat: Seat) -> rx.Component:
    return rx.el.li(avatar(seat.short), rx.el.span(seat.title), class_name="board-seat")


def _loading() -> rx.Component:
    return rx.el.div(
        skeleton("100%", "46px"),
        rx.el.span("Loading the board", class_name="visually-hidden", role="status"),
        class_name="board",
    )
