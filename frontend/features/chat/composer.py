"""Where the next question is written. The field belongs to the browser alone: no update of the page touches it.

``outbox.js`` keeps what is typed, and hands questions over by a form of their own, as often as it takes.
"""

import reflex as rx

from frontend.features.chat.state import ChatState
from frontend.features.chat.thread_state import ThreadState
from frontend.kit.permissions import locked_note, may
from frontend.kit.primitives import icon


def composer() -> rx.Component:
    """Field, send or stop, and the hint below; or why there is none."""
    return rx.fragment(_field(), _locked(), _handover())


def barred() -> rx.Var[bool]:
    """Known to be without the permission; until that is known the field is there, and has the focus."""
    return ThreadState.entered & ~may("chat.use")


def _locked() -> rx.Component:
    return rx.cond(
        barred(),
        rx.el.div(
            locked_note(
                "You can read your conversations. Asking takes the permission “Talk to executives”: an owner or an "
                "admin of your company can give it to you."
            ),
            class_name="composer",
        ),
        rx.fragment(),
    )


def _field() -> rx.Component:
    # No form: one that is sent before the page's script runs would put the question into the address.
    return rx.el.div(
        rx.el.div(
            rx.el.label("Message", html_for="composer-text", class_name="visually-hidden"),
            rx.el.textarea(
                id="composer-text",
                rows=1,
                placeholder="Ask a question",
                class_name="composer-text",
                aria_describedby="composer-hint composer-count",
                auto_complete="off",
                enter_key_hint="send",
                dir="auto",
            ),
            rx.el.button(
                icon("arrow-up"),
                rx.el.span("Send", class_name="visually-hidden"),
                type="button",
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
            rx.el.p(
                rx.el.span(
                    icon("wifi-off", size=12), "Offline. What you write is kept in this browser.",
                    class_name="composer-offline", role="status",
                ),
                rx.el.span(_hint(), class_name="composer-online"),
                id="composer-hint",
            ),
            rx.el.p(id="composer-count", class_name="composer-count", aria_live="polite"),
            class_name="composer-foot",
        ),
        id="composer",
        class_name="composer",
        hidden=rx.cond(ThreadState.missing | ThreadState.failed | barred(), True, False),
    )  # fmt: skip


def _hint() -> rx.Component:
    """Of few questions that are left for today, how few."""
    resets = rx.el.time(date_time=ThreadState.resets_at, custom_attrs={"data-local": "true"}, key=ThreadState.resets_at)
    return rx.match(
        ThreadState.left,
        (-1, rx.el.span("Answers can be wrong. Check what matters.")),
        (0, rx.el.span("Your company has no question left today. The count starts again at ", resets, " your time.")),
        (1, rx.el.span("Your company has 1 question left today. The count starts again at ", resets, " your time.")),
        rx.el.span(
            "Your company has ", ThreadState.left, " questions left today. The count starts again at ", resets,
            " your time.",
        ),
    )  # fmt: skip


def _handover() -> rx.Component:
    return rx.fragment(
        rx.el.form(
            *(rx.el.input(type="hidden", name=name) for name in ("key", "message", "conversation")),
            id="outbox",
            hidden=True,
            on_submit=ChatState.send,
        ),
        rx.el.button(id="chat-look", type="button", hidden=True, on_click=ChatState.look_again),
    )
