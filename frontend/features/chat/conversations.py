"""The list of conversations: a column beside the chat, a sheet over it on small screens."""

from typing import Any, Final

import reflex as rx
from reflex.experimental.client_state import ClientStateVar

from frontend.features.chat.composer import barred
from frontend.features.chat.conversations_state import QUERY_CHARS, TITLE_CHARS, ConversationsState
from frontend.features.chat.views import ConversationView, PartView
from frontend.kit.feedback import closer, dialog, opens
from frontend.kit.permissions import may
from frontend.kit.primitives import button, given, icon, icon_button, link, skeleton, time_ago

LIST_ID: Final = "conversations"
DELETE_ID: Final = "delete-conversation"
#: Both are the browser's alone, so that it answers at once: the line whose title is edited, the one to be deleted.
RENAMING: Final[Any] = ClientStateVar.create("chatRenaming", default="")
DOOMED: Final[Any] = ClientStateVar.create("chatDoomed", default={"id": "", "title": ""})
#: mypy takes a handler for a plain method; Reflex gives it the means to wait for a pause in typing.
_SEARCH: Final[Any] = ConversationsState.search


def conversation_list() -> rx.Component:
    """The whole column."""
    return rx.el.aside(
        rx.el.div(
            rx.el.label("Search conversations", html_for="conversation-search", class_name="visually-hidden"),
            icon("search"),
            rx.el.input(
                id="conversation-search",
                type="search",
                class_name="input",
                placeholder="Search conversations",
                max_length=QUERY_CHARS,
                auto_complete="off",
                dir="auto",
                on_change=_SEARCH.debounce(200),
            ),
            rx.el.kbd("/", aria_hidden=True),
            class_name="chat-search",
        ),
        rx.cond(
            barred(),
            rx.fragment(),
            link(icon("square-pen"), "New chat", href="/chat", class_name="button button-secondary chat-new"),
        ),
        rx.el.nav(
            rx.cond(
                ConversationsState.listed,
                _rows(),
                rx.cond(ConversationsState.list_failed, _failed(), _loading()),
            ),
            class_name="chat-rows",
            aria_label="Conversations",
        ),
        id=LIST_ID,
        class_name="chat-list",
        aria_label="Conversations",
        custom_attrs={"popover": "auto"},
    )


def delete_dialog() -> rx.Component:
    """Asks once: deleted is deleted."""
    doomed = DOOMED.value
    return dialog(
        rx.el.p(
            rx.el.strong(doomed["title"], dir="auto"),
            " and all of its messages are deleted for good. Nobody can bring them back.",
            class_name="card-text chat-doomed",
        ),
        rx.el.div(
            closer(label="Keep"),
            button(
                "Delete conversation",
                kind="danger",
                on_click=given(ConversationsState.delete, doomed["id"]),
                custom_attrs={"data-close": "true"},
            ),
            class_name="form-actions",
        ),
        id=DELETE_ID,
        title="Delete this conversation?",
    )


def _rows() -> rx.Component:
    return rx.fragment(
        rx.cond(
            ConversationsState.conversations,
            rx.el.ul(rx.foreach(ConversationsState.conversations, _row), class_name="chat-row-list"),
            rx.cond(
                ConversationsState.query != "",
                rx.el.p("No conversation has these words.", class_name="chat-none"),
                rx.el.p("Your conversations appear here. Only you see them.", class_name="chat-none"),
            ),
        ),
        rx.cond(
            ConversationsState.more,
            button(
                "Load more",
                kind="quiet",
                class_name="chat-more",
                on_click=ConversationsState.load_more,
                busy=ConversationsState.fetching_more,
            ),
            rx.fragment(),
        ),
    )


def _row(one: ConversationView) -> rx.Component:
    return rx.el.li(rx.cond(RENAMING.value == one.id, _rename(one), _entry(one)), key=one.id, class_name="chat-row")


def _entry(one: ConversationView) -> rx.Component:
    current = ConversationsState.open_id == one.id
    doomed = rx.Var.create({"id": one.id, "title": one.title})
    return rx.fragment(
        link(
            rx.el.span(one.title, class_name="chat-row-title", dir="auto"),
            rx.cond(
                one.passage,
                rx.el.span(rx.foreach(one.passage, _part), class_name="chat-row-passage", dir="auto"),
                rx.fragment(),
            ),
            rx.el.span(time_ago(one.when, iso=one.iso, exact=one.exact), " · ", one.clock, class_name="chat-row-when"),
            href=one.href,
            class_name="chat-row-link",
            title=one.title,
            aria_current=rx.cond(current, "page", "false"),
        ),
        rx.cond(
            may("chat.use"),
            rx.el.div(
                _act("pencil", "Rename", one, RENAMING.set_value(one.id)),
                _act("trash-2", "Delete", one, DOOMED.set_value(doomed), **opens(DELETE_ID)),
                class_name="chat-row-acts",
            ),
            rx.fragment(),
        ),
    )


def _part(part: PartView) -> rx.Component:
    return rx.cond(part.hit, rx.el.mark(part.text), rx.fragment(part.text))


def _act(icon_name: str, verb: str, one: ConversationView, handler: Any, **marks: Any) -> rx.Component:
    return rx.el.button(
        icon(icon_name, size=14),
        rx.el.span(verb, " ", one.title, class_name="visually-hidden"),
        type="button",
        title=verb,
        class_name="icon-button",
        on_click=handler,
        **marks,
    )


def _rename(one: ConversationView) -> rx.Component:
    done = RENAMING.set_value("")
    return rx.el.form(
        rx.el.input(type="hidden", name="id", value=one.id),
        rx.el.input(
            name="title",
            class_name="input",
            aria_label="Title of the conversation",
            default_value=one.title,
            max_length=TITLE_CHARS,
            auto_focus=True,
            auto_complete="off",
            dir="auto",
        ),
        icon_button("check", "Save the title", type="submit"),
        icon_button("x", "Keep the old title", on_click=done, custom_attrs={"data-cancel": "true"}),
        on_submit=[ConversationsState.rename, done],
        class_name="chat-rename",
    )


def _failed() -> rx.Component:
    return rx.el.div(
        rx.el.p("Your conversations could not be read.", class_name="chat-none"),
        button("Try again", icon_name="rotate-cw", on_click=ConversationsState.list_again),
        role="alert",
        class_name="chat-list-failed",
    )


def _loading() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.div(skeleton(width, "14px"), skeleton("35%", "12px"), class_name="chat-row-loading")
            for width in ("80%", "62%", "74%", "50%", "68%", "57%")
        ),
        rx.el.span("Loading conversations", class_name="visually-hidden", role="status"),
    )
