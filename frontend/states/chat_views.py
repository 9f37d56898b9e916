"""What the chat shows, as plain values: conversations, messages, and who answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from frontend import words
from frontend.components import markdown
from module_sdk.wire.csuite import Conversation, Executive, Message

#: What a provider is, for people who do not run it.
_PROVIDERS: Final = {
    "mock": "demonstration model",
    "local": "small model on your own machine",
    "openai": "OpenAI-compatible service",
}


@dataclass(frozen=True)
class ConversationView:
    """A line of the list. ``when`` is relative, ``exact`` stands behind it."""

    id: str = ""
    title: str = ""
    when: str = ""
    iso: str = ""
    exact: str = ""


@dataclass(frozen=True)
class MessageView:
    """One message. ``status`` is the contract's, or ``unsent`` for a question that did not get through.

    ``text`` is the source, for copying; ``blocks`` is an answer's HTML, which :mod:`frontend.components.markdown` made.
    """

    id: str = ""
    mine: bool = False
    status: str = ""
    text: str = ""
    blocks: list[str] = field(default_factory=list)
    model: str = ""
    error_title: str = ""
    error_detail: str = ""
    when: str = ""
    iso: str = ""
    exact: str = ""


@dataclass(frozen=True)
class ExecutiveView:
    """Who answers, and with what. ``suggestions`` are first questions."""

    key: str = ""
    title: str = ""
    model: str = ""
    provider: str = ""
    suggestions: list[str] = field(default_factory=list)


def conversation_view(conversation: Conversation, now: datetime, where: tzinfo) -> ConversationView:
    """``conversation`` for the list."""
    at = conversation.updated_at
    return ConversationView(
        id=str(conversation.id),
        title=conversation.title,
        when=words.ago(at, now),
        iso=at.isoformat(),
        exact=words.exact(at, where),
    )


def message_view(message: Message, now: datetime, where: tzinfo) -> MessageView:
    """``message`` with its Markdown rendered."""
    mine, at, error = message.role == "user", message.created_at, message.error
    return MessageView(
        id=str(message.id),
        mine=mine,
        status=message.status,
        text=message.content,
        blocks=[] if mine else markdown.render(message.content),
        model=message.model or "",
        error_title=error.title if error else "",
        error_detail=(error.detail or "") if error else "",
        when=words.ago(at, now),
        iso=at.isoformat(),
        exact=words.exact(at, where),
    )


def executive_view(executives: Sequence[Executive], key: str) -> ExecutiveView:
    """The executive called ``key``, or the first one."""
    found = next((one for one in executives if one.key == key), executives[0] if executives else None)
    if found is None:
        return ExecutiveView()
    return ExecutiveView(
        key=found.key,
        title=found.title,
        model=found.model,
        provider=_PROVIDERS.get(found.provider, found.provider),
        suggestions=found.suggestions,
    )
