"""What was said: messages, the latest answer as it is written, and what stands there before anything was said."""

from typing import Any

import reflex as rx

from frontend.features.chat.composer import barred
from frontend.features.chat.outcomes import outcome, setback, unsent
from frontend.features.chat.state import ChatState
from frontend.features.chat.thread_state import ThreadState
from frontend.features.chat.views import MessageView
from frontend.kit.feedback import problem_panel
from frontend.kit.permissions import may
from frontend.kit.primitives import button, empty_state, icon, link, skeleton, time_ago
from frontend.kit.prose import growing_prose, prose


def transcript() -> rx.Component:
    """The scrolling part of the page."""
    return rx.el.div(
        rx.el.div(
            rx.el.div(
                rx.cond(
                    ThreadState.failed,
                    problem_panel(ThreadState.problem, ChatState.load),
                    rx.cond(ThreadState.missing, _missing(), rx.cond(ThreadState.loading, _loading(), _thread())),
                ),
                unsent(),
                class_name="chat-column",
            ),
            id="transcript",
            class_name="chat-scroll",
            role="region",
            aria_label="Transcript",
            tab_index=0,
        ),
        rx.el.button(
            icon("arrow-down"),
            "Jump to latest",
            type="button",
            id="jump",
            class_name="button button-secondary chat-jump",
        ),
        class_name="chat-stage",
    )


def announcer() -> rx.Component:
    """Says that an answer begins and, once, what it was: nobody can listen to it word by word."""
    return rx.el.p(ChatState.announcement, class_name="visually-hidden", role="status")


def _thread() -> rx.Component:
    return rx.fragment(
        rx.cond(
            ThreadState.has_older,
            button(
                "Load earlier messages",
                kind="quiet",
                id="older-messages",
                class_name="chat-older",
                on_click=ThreadState.load_older,
                busy=ThreadState.fetching_older,
            ),
            rx.fragment(),
        ),
        rx.foreach(ThreadState.messages, _message),
        _latest(),
        rx.cond(ThreadState.messages, rx.fragment(), _beginning()),
    )


def _beginning() -> rx.Component:
    return rx.cond(
        (ThreadState.open_id == "") & (ChatState.answer.id == ""),
        rx.cond(barred(), _nothing_to_ask(), _welcome()),
        rx.fragment(),
    )


def _message(message: MessageView) -> rx.Component:
    # The key is what keeps an element in its place when older messages come before it.
    return rx.el.div(
        rx.cond(message.mine, _question(message), _settled(message)),
        key=message.id,
        id="message-" + message.id,
        class_name="chat-turn",
    )


def _question(message: MessageView) -> rx.Component:
    return rx.el.article(
        rx.el.h2("You asked", class_name="visually-hidden"),
        rx.el.p(message.text, class_name="chat-question-text", title=message.exact, dir="auto"),
        class_name="chat-question",
    )


def _settled(message: MessageView) -> rx.Component:
    return rx.el.article(
        _speaker(),
        _thought(message.thought, message.thought_label),
        prose(message.blocks),
        outcome(message, latest=False),
        _acts(message),
        class_name="chat-answer",
    )


def _latest() -> rx.Component:
    """The latest answer, which may still be growing."""
    answer = ChatState.answer
    return rx.cond(
        answer.id != "",
        rx.el.article(
            _speaker(),
            rx.cond(
                answer.status == "streaming",
                _thought(ChatState.thought, rx.cond(_answering(), "Thought before answering", "Thinking…")),
                _thought(answer.thought, answer.thought_label),
            ),
            growing_prose(ChatState.blocks, ChatState.parts, ChatState.tail),
            rx.cond(
                answer.status == "streaming",
                _writing(),
                rx.fragment(outcome(answer, latest=True), _acts(answer, _regenerate(answer)), setback()),
            ),
            id="message-" + answer.id,
            class_name="chat-answer",
            aria_busy=answer.status == "streaming",
        ),
        rx.fragment(),
    )


def _regenerate(answer: Any) -> rx.Component:
    return rx.cond(
        (answer.status == "failed") | ~may("chat.use"),
        rx.fragment(),
        rx.el.button(
            icon("refresh-cw", size=14),
            rx.el.span("Regenerate"),
            type="button",
            class_name="chat-act",
            on_click=ChatState.regenerate,
            custom_attrs={"data-then-write": "true"},
        ),
    )


def _answering() -> rx.Var[bool]:
    return (ChatState.tail != "") | (ChatState.blocks.length() > 0)  # type: ignore[attr-defined]  # a Var at run time


def _thought(thought: Any, label: Any) -> rx.Component:
    """What the model thought before it answered, folded away."""
    return rx.cond(
        thought != "",
        rx.el.details(
            rx.el.summary(icon("chevron-right", size=14), rx.el.span(label)),
            rx.el.p(thought, dir="auto", class_name="chat-thought-text"),
            class_name="chat-thought",
        ),
        rx.fragment(),
    )


def _speaker() -> rx.Component:
    return rx.el.h2(
        rx.el.span(icon("briefcase-business", size=14), class_name="chat-face"),
        rx.el.span(ThreadState.executive.title, rx.el.span(" answered", class_name="visually-hidden")),
        class_name="chat-speaker",
    )


def _writing() -> rx.Component:
    return rx.cond(
        ChatState.interrupted,
        rx.el.p(
            icon("wifi-off", size=14),
            "The connection was lost. The answer goes on; it appears here as soon as the service can be reached.",
            class_name="chat-note",
        ),
        rx.el.p(
            rx.el.span(class_name="chat-dots", aria_hidden=True),
            rx.el.span("Writing", class_name="visually-hidden"),
            class_name="chat-writing",
        ),
    )


def _acts(message: MessageView, *more: Any) -> rx.Component:
    return rx.el.footer(
        rx.cond(
            message.text != "",
            rx.el.button(
                icon("copy", size=14),
                rx.el.span("Copy"),
                type="button",
                class_name="chat-act",
                custom_attrs={"data-copy": "answer", "data-text": message.text},
            ),
            rx.fragment(),
        ),
        *more,
        rx.el.span(
            rx.cond(message.model != "", rx.fragment(message.model, " · "), rx.fragment()),
            time_ago(message.when, iso=message.iso, exact=message.exact),
            class_name="chat-origin",
        ),
        class_name="chat-acts",
    )


def _welcome() -> rx.Component:
    who = ThreadState.executive
    return rx.el.div(
        rx.el.span(icon("briefcase-business", size=20), class_name="chat-face chat-face-large"),
        rx.el.h2("What should your ", who.title, " look at?", class_name="page-title"),
        rx.el.p(
            "It knows your company's profile and this conversation. Only you see what is said here.",
            class_name="empty-text",
        ),
        rx.el.ul(rx.foreach(who.suggestions, _suggestion), class_name="chat-suggestions", aria_label="First questions"),
        class_name="chat-welcome",
    )


def _suggestion(text: str) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.span(text, dir="auto"),
            icon("arrow-up-right"),
            type="button",
            class_name="chat-suggestion",
            custom_attrs={"data-ask": text},
        )
    )


def _nothing_to_ask() -> rx.Component:
    return empty_state(
        "You can read here, not ask",
        "Your own conversations stand in the list. To ask a question, get the permission “Talk to executives” from an "
        "owner or an admin of your company.",
        icon_name="lock",
    )


def _missing() -> rx.Component:
    return rx.fragment(
        empty_state(
            rx.cond(ThreadState.vanished, "This conversation was deleted", "This conversation is not here"),
            rx.cond(
                ThreadState.vanished,
                "In another tab or on another device. What you typed is kept.",
                "It was deleted, belongs to another of your companies, or to somebody else.",
            ),
            icon_name="message-square-off",
            action=rx.cond(
                may("chat.use"),
                rx.fragment(
                    rx.el.blockquote(id="rescued-text", hidden=True, dir="auto", class_name="chat-rescued"),
                    link(
                        rx.el.span("Start a new chat", class_name="chat-start"),
                        rx.el.span("Go on with this text in a new chat", class_name="chat-start-with"),
                        href="/chat",
                        class_name="button button-primary",
                        custom_attrs={"data-rescue": "true"},
                    ),
                ),
                rx.fragment(),
            ),
        )
    )


def _loading() -> rx.Component:
    return rx.el.div(
        rx.el.div(skeleton("45%", "44px"), class_name="chat-question"),
        rx.el.div(
            skeleton("72px", "20px"),
            skeleton("96%", "14px"),
            skeleton("90%", "14px"),
            skeleton("64%", "14px"),
            class_name="chat-answer-loading",
        ),
        rx.el.span("Loading messages", class_name="visually-hidden", role="status"),
        class_name="chat-loading",
    )
