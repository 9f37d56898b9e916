"""``/chat`` and ``/chat/{conversation_id}``: conversations with an executive."""

import reflex as rx

from frontend.features.chat.behaviour import Behaviour
from frontend.features.chat.composer import barred, composer
from frontend.features.chat.conversations import LIST_ID, conversation_list, delete_dialog
from frontend.features.chat.thread_state import ThreadState
from frontend.features.chat.transcript import announcer, transcript
from frontend.kit.primitives import icon, icon_button, link, skeleton
from frontend.shell.frame import shell


def page() -> rx.Component:
    """The chat."""
    content = rx.el.div(
        conversation_list(),
        rx.el.section(
            _head(), transcript(), composer(), announcer(), class_name="chat-main", aria_label="Conversation"
        ),
        delete_dialog(),
        Behaviour.create(),
        class_name="chat",
    )
    return shell("Chat", content, _actions(), fill=True)


def _actions() -> rx.Component:
    return rx.el.div(
        icon_button(
            "messages-square", "Show conversations", custom_attrs={"popoverTarget": LIST_ID}, class_name="chat-opener"
        ),
        rx.cond(
            barred(),
            rx.fragment(),
            link(
                icon("square-pen"),
                rx.el.span("New chat"),
                href="/chat",
                class_name="button button-secondary chat-opener",
            ),
        ),
        class_name="topbar-actions",
    )


def _head() -> rx.Component:
    who = ThreadState.executive
    return rx.el.header(
        rx.el.p(
            rx.cond(
                ThreadState.open_id == "",
                "New chat",
                rx.cond(ThreadState.title == "", "Conversation", ThreadState.title),
            ),
            class_name="chat-title",
            title=ThreadState.title,
            dir="auto",
        ),
        rx.cond(
            who.title != "",
            rx.el.p(
                rx.el.strong(who.title), " · ", rx.el.span(who.model), " ", rx.el.span("(", who.provider, ")"),
                class_name="chat-who",
            ),
            rx.el.p(skeleton("220px", "12px"), class_name="chat-who"),
        ),
        class_name="chat-head",
    )  # fmt: skip
