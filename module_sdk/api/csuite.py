"""Chat with an executive and the board meeting: bodies, rows, and the events of a streamed answer.

An answer is a server-sent event stream. Every event has an ``id`` (a decimal sequence number, 1 upwards, without
gaps), an ``event`` name and one line of JSON ``data``:

=====================  ======================  =================================================
event                  data                    meaning
=====================  ======================  =================================================
``message.started``    :class:`Started`        always first; both rows are stored
``message.thought``    :class:`Thought`        what the model thinks before it answers, to append; no part of the answer
``message.delta``      :class:`Delta`          text to append
``message.completed``  :class:`Message`        last; ``content`` is the whole text, replace by it
``message.failed``     :class:`Failed`         last; ``content`` so far is kept, retry is possible
=====================  ======================  =================================================

A client that lost the stream reads ``GET /c-suite/messages/{message_id}/stream`` with ``Last-Event-ID`` and gets
exactly the events that it missed; once the answer is old it gets the last event alone, which carries everything.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from module_sdk.api.base import FILLED_PROSE, Name, Reply, Request
from module_sdk.contract import board
from module_sdk.contract.text import PROSE

MessageRole = Literal["user", "assistant"]
MessageStatus = Literal["streaming", "completed", "stopped", "failed"]
CutOff = Literal["length", "content_filter"]

# A module's meeting is what the API answers with.
AgendaItem = board.AgendaItem
Attendee = board.Attendee
BoardMeeting = board.BoardMeeting
Decision = board.Decision
Statement = board.Statement

MESSAGE_MAX_CHARS = 16_000


class ChatRequest(Request, frozen=True, kw_only=True):
    """What to say; without ``conversation_id`` a conversation is started and named after the message."""

    message: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=MESSAGE_MAX_CHARS,
            pattern=FILLED_PROSE,
            examples=["What should we focus on this quarter?"],
        ),
    ]
    conversation_id: UUID | None = None


class PassagePart(Reply, frozen=True, kw_only=True):
    """A piece of a passage; ``hit`` if it is what was searched for."""

    text: str
    hit: bool


class SearchMatch(Reply, frozen=True, kw_only=True):
    """Where a search found a conversation: the passage, and the newest message that has it (``None``: the title)."""

    message_id: UUID | None
    passage: list[PassagePart]


class Conversation(Reply, frozen=True, kw_only=True):
    """A conversation with one executive; private to the person who started it. ``match`` is there in a search alone."""

    id: UUID
    executive: str
    title: str
    created_at: datetime
    updated_at: datetime
    match: SearchMatch | None = None


class ConversationPatch(Request, frozen=True, kw_only=True):
    """A new title."""

    title: Name


class MessageError(Reply, frozen=True, kw_only=True):
    """Why an answer failed; the codes are those of problem documents."""

    code: str
    title: str
    detail: str | None = None


class Message(Reply, frozen=True, kw_only=True):
    """One message. ``model`` and ``provider`` name what answered; both are ``None`` on the person's own messages.

    ``thought`` is what the model thought before it answered, and for how many seconds; no model is sent it again.
    ``cut_off`` says why a completed answer ends before its time: it reached the model's longest, or its filter.
    """

    id: UUID
    conversation_id: UUID
    role: MessageRole
    status: MessageStatus
    content: str
    created_at: datetime
    reply_to_id: UUID | None = None
    model: str | None = None
    provider: str | None = None
    error: MessageError | None = None
    thought: str | None = None
    thought_seconds: float | None = None
    cut_off: CutOff | None = None


class Started(Reply, frozen=True, kw_only=True):
    """The first event: both stored rows. ``message`` is the answer, still empty."""

    conversation: Conversation
    question: Message
    message: Message


class Delta(Reply, frozen=True, kw_only=True):
    """Text to append to the answer."""

    message_id: UUID
    text: str


class Thought(Reply, frozen=True, kw_only=True):
    """Text to append to what the model thinks before it answers.

    ``instead``: what was taken for the answer so far was thinking too and comes before this; the answer begins anew.
    """

    message_id: UUID
    text: str
    instead: bool = False


class Failed(Reply, frozen=True, kw_only=True):
    """The last event of an answer that failed: ``message.error`` says why, ``message.content`` keeps what arrived.

    If it was to replace an earlier answer, that one is listed again instead of it.
    """

    message: Message


class BoardMeetingRequest(Request, frozen=True, kw_only=True):
    """What to talk about; empty lets the chair choose."""

    topic: Annotated[str, msgspec.Meta(max_length=400, pattern=PROSE, examples=["Next quarter's plan"])] = ""


class Executive(Reply, frozen=True, kw_only=True):
    """An executive one can chat with, and what answers for it now."""

    key: str
    title: str
    capability: str
    version: str
    provider: str
    model: str
    suggestions: list[str]
