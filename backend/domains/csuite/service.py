"""Rules of conversations. A service works inside the caller's transaction and never commits."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.csuite import mapping
from backend.domains.csuite.answer import Assignment
from backend.domains.csuite.errors import AnswerInProgress, NotLatestAnswer
from backend.domains.csuite.generation import LEASE
from backend.domains.csuite.models import ConversationRow, MessageRow
from backend.domains.csuite.providers.base import Provider
from backend.domains.csuite.repository import ConversationRepository
from backend.domains.tenants.ports import Companies
from backend.kernel.errors import NotFound, ValidationFailed
from backend.kernel.orm import new_id
from backend.kernel.streams import StreamRef
from backend.kernel.tenancy import TenantContext
from module_sdk.dialogue import validate_prompt
from module_sdk.module import ChatComposition, ChatModule, ChatTurn, CompanyFacts
from module_sdk.registry import ModuleRegistry
from module_sdk.wire.csuite import ChatRequest, Conversation, Message, Started
from module_sdk.wire.problems import FieldError

TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Question:
    """What a stored question leads to: the first event, and the work for a generator once it is committed."""

    started: Started
    assignment: Assignment


class ConversationService:
    """What one person may do with their conversations in one tenant."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._context = context
        self._repository = ConversationRepository(session, context)

    async def ask(self, body: ChatRequest, executive: ChatModule, companies: Companies, provider: Provider) -> Question:
        """Store a question and an empty answer under a lease.

        Raises ``NotFound`` for a foreign conversation, ``AnswerInProgress``, ``LimitReached``.
        """
        if not body.message.strip():
            raise ValidationFailed(errors=[FieldError(path="$.message", message="Write a message")])
        conversation = await self._conversation_for(body, executive)
        turns = await self._turns(conversation.id, None)
        turns.append(ChatTurn(role="user", content=body.message))
        await companies.spend(self._session, self._context, "messages_per_day")
        question_id = new_id()
        asked = {
            "id": question_id,
            "conversation_id": conversation.id,
            "role": "user",
            "status": "completed",
            "content": body.message,
        }
        question, answer = await self._repository.insert_messages(
            [asked, self._answer(question_id, conversation.id, provider)]
        )
        if body.conversation_id is not None:
            conversation = await self._repository.touch(conversation.id)
        return await self._question(conversation, question, answer, turns, executive, companies)

    async def ask_again(
        self, message_id: UUID, modules: ModuleRegistry, companies: Companies, provider: Provider
    ) -> Question:
        """Replace the latest answer of a conversation by a new one to the same question."""
        old = await self._repository.message(message_id)
        if old is None or old.reply_to_id is None:
            raise NotFound
        conversation = await self._locked(old.conversation_id)
        latest = await self._repository.messages(conversation.id, 1, None)
        if not latest or latest[0].id != message_id:
            raise NotLatestAnswer
        question = await self._repository.message(old.reply_to_id)
        executive = modules.executive(conversation.executive)
        if question is None or executive is None:
            raise NotFound
        turns = await self._turns(conversation.id, question.id)
        turns.append(ChatTurn(role="user", content=question.content))
        await companies.spend(self._session, self._context, "messages_per_day")
        await self._repository.supersede(message_id)
        (answer,) = await self._repository.insert_messages([self._answer(question.id, conversation.id, provider)])
        conversation = await self._repository.touch(conversation.id)
        return await self._question(conversation, question, answer, turns, executive, companies)

    async def conversation(self, conversation_id: UUID) -> Conversation:
        """One conversation."""
        row = await self._repository.conversation(conversation_id)
        if row is None:
            raise NotFound
        return mapping.conversation(row)

    async def conversations(
        self, limit: int, before: tuple[datetime, UUID] | None, search: str | None
    ) -> list[Conversation]:
        """Conversations, last spoken in first; ``search`` looks for the beginnings of all its words."""
        words: list[str] | None = None
        if search is not None:
            words = re.findall(r"\w+", search)[:8]
            if not words:
                return []
        return [mapping.conversation(row) for row in await self._repository.conversations(limit, before, words)]

    async def rename(self, conversation_id: UUID, title: str) -> Conversation:
        """Give a conversation another title."""
        await self._repository.rename(conversation_id, title)
        return await self.conversation(conversation_id)

    async def delete(self, conversation_id: UUID) -> None:
        """Delete a conversation with its messages."""
        if not await self._repository.delete(conversation_id):
            raise NotFound

    async def messages(self, conversation_id: UUID, limit: int, before: UUID | None) -> list[Message]:
        """Messages, newest first."""
        await self.conversation(conversation_id)
        return [mapping.message(row) for row in await self._repository.messages(conversation_id, limit, before)]

    async def message(self, message_id: UUID) -> Message:
        """One message."""
        row = await self._repository.message(message_id)
        if row is None:
            raise NotFound
        return mapping.message(row)

    async def request_stop(self, message_id: UUID) -> Message:
        """Ask for an answer to stop; one that has ended stays as it is."""
        row = await self._repository.message(message_id, lock=True)
        if row is None or row.role != "assistant":
            raise NotFound
        if row.status == "streaming":
            await self._repository.request_stop(message_id)
        return mapping.message(row)

    async def _conversation_for(self, body: ChatRequest, executive: ChatModule) -> ConversationRow:
        if body.conversation_id is None:
            row = {"id": new_id(), "executive": executive.executive, "title": title_of(body.message)}
            return await self._repository.insert_conversation(row)
        row_found = await self._locked(body.conversation_id)
        if row_found.executive != executive.executive:
            raise NotFound
        return row_found

    async def _locked(self, conversation_id: UUID) -> ConversationRow:
        conversation = await self._repository.conversation(conversation_id, lock=True)
        if conversation is None:
            raise NotFound
        running = await self._repository.answer_in_progress(conversation_id)
        if running is not None:
            raise AnswerInProgress(extra={"message_id": str(running.id)})
        return conversation

    async def _turns(self, conversation_id: UUID, before: UUID | None) -> list[ChatTurn]:
        rows = await self._repository.history(conversation_id, before)
        return [ChatTurn(role="user" if role == "user" else "assistant", content=text) for role, text in rows]

    def _answer(self, question_id: UUID, conversation_id: UUID, provider: Provider) -> dict[str, Any]:
        return {
            "id": new_id(),
            "conversation_id": conversation_id,
            "role": "assistant",
            "status": "streaming",
            "content": "",
            "reply_to_id": question_id,
            "provider": provider.name,
            "model": provider.model,
            "lease_token": new_id(),
            "lease_expires_at": datetime.now(UTC) + LEASE,
        }

    async def _question(
        self,
        conversation: ConversationRow,
        question: MessageRow,
        answer: MessageRow,
        turns: list[ChatTurn],
        executive: ChatModule,
        companies: Companies,
    ) -> Question:
        company = await companies.company(self._session, self._context)
        composition = ChatComposition(
            company=CompanyFacts(name=company.name, profile=company.profile),
            turns=turns,
            now=datetime.now(ZoneInfo(company.profile.time_zone)),
        )
        if self._context.user_id is None or answer.lease_token is None:
            raise ValueError("a question is asked by a person and answered under a lease")
        return Question(
            started=Started(
                conversation=mapping.conversation(conversation),
                question=mapping.message(question),
                message=mapping.message(answer),
            ),
            assignment=Assignment(
                ref=StreamRef(self._context.tenant_id, answer.id),
                conversation_id=conversation.id,
                user_id=self._context.user_id,
                lease_token=answer.lease_token,
                prompt=validate_prompt(composition, executive.compose(composition)),
            ),
        )


def title_of(message: str) -> str:
    """A conversation's first title: the beginning of its first message, cut between words."""
    line = " ".join(message.split())
    if len(line) <= TITLE_CHARS:
        return line
    return line[:TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"
