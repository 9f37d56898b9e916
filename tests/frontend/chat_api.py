"""The chat of the fake API: answers at a pace that tests set, with faults on demand."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import uvicorn
from litestar import Litestar, Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from module_sdk.api.base import Page
from module_sdk.api.csuite import (
    ChatRequest,
    Conversation,
    ConversationPatch,
    CutOff,
    Delta,
    Executive,
    Failed,
    Message,
    MessageError,
    PassagePart,
    SearchMatch,
    Started,
    Thought,
)
from tests.frontend.fake_access import TEAM_HANDLERS, Team
from tests.frontend.fake_api import HANDLERS, Refused, World, body, conversations, executives, on_refused, who
from tests.frontend.fake_audit import AUDIT_HANDLERS, Log, members
from tests.frontend.fake_roles import ACCESS_HANDLERS, Access
from tests.frontend.kit import FakeApi, _wait_for

SUGGESTION = "What should we focus on this quarter?"
ApiRequest = Request[Any, Any, Any]


@dataclass
class Answer:
    """Events as (name, data); the list only grows."""

    events: list[tuple[str, bytes]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    stopped: bool = False


@dataclass
class Talk:
    """What the fake remembers of the chat.

    ``words`` is what the next answers say, with ``pause`` seconds between words; after ``hold_after`` of them an answer
    waits until a test makes that 0.
    """

    conversations: dict[UUID, Conversation] = field(default_factory=dict)
    messages: dict[UUID, list[Message]] = field(default_factory=dict)
    answers: dict[UUID, Answer] = field(default_factory=dict)
    words: str = "**Hold** hiring.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```sql\nSELECT 1\n```\n\nThat is all."
    pause: float = 0.005
    hold_after: int = 0
    fail: bool = False
    cut_streams: int = 0
    thought: str = ""
    cut_off: CutOff | None = None
    #: The key of every question that came, and what it was answered with.
    keys: list[str] = field(default_factory=list)
    kept: dict[str, UUID] = field(default_factory=dict)
    refusal: Refused | None = None
    #: Set once a title was stored; the page shows it before.
    renamed: threading.Event = field(default_factory=threading.Event)

    def asked(self) -> list[str]:
        """What was asked, in the order of conversations."""
        return [one.content for said in self.messages.values() for one in said if one.role == "user"]

    def seed(self, title: str, count: int, age: timedelta = timedelta(0)) -> UUID:
        """A conversation of ``count`` messages."""
        at = datetime.now(UTC) - age
        made = Conversation(id=uuid4(), executive="ceo", title=title, created_at=at, updated_at=at)
        self.conversations[made.id] = made
        self.messages[made.id] = [
            Message(
                id=uuid4(), conversation_id=made.id, role="assistant" if number % 2 else "user", status="completed",
                content=f"{title} {number}. " + "word " * 60, created_at=at, model="mock-1" if number % 2 else None,
            )
            for number in range(count)
        ]  # fmt: skip
        return made.id


def talk(state: State) -> Talk:
    found: Talk = state.talk
    return found


def conversation_of(state: State, conversation_id: UUID) -> Conversation:
    if conversation_id not in talk(state).conversations:
        raise Refused(404, "not_found", "Nothing is here")
    return talk(state).conversations[conversation_id]


def replace_last(messages: list[Message], message: Message) -> None:
    messages[:] = [message if one.id == message.id else one for one in messages]


async def write(chat: Talk, answer: Answer, message: Message, replaced: Message | None) -> None:
    said, messages = "", chat.messages[message.conversation_id]  # the next test may begin with a new memory
    for word in chat.thought.split():
        answer.events.append(("message.thought", msgspec.json.encode(Thought(message_id=message.id, text=f"{word} "))))
    for number, word in enumerate(chat.words.split(" ")):
        # The test that lets it go on lives in another thread.
        while chat.hold_after and number >= chat.hold_after and not answer.stopped:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        if answer.stopped or chat.fail:
            break
        piece = f" {word}" if said else word
        said += piece
        answer.events.append(("message.delta", msgspec.json.encode(Delta(message_id=message.id, text=piece))))
        await asyncio.sleep(chat.pause)
    error = MessageError(code="provider_unavailable", title="The model is away", detail="Try again soon.")
    status = "stopped" if answer.stopped else "failed" if chat.fail else "completed"
    end = msgspec.structs.replace(
        message, status=status, content=said, error=error if chat.fail else None, cut_off=chat.cut_off,
        thought=chat.thought or None, thought_seconds=4.2 if chat.thought else None,
    )  # fmt: skip
    replace_last(messages, end)
    loser = end if chat.fail else replaced
    if replaced is not None:
        messages[:] = [one for one in messages if one is not loser]
    event = ("message.failed", msgspec.json.encode(Failed(message=end))) if chat.fail else (
        "message.completed", msgspec.json.encode(end)
    )  # fmt: skip
    answer.events.append(event)


def begin(chat: Talk, conversation: Conversation, question: Message, replaced: Message | None = None) -> UUID:
    message = Message(
        id=uuid4(), conversation_id=conversation.id, role="assistant", status="streaming", content="",
        created_at=datetime.now(UTC), reply_to_id=question.id, model="mock-1", provider="mock",
    )  # fmt: skip
    chat.messages[conversation.id].append(message)
    started = Started(conversation=conversation, question=question, message=message)
    answer = chat.answers[message.id] = Answer([("message.started", msgspec.json.encode(started))])
    answer.task = asyncio.create_task(write(chat, answer, message, replaced))
    return message.id


async def frames(chat: Talk, message_id: UUID, after: int = 0) -> AsyncIterator[bytes]:
    answer = chat.answers[message_id]
    while True:
        while after < len(answer.events):
            name, data = answer.events[after]
            after += 1
            yield f"id: {after}\nevent: {name}\n".encode() + b"data: " + data + b"\n\n"
            if name in ("message.completed", "message.failed"):
                return
        if chat.cut_streams and after > 3:
            chat.cut_streams -= 1
            return
        await asyncio.sleep(0.002)


def stream(chat: Talk, message_id: UUID, after: int = 0) -> Stream:
    return Stream(frames(chat, message_id, after), media_type="text/event-stream")


@post("/c-suite/ceo/chat", status_code=200)
async def ask(request: ApiRequest, state: State) -> Stream:
    who(request, state)
    data = await body(request, ChatRequest)
    chat, now = talk(state), datetime.now(UTC)
    key = request.headers.get("idempotency-key", "")
    chat.keys.append(key)
    if chat.refusal is not None:
        raise chat.refusal
    if key in chat.kept:
        return stream(chat, chat.kept[key])
    if data.conversation_id is None:
        conversation = Conversation(
            id=uuid4(), executive="ceo", title=data.message[:60], created_at=now, updated_at=now
        )
        chat.conversations[conversation.id], chat.messages[conversation.id] = conversation, []
    else:
        conversation = conversation_of(state, data.conversation_id)
    question = Message(
        id=uuid4(),
        conversation_id=conversation.id,
        role="user",
        status="completed",
        content=data.message,
        created_at=now,
    )
    chat.messages[conversation.id].append(question)
    state.world.messages_used += 1
    chat.kept[key] = begin(chat, conversation, question)
    return stream(chat, chat.kept[key])


@post("/c-suite/messages/{message_id:uuid}/regenerate", status_code=200)
async def again(request: ApiRequest, state: State, message_id: FromPath[UUID]) -> Stream:
    who(request, state)
    chat = talk(state)
    for conversation_id, messages in chat.messages.items():
        if messages and messages[-1].id == message_id:
            question, replaced = messages[-2:]
            return stream(chat, begin(chat, chat.conversations[conversation_id], question, replaced))
    raise Refused(404, "not_found", "Nothing is here")


@get("/c-suite/messages/{message_id:uuid}/stream")
async def resume(request: ApiRequest, state: State, message_id: FromPath[UUID]) -> Stream:
    who(request, state)
    return stream(talk(state), message_id, int(request.headers.get("last-event-id", "0")))


@post("/c-suite/messages/{message_id:uuid}/stop", status_code=202)
async def stop(request: ApiRequest, state: State, message_id: FromPath[UUID]) -> Message:
    who(request, state)
    chat = talk(state)
    chat.answers[message_id].stopped = True
    return next(one for messages in chat.messages.values() for one in messages if one.id == message_id)


@get("/c-suite/executives", sync_to_thread=False)
def list_executives(request: ApiRequest, state: State) -> Page[Executive]:
    who(request, state)
    ceo = Executive(
        key="ceo", title="CEO", capability="csuite.ceo.chat", version="1.0.0", provider="mock", model="mock-1",
        suggestions=[SUGGESTION],
    )  # fmt: skip
    return Page(items=[ceo])


def matched(chat: Talk, conversation: Conversation, q: str) -> Conversation:
    """As a search shows it: where the words stand first, if anywhere."""
    if not q:
        return conversation
    texts = [(None, conversation.title), *((one.id, one.content) for one in chat.messages[conversation.id])]
    for message_id, text in texts:
        at = text.lower().find(q.lower())
        if at >= 0:
            end = at + len(q)
            parts = [(text[max(0, at - 20) : at], False), (text[at:end], True), (text[end : end + 40], False)]
            passage = [PassagePart(text=part, hit=hit) for part, hit in parts if part]
            return msgspec.structs.replace(conversation, match=SearchMatch(message_id=message_id, passage=passage))
    return conversation


@get("/c-suite/conversations", sync_to_thread=False)
def list_conversations(
    request: ApiRequest, state: State, q: FromQuery[str] = "", cursor: FromQuery[int] = 0, limit: FromQuery[int] = 30
) -> Page[Conversation]:
    who(request, state)
    found = sorted(talk(state).conversations.values(), key=lambda one: one.updated_at, reverse=True)
    found = [one for one in (matched(talk(state), one, q) for one in found) if not q or one.match]
    more = str(cursor + limit) if len(found) > cursor + limit else None
    return Page(items=found[cursor : cursor + limit], next_cursor=more)


@get("/c-suite/conversations/{conversation_id:uuid}", sync_to_thread=False)
def read_conversation(request: ApiRequest, state: State, conversation_id: FromPath[UUID]) -> Conversation:
    who(request, state)
    return conversation_of(state, conversation_id)


@patch("/c-suite/conversations/{conversation_id:uuid}")
async def rename(request: ApiRequest, state: State, conversation_id: FromPath[UUID]) -> Conversation:
    who(request, state)
    title = (await body(request, ConversationPatch)).title
    renamed = msgspec.structs.replace(conversation_of(state, conversation_id), title=title)
    talk(state).conversations[conversation_id] = renamed
    talk(state).renamed.set()
    return renamed


@delete("/c-suite/conversations/{conversation_id:uuid}", sync_to_thread=False)
def remove(request: ApiRequest, state: State, conversation_id: FromPath[UUID]) -> None:
    who(request, state)
    conversation_of(state, conversation_id)
    del talk(state).conversations[conversation_id]


@get("/c-suite/conversations/{conversation_id:uuid}/messages", sync_to_thread=False)
def list_messages(
    request: ApiRequest,
    state: State,
    conversation_id: FromPath[UUID],
    cursor: FromQuery[int] = 0,
    limit: FromQuery[int] = 50,
    through: FromQuery[UUID | None] = None,
) -> Page[Message]:
    who(request, state)
    conversation_of(state, conversation_id)
    found = list(reversed(talk(state).messages[conversation_id]))
    limit = max(limit, *(number for number, one in enumerate(found, 1) if one.id == through), 0)
    more = str(cursor + limit) if len(found) > cursor + limit else None
    return Page(items=found[cursor : cursor + limit], next_cursor=more)


CHAT_HANDLERS = [
    ask, again, resume, stop, list_executives, list_conversations, read_conversation, rename, remove, list_messages,
]  # fmt: skip


class ChatApi(FakeApi):
    """The fake with its chat, team, roles, API keys and audit log."""

    def __init__(self) -> None:
        super().__init__()
        self.talk = Talk()
        self.access = Access()
        self.log = Log()
        self.team = Team()

    def start(self) -> None:
        replaced = (conversations, executives, members)
        others = [handler for handler in (*HANDLERS, *AUDIT_HANDLERS) if handler not in replaced]
        app = Litestar(
            [*others, *CHAT_HANDLERS, *ACCESS_HANDLERS, *TEAM_HANDLERS],
            state=State(
                {"world": self.world, "talk": self.talk, "access": self.access, "log": self.log, "team": self.team}
            ),
            exception_handlers={Refused: on_refused},
            openapi_config=None,
        )
        config = uvicorn.Config(app, port=self.port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        server = self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=server.run, daemon=True)
        self._thread.start()
        _wait_for(f"http://127.0.0.1:{self.port}/health/live")


__all__ = ["SUGGESTION", "ChatApi", "World"]
