"""Storing questions and beginning their answers. Works inside the caller's transaction and never commits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.csuite import mapping
from backend.domains.csuite.answer import Answer, Assignment
from backend.domains.csuite.draft import Draft
from backend.domains.csuite.errors import AnswerInProgress, NotLatestAnswer
from backend.domains.csuite.models import ConversationRow, MessageRow
from backend.domains.csuite.providers.base import Provider
from backend.domains.csuite.repository import ConversationRepository
from backend.domains.tenants.ports import Companies
from backend.kernel.audit.recording import record
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound
from backend.kernel.runs.leases import LEASE
from backend.kernel.runs.streams import RunRef
from backend.modules.registry import ModuleRegistry
from module_sdk.api.csuite import ChatRequest, Started
from module_sdk.api.text import clean_name
from module_sdk.contract.company import CompanyFacts
from module_sdk.contract.dialogue import validate_prompt
from module_sdk.contract.module import ChatComposition, ChatModule, ChatPrompt, ChatTurn

TITLE_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Question:
    """What a stored question leads to: the first event, and the run to begin once it is committed."""

    started: Started
    assignment: Assignment

    def answer(self) -> Answer:
        """The run, with its first event."""
        answer = Answer(self.assignment, monotonic)
        answer.start(self.started)
        return answer


class Questions:
    """What one person may ask in one tenant. ``begin`` asks the model while the rows are still being written."""

    def __init__(
        self,
        session: AsyncSession,
        context: TenantContext,
        companies: Companies,
        provider: Provider,
        begin: Callable[[ChatPrompt], Draft],
    ) -> None:
        self._session = session
        self._context = context
        self._repository = ConversationRepository(session, context)
        self._companies = companies
        self._provider = provider
        self._begin = begin

    async def ask(self, body: ChatRequest, executive: ChatModule) -> Question:
        """Store a question and an empty answer under a lease.

        Raises ``NotFound`` for a foreign conversation, ``AnswerInProgress``, ``LimitReached``.
        """
        earlier: list[ChatTurn] = []
        if body.conversation_id is not None:
            found = await self._locked(body.conversation_id)
            if found.executive != executive.executive:
                raise NotFound
            earlier = await self._turns(found.id, None)
        draft = await self._draft(executive, [*earlier, ChatTurn(role="user", content=body.message)])
        if body.conversation_id is not None:
            conversation = await self._repository.touch(body.conversation_id)
        else:
            row = {"id": new_id(), "executive": executive.executive, "title": title_of(body.message)}
            conversation = await self._repository.insert_conversation(row)
        question_id = new_id()
        asked = {
            "id": question_id,
            "conversation_id": conversation.id,
            "role": "user",
            "status": "completed",
            "content": body.message,
        }
        question, answer = await self._repository.insert_messages([asked, self._answer(question_id, conversation.id)])
        await self._record("chat.asked", answer)
        return self._question(conversation, question, answer, draft)

    async def ask_again(self, message_id: UUID, modules: ModuleRegistry) -> Question:
        """Begin a new answer to the question of the latest one, which stays until the new one is there.

        The latest is the one that counts, or one that was to replace it and failed.
        """
        old = await self._repository.message(message_id)
        if old is None or old.reply_to_id is None:
            raise NotFound
        conversation = await self._locked(old.conversation_id)
        latest = await self._repository.messages(conversation.id, 1, None)
        if message_id not in {latest[0].id if latest else None, await self._repository.newest(conversation.id)}:
            raise NotLatestAnswer
        question = await self._repository.message(old.reply_to_id)
        executive = modules.executive(conversation.executive)
        if question is None or executive is None:
            raise NotFound
        earlier = await self._turns(conversation.id, question.id)
        draft = await self._draft(executive, [*earlier, ChatTurn(role="user", content=question.content)])
        (answer,) = await self._repository.insert_messages([self._answer(question.id, conversation.id)])
        conversation = await self._repository.touch(conversation.id)
        await self._record("chat.asked_again", answer)
        return self._question(conversation, question, answer, draft)

    async def _record(self, action: str, answer: MessageRow) -> None:
        """What was asked stays in the conversation, which nobody but its owner reads."""
        meta = {"conversation_id": str(answer.conversation_id), "provider": self._provider.name}
        await record(self._session, action, f"message:{answer.id}", meta)

    async def _draft(self, executive: ChatModule, turns: list[ChatTurn]) -> Draft:
        """Spend one message of today, then ask the model; what follows in the transaction takes place meanwhile."""
        company = await self._companies.company(self._session, self._context)
        await self._companies.spend(self._session, self._context, "messages_per_day")
        composition = ChatComposition(
            company=CompanyFacts(name=company.name, profile=company.profile),
            turns=turns,
            now=datetime.now(ZoneInfo(company.profile.time_zone)),
            budget_chars=self._provider.budget_chars,
        )
        return self._begin(validate_prompt(composition, executive.compose(composition)))

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

    def _answer(self, question_id: UUID, conversation_id: UUID) -> dict[str, Any]:
        return {
            "id": new_id(),
            "conversation_id": conversation_id,
            "role": "assistant",
            "status": "streaming",
            "content": "",
            "reply_to_id": question_id,
            "provider": self._provider.name,
            "model": self._provider.model,
            "lease_token": new_id(),
            "lease": LEASE,
        }

    def _question(
        self, conversation: ConversationRow, question: MessageRow, answer: MessageRow, draft: Draft
    ) -> Question:
        if answer.lease_token is None:
            raise ValueError("an answer is written under a lease")
        return Question(
            started=Started(
                conversation=mapping.conversation(conversation),
                question=mapping.message(question),
                message=mapping.message(answer),
            ),
            assignment=Assignment(
                ref=RunRef(self._context.tenant_id, answer.id), lease_token=answer.lease_token, draft=draft
            ),
        )


def title_of(message: str) -> str:
    """A conversation's first title: the beginning of its first message, cut between words."""
    line = clean_name(message) or " ".join(message.split())
    if len(line) <= TITLE_CHARS:
        return line
    return line[:TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"
