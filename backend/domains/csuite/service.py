"""Rules of conversations. A service works inside the caller's transaction and never commits."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.csuite import mapping
from backend.domains.csuite.passages import passage, words_of
from backend.domains.csuite.repository import ConversationRepository
from backend.kernel.audit.recording import record
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound
from module_sdk.api.csuite import Conversation, Message, SearchMatch

THROUGH_MOST: Final = 500
"""The longest page of messages, for whoever wants to see an old one among those around it."""


class ConversationService:
    """What one person may do with their conversations in one tenant."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._repository = ConversationRepository(session, context)

    async def conversation(self, conversation_id: UUID) -> Conversation:
        """One conversation."""
        row = await self._repository.conversation(conversation_id)
        if row is None:
            raise NotFound
        return mapping.conversation(row)

    async def conversations(
        self, limit: int, before: tuple[datetime, UUID] | None, search: str | None
    ) -> list[Conversation]:
        """Conversations, last spoken in first; ``search`` looks for all its words, wherever they stand."""
        if search is None:
            return [mapping.conversation(row) for row in await self._repository.conversations(limit, before)]
        words = words_of(search)
        if not words:
            return []
        found = await self._repository.found(words, limit, before)
        return [
            mapping.conversation(
                row,
                SearchMatch(message_id=message_id, passage=passage(row.title if text is None else text, words)),
            )
            for row, message_id, text in found
        ]

    async def rename(self, conversation_id: UUID, title: str) -> Conversation:
        """Give a conversation another title."""
        await self._repository.rename(conversation_id, title)
        renamed = await self.conversation(conversation_id)
        await record(self._session, "conversation.renamed", f"conversation:{conversation_id}")
        return renamed

    async def delete(self, conversation_id: UUID) -> None:
        """Delete a conversation with its messages."""
        if not await self._repository.delete(conversation_id):
            raise NotFound
        await record(self._session, "conversation.deleted", f"conversation:{conversation_id}")

    async def messages(
        self, conversation_id: UUID, limit: int, before: UUID | None, through: UUID | None = None
    ) -> tuple[list[Message], int]:
        """A page of messages, newest first, with one too many where there are more, and how long the page is.

        It is as long as ``limit``, or as it takes to reach ``through``, up to ``THROUGH_MOST``.
        """
        await self.conversation(conversation_id)
        if through is not None:
            limit = max(limit, min(THROUGH_MOST, await self._repository.count_since(conversation_id, through)))
        rows = await self._repository.messages(conversation_id, limit + 1, before)
        return [mapping.message(row) for row in rows], limit

    async def request_stop(self, message_id: UUID) -> Message:
        """Ask for an answer to stop; one that has ended stays as it is."""
        row = await self._repository.message(message_id, lock=True)
        if row is None or row.role != "assistant":
            raise NotFound
        if row.status == "streaming":
            await self._repository.request_stop(message_id)
        await record(self._session, "chat.stopped", f"message:{message_id}", {"status": row.status})
        return mapping.message(row)
