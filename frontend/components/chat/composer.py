"""Where the next question is written. The field belongs to the browser alone: no update of the page touches it."""

import reflex as rx

from frontend.components.access.permissions import locked_note
from frontend.components.permissions import may
from frontend.components.primitives import icon
from frontend.states.chat import ChatState
from frontend.states.chat_thread import ThreadState


def composer() -> rx.Component:
    """Field, send or stop, and the hint below; or why there is none."""
    return rx.fragment(_form(), _locked())


def _barred() -> rx.Var[bool]:
    """Known to be without the permission; until that is known the field is there, and has the focus."""
    return ThreadState.entered & ~may("chat.use")


def _locked() -> rx.Component:
    return rx.cond(
        _barred(),
        rx.el.div(
            locked_note("You can read your conversations. Asking takes the permission “Talk to executives”."),
            class_name="composer",
        ),
        rx.fragment(),
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.el.div(
            rx.el.label("Message", html_for="composer-text", class_name="visually-hidden"),
            rx.el.textarea(
                id="composer-text",
                name="message",
                rows=1,
                placeholder="Ask a question",
                class_name="composer-text",
                aria_describedby="composer-hint composer-count",
                auto_complete="off",
                enter_key_hint="send",
            ),
            rx.el.button(
                icon("arrow-up"),
                rx.el.span("Send", class_name="visually-hidden"),
                type="submit",
                id="composer-send",
                title="Send",
                class_name="composer-go",
                hidden=ChatState.busy,
            ),
            rx.el.button(
                icon("square", size=12, class_name="composer-square"),
                rx.el.span("Stop the answer", class_name="visually-hidden"),
                type="button",
                title="Stop the answer",
                class_name="composer-go composer-stop",
                hidden=rx.cond(ChatState.busy, False, True),
                disabled=ChatState.stopping,
                on_click=ChatState.stop,
                custom_attrs={"data-then-write": "true"},
            ),
            class_name="composer-box",
        ),
        rx.el.div(
            rx.el.p("Answers can be wrong. Check what matters.", id="composer-hint"),
            rx.el.p(id="composer-count", class_name="composer-count", aria_live="polite"),
            class_name="composer-foot",
        ),
        id="composer",
        class_name="composer",
        hidden=rx.cond(ThreadState.missing | ThreadState.failed | _barred(), True, False),
        on_submit=ChatState.send,
        reset_on_submit=True,
        custom_attrs={"data-busy": rx.cond(ChatState.busy, "true", "false")},
    )
