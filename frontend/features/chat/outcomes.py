"""What became of a question or an answer that did not simply arrive: on its way, not sent, stopped, cut off, failed."""

from typing import Any, Final

import reflex as rx

from frontend.features.chat.state import ChatState
from frontend.features.chat.views import MessageView
from frontend.kit.permissions import may
from frontend.kit.primitives import button, icon

CONTINUE: Final = "Continue where you stopped."


def unsent() -> rx.Component:
    """The question on its way. ``outbox.js`` fills it in and says, by ``data-state``, which of its notes is true."""
    refused = ChatState.refused
    return rx.el.article(
        rx.el.h2("You asked", class_name="visually-hidden"),
        rx.el.p(id="unsent-text", class_name="chat-question-text", dir="auto"),
        rx.el.div(
            _way("sending", "Sending…"),
            _way("waiting", "The service has not answered yet. Your question is kept here until it has."),
            _way("offline", "You are offline. Your question is kept here and is sent when the connection is back."),
            _trouble(
                rx.el.strong("Not sent yet. "),
                "You asked this earlier, and it did not get through.",
                acts=[_again(), _discard()],
                role="alert",
                custom_attrs={"data-when": "kept"},
            ),
            _trouble(
                rx.el.strong("Not sent. "),
                refused.title,
                detail=refused.detail,
                until=refused.until,
                # `outbox.js` offers it once it can help.
                acts=[rx.el.span(_again(), id="unsent-again", hidden=refused.until != ""), _discard()],
                role="alert",
                custom_attrs={"data-when": "refused"},
            ),
            aria_live="polite",
            class_name="chat-ways",
        ),
        id="unsent",
        hidden=True,
        class_name="chat-question chat-unsent",
    )


def outcome(message: MessageView, *, latest: bool) -> rx.Component:
    """How an answer ended, if it did not end well, and what can be done about it."""
    return rx.match(
        message.status,
        (
            "stopped",
            _note(
                "circle-stop",
                rx.cond(message.text == "", "Stopped before anything was said.", "Stopped. The text so far is kept."),
            ),
        ),
        (
            "failed",
            _trouble(
                rx.el.strong(message.error_title), detail=message.error_detail, acts=[_try_again()] if latest else []
            ),
        ),
        (
            "completed",
            rx.cond(
                message.cut_off != "",
                _note("scissors", message.cut_off, *([_continue()] if latest else [])),
                rx.fragment(),
            ),
        ),
        rx.fragment(),
    )


def setback() -> rx.Component:
    """Why the latest answer was not replaced by another."""
    why = ChatState.setback
    return rx.cond(
        why.title != "",
        _trouble(
            rx.el.strong("No new answer. "),
            why.title,
            detail=why.detail,
            until=why.until,
            acts=[],
            role="alert",
        ),
        rx.fragment(),
    )


def _way(state: str, words: str) -> rx.Component:
    return rx.el.p(words, class_name="chat-note", custom_attrs={"data-when": state})


def _note(icon_name: str, *words: Any) -> rx.Component:
    return rx.el.p(icon(icon_name, size=14), rx.el.span(words[0]), *words[1:], class_name="chat-note")


def _trouble(*title: Any, acts: list[rx.Component], detail: Any = "", until: Any = "", **props: Any) -> rx.Component:
    return rx.el.div(
        icon("circle-alert"),
        rx.el.div(
            rx.el.p(*title),
            rx.cond(detail != "", rx.el.p(detail), rx.fragment()),
            rx.cond(until != "", _until(until), rx.fragment()),
            *([rx.el.div(*acts, class_name="chat-trouble-acts")] if acts else []),
        ),
        class_name="chat-trouble",
        **props,
    )


def _until(moment: Any) -> rx.Component:
    # The browser writes the time, in its own zone.
    time = rx.el.time(date_time=moment, key=moment, custom_attrs={"data-local": "true"})
    return rx.el.p("It can be tried again at ", time, " your time.")


def _again() -> rx.Component:
    return button("Send again", icon_name="rotate-cw", custom_attrs={"data-again": "true"})


def _discard() -> rx.Component:
    return button("Discard", kind="quiet", custom_attrs={"data-discard": "true"})


def _try_again() -> rx.Component:
    return rx.cond(
        may("chat.use"),
        button(
            "Try again",
            icon_name="rotate-cw",
            on_click=ChatState.regenerate,
            custom_attrs={"data-then-write": "true"},
        ),
        rx.fragment(),
    )


def _continue() -> rx.Component:
    return rx.cond(
        may("chat.use"),
        button("Continue", icon_name="arrow-right", class_name="chat-continue", custom_attrs={"data-ask": CONTINUE}),
        rx.fragment(),
    )
