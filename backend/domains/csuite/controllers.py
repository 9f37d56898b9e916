"""`/c-suite`: executives, chat, answers, conversations, board meeting."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from litestar.response import Stream

from backend.domains.csuite import permissions
from backend.domains.csuite.errors import AnswerInProgress, NotLatestAnswer
from backend.domains.csuite.ledger import Answers
from backend.domains.csuite.providers.base import Provider
from backend.domains.csuite.questions import Questions
from backend.domains.csuite.rates import CHAT
from backend.domains.csuite.service import ConversationService
from backend.domains.csuite.streaming import LastEventId, event_stream, idempotent_question
from backend.domains.tenants.ports import Companies
from backend.kernel.audit.recording import record
from backend.kernel.auth.permissions import requires_permission
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import LimitReached, NotFound
from backend.kernel.http.operation import operation
from backend.kernel.http.paging import Cursor, Limit, TimeKey, decode_cursor, page_of
from backend.kernel.http.requests import SignedInRequest
from backend.kernel.runs.follower import Follower
from backend.kernel.runs.streams import RunRef
from backend.modules.registry import ModuleRegistry
from module_sdk.api.base import Page
from module_sdk.api.csuite import (
    BoardMeeting,
    BoardMeetingRequest,
    ChatRequest,
    Conversation,
    ConversationPatch,
    Delta,
    Executive,
    Failed,
    Message,
    Started,
    Thought,
)
from module_sdk.contract.company import CompanyFacts
from module_sdk.contract.dialogue import validate_meeting
from module_sdk.contract.module import BoardRequest

EVENTS: Final = {
    "message.started": Started,
    "message.thought": Thought,
    "message.delta": Delta,
    "message.completed": Message,
    "message.failed": Failed,
}
READ: Final = requires_permission(permissions.READ)
USE: Final = requires_permission(permissions.USE)
CONVENE: Final = requires_permission(permissions.CONVENE)
Through = Annotated[
    UUID | None,
    QueryParameter(description="Lengthen the page until it reaches this message, such as one that a search found"),
]
SearchText = Annotated[str | None, QueryParameter(min_length=1, max_length=200, description="What to search for")]


class ChatController(Controller):
    """Ask an executive, and read, stop or repeat the answer."""

    path = "/c-suite"
    tags = ("c-suite",)

    @operation(
        "GET", "/executives", operation_id="list_executives", gate=READ, summary="List the executives one can chat with"
    )
    async def list_executives(
        self,
        tenant: NamedDependency[TenantContext],
        modules: NamedDependency[ModuleRegistry],
        provider: NamedDependency[SkipValidation[Provider]],
    ) -> Page[Executive]:
        """Each with the model that answers for it now, and first questions to suggest."""
        return Page(
            items=[
                Executive(
                    key=module.executive,
                    title=module.title,
                    capability=module.capability.name,
                    version=module.capability.version,
                    provider=provider.name,
                    model=provider.model,
                    suggestions=list(module.suggestions),
                )
                for module in modules.chat_modules()
            ]
        )

    @operation(
        "POST",
        "/{executive:str}/chat",
        operation_id="chat",
        gate=USE,
        status=200,
        rate=CHAT,
        idempotent="stream",
        events=EVENTS,
        errors=(AnswerInProgress, (LimitReached, 429)),
        summary="Ask an executive; the answer streams",
    )
    async def chat(
        self,
        executive: FromPath[str],
        data: JSONBody[ChatRequest],
        request: SignedInRequest,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        companies: NamedDependency[SkipValidation[Companies]],
        modules: NamedDependency[ModuleRegistry],
        answers: NamedDependency[Answers],
        provider: NamedDependency[SkipValidation[Provider]],
        follower: NamedDependency[Follower],
    ) -> Stream:
        """Stores the question and an empty answer, then streams the answer's events as they are written.

        The answer belongs to the server: a client that goes away finds it complete, and one that lost the
        connection continues at `/c-suite/messages/{message_id}/stream`.
        """
        module = modules.executive(executive)
        if module is None:
            raise NotFound
        async with idempotent_question(request, db, tenant, answers, provider) as asked:
            if asked.first:
                questions = Questions(asked.session, tenant, companies, provider, asked.begin)
                asked.question = await questions.ask(data, module)
        return await asked.stream(follower)

    @operation(
        "POST",
        "/messages/{message_id:uuid}/regenerate",
        operation_id="regenerate",
        gate=USE,
        status=200,
        rate=CHAT,
        idempotent="stream",
        events=EVENTS,
        errors=(AnswerInProgress, NotLatestAnswer, (LimitReached, 429)),
        summary="Ask for another answer to the same question",
    )
    async def regenerate(
        self,
        message_id: FromPath[UUID],
        request: SignedInRequest,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        companies: NamedDependency[SkipValidation[Companies]],
        modules: NamedDependency[ModuleRegistry],
        answers: NamedDependency[Answers],
        provider: NamedDependency[SkipValidation[Provider]],
        follower: NamedDependency[Follower],
    ) -> Stream:
        """Only the latest answer of a conversation, which stays until the new one is complete.

        Also the way to retry one that failed.
        """
        async with idempotent_question(request, db, tenant, answers, provider) as asked:
            if asked.first:
                questions = Questions(asked.session, tenant, companies, provider, asked.begin)
                asked.question = await questions.ask_again(message_id, modules)
        return await asked.stream(follower)

    @operation(
        "GET",
        "/messages/{message_id:uuid}/stream",
        operation_id="resume",
        gate=READ,
        events=EVENTS,
        summary="Read an answer's events from any point",
    )
    async def resume(
        self,
        message_id: FromPath[UUID],
        tenant: NamedDependency[TenantContext],
        follower: NamedDependency[Follower],
        last_event_id: LastEventId = 0,
    ) -> Stream:
        """Exactly the events after `Last-Event-ID`; of an answer that ended long ago the last event alone."""
        return event_stream(await follower.resume(tenant, permissions.READ, message_id, last_event_id))

    @operation(
        "POST",
        "/messages/{message_id:uuid}/stop",
        operation_id="stop",
        gate=USE,
        status=202,
        summary="Stop an answer being written",
    )
    async def stop(
        self,
        message_id: FromPath[UUID],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        answers: NamedDependency[Answers],
    ) -> Message:
        """The text so far is kept, and the stream ends with `message.completed`. Stopping twice is no error."""
        async with db.transaction(tenant) as session:
            message = await ConversationService(session, tenant).request_stop(message_id)
        answers.stop(RunRef(tenant.tenant_id, message_id))
        return message


class BoardController(Controller):
    """The board meeting."""

    path = "/c-suite/board-meeting"
    tags = ("c-suite",)

    @operation(
        "POST",
        operation_id="board_meeting",
        gate=CONVENE,
        status=200,
        idempotent=True,
        summary="Hold a board meeting (preview)",
    )
    async def meet(
        self,
        data: JSONBody[BoardMeetingRequest],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        companies: NamedDependency[SkipValidation[Companies]],
        modules: NamedDependency[ModuleRegistry],
    ) -> BoardMeeting:
        """A static preview in its final form, with status `placeholder`."""
        meeting_id = new_id()
        async with db.transaction(tenant) as session:
            company = await companies.company(session, tenant)
            await record(session, "board.convened", f"board_meeting:{meeting_id}")
        facts = CompanyFacts(name=company.name, profile=company.profile)
        board = modules.resolve("csuite.board.meeting", "0.1.0", "board")
        request = BoardRequest(meeting_id=meeting_id, company=facts, topic=data.topic, now=datetime.now(UTC))
        return validate_meeting(request, await board.convene(request))


class ConversationsController(Controller):
    """A person's conversations; nobody else sees them."""

    path = "/c-suite/conversations"
    tags = ("c-suite",)

    @operation("GET", operation_id="list_conversations", gate=READ, summary="List or search my conversations")
    async def list_mine(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        q: SearchText = None,
        cursor: Cursor = None,
        limit: Limit = 30,
    ) -> Page[Conversation]:
        """Last spoken in first. `q` looks for all its words, inside of others too; `match` tells where they stand."""
        before = decode_cursor(cursor, TimeKey)
        async with db.transaction(tenant) as session:
            found = await ConversationService(session, tenant).conversations(limit + 1, before, q)
        return page_of(found, limit, lambda item: (item.updated_at, item.id), lambda item: item)

    @operation(
        "GET", "/{conversation_id:uuid}", operation_id="read_conversation", gate=READ, summary="Read a conversation"
    )
    async def read(
        self, conversation_id: FromPath[UUID], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> Conversation:
        """Its title and times; the messages are a list of their own."""
        async with db.transaction(tenant) as session:
            return await ConversationService(session, tenant).conversation(conversation_id)

    @operation(
        "PATCH",
        "/{conversation_id:uuid}",
        operation_id="rename_conversation",
        gate=USE,
        summary="Rename a conversation",
    )
    async def rename(
        self,
        conversation_id: FromPath[UUID],
        data: JSONBody[ConversationPatch],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
    ) -> Conversation:
        """Replaces the title that was made from the first message."""
        async with db.transaction(tenant) as session:
            return await ConversationService(session, tenant).rename(conversation_id, data.title)

    @operation(
        "DELETE",
        "/{conversation_id:uuid}",
        operation_id="delete_conversation",
        gate=USE,
        summary="Delete a conversation",
    )
    async def remove(
        self, conversation_id: FromPath[UUID], tenant: NamedDependency[TenantContext], db: NamedDependency[Database]
    ) -> None:
        """With every message, at once and for good. An answer being written ends."""
        async with db.transaction(tenant) as session:
            await ConversationService(session, tenant).delete(conversation_id)

    @operation(
        "GET",
        "/{conversation_id:uuid}/messages",
        operation_id="list_messages",
        gate=READ,
        summary="Read a conversation's messages",
    )
    async def messages(
        self,
        conversation_id: FromPath[UUID],
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
        through: Through = None,
    ) -> Page[Message]:
        """Newest first; answers that were asked for again are left out."""
        before = decode_cursor(cursor, UUID)
        async with db.transaction(tenant) as session:
            service = ConversationService(session, tenant)
            found, limit = await service.messages(conversation_id, limit, before, through)
        return page_of(found, limit, lambda item: item.id, lambda item: item)
