"""Rules of conversations. A service works inside the caller's transaction and never commits."""

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.csuite import mapping
from backend.domains.csuite.repository import ConversationRepository
from backend.kernel.audit import record
from backend.kernel.errors import NotFound
from backend.kernel.tenancy import TenantContext
from module_sdk.wire.csuite import Conversation, Message


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
        renamed = await self.conversation(conversation_id)
        await record(self._session, "conversation.renamed", f"conversation:{conversation_id}")
        return renamed

    async def delete(self, conversation_id: UUID) -> None:
        """Delete a conversation with its messages."""
        if not await self._repository.delete(conversation_id):
            raise NotFound
        await record(self._session, "conversation.deleted", f"conversation:{conversation_id}")

    async def messages(self, conversation_id: UUID, limit: int, before: UUID | None) -> list[Message]:
        """Messages, newest first."""
        await self.conversation(conversation_id)
        return [mapping.message(row) for row in await self._repository.messages(conversation_id, limit, before)]

    async def request_stop(self, message_id: UUID) -> Message:
        """Ask for an answer to stop; one that has ended stays as it is."""
        row = await self._repository.message(message_id, lock=True)
        if row is None or row.role != "assistant":
            raise NotFound
        if row.status == "streaming":
            await self._repository.request_stop(message_id)
        await record(self._session, "chat.stopped", f"message:{message_id}", {"status": row.status})
        return mapping.message(row)
