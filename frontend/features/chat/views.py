"""What the chat shows, as plain values: conversations, messages, and who answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Final

from frontend import words
from frontend.kit import markdown
from module_sdk.api.client import ApiError, ClientError
from module_sdk.api.csuite import Conversation, CutOff, Executive, Message

#: What a provider is, for people who do not run it.
_PROVIDERS: Final = {
    "mock": "demonstration model",
    "local": "small model on your own machine",
    "openai": "OpenAI-compatible service",
}
_CUT_OFF: Final[dict[CutOff, str]] = {
    "length": "Cut off: the model reached its longest answer.",
    "content_filter": "Cut off by the model's content filter.",
}


@dataclass(frozen=True)
class PartView:
    """A piece of a passage that a search found; ``hit`` if it is what was searched for."""

    text: str = ""
    hit: bool = False


@dataclass(frozen=True)
class ConversationView:
    """A line of the list. ``when`` is relative, ``clock`` tells lines of one title apart, ``exact`` stands behind both.

    ``passage`` and the message in ``href`` are there in a search that found more than the title.
    """

    id: str = ""
    title: str = ""
    href: str = ""
    when: str = ""
    clock: str = ""
    iso: str = ""
    exact: str = ""
    passage: list[PartView] = field(default_factory=list)


@dataclass(frozen=True)
class PieceView:
    """A piece of the HTML of an answer that grows; ``id`` is its place."""

    id: str = ""
    html: str = ""


@dataclass(frozen=True)
class MessageView:
    """One message.

    ``text`` is the source, for copying; ``blocks`` is an answer's HTML, which :mod:`frontend.kit.markdown` made.
    """

    id: str = ""
    mine: bool = False
    status: str = ""
    text: str = ""
    blocks: list[str] = field(default_factory=list)
    thought: str = ""
    thought_label: str = ""
    cut_off: str = ""
    model: str = ""
    error_title: str = ""
    error_detail: str = ""
    when: str = ""
    iso: str = ""
    exact: str = ""


@dataclass(frozen=True)
class RefusalView:
    """Why the question of this ``key`` was not sent; ``until`` (ISO 8601) is when trying again can help, if later."""

    key: str = ""
    title: str = ""
    detail: str = ""
    until: str = ""


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
    at, match = conversation.updated_at, conversation.match
    found = f"?message={match.message_id}" if match and match.message_id else ""
    return ConversationView(
        id=str(conversation.id),
        title=conversation.title,
        href=f"/chat/{conversation.id}{found}",
        when=words.ago(at, now),
        clock=f"{at.astimezone(where):%H:%M}",
        iso=at.isoformat(),
        exact=words.exact(at, where),
        passage=[PartView(part.text, part.hit) for part in match.passage] if match and match.message_id else [],
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
        thought=message.thought or "",
        thought_label=thought_label(message.thought_seconds),
        cut_off=_CUT_OFF[message.cut_off] if message.cut_off else "",
        model=message.model or "",
        error_title=error.title if error else "",
        error_detail=(error.detail or "") if error else "",
        when=words.ago(at, now),
        iso=at.isoformat(),
        exact=words.exact(at, where),
    )


def thought_label(seconds: float | None) -> str:
    """How long a model thought, in words."""
    if seconds is None:
        return "Thought before answering"
    if seconds < 1:
        return "Thought for less than a second"
    minutes, rest = divmod(round(seconds), 60)
    return f"Thought for {minutes} min {rest} s" if minutes else f"Thought for {rest} s"


def refusal_view(key: str, error: ClientError, title: str, detail: str, now: datetime) -> RefusalView:
    """``error`` as what kept a question from being sent."""
    until = ""
    if isinstance(error, ApiError):
        resets = error.problem.extra.get("resets_at")
        if isinstance(resets, str):
            until = resets
        elif error.retry_after is not None:
            until = (now + timedelta(seconds=error.retry_after)).isoformat()
    return RefusalView(key=key, title=title, detail=detail, until=until)


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
