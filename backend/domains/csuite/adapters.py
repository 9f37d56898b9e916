"""A person's conversations in one company as their own data: to take along, and to delete with the person's account."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.csuite.mapping import conversation, message
from backend.domains.csuite.models import ConversationRow, MessageRow
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext

PAGE: Final = 100
_encode: Final = msgspec.json.encode


class Conversations:
    """Implements identity's ``Belongings``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def export(self, context: TenantContext) -> AsyncGenerator[bytes, None]:
        """``,"conversations":[…]``, oldest first, each with its messages."""
        yield b',"conversations":['
        separator, after = b"", UUID(int=0)
        while rows := await self._read(context, _conversations(context, after)):
            for row in rows:
                yield separator + _encode(conversation(row))[:-1] + b',"messages":['
                async for piece in self._messages(context, row.id):
                    yield piece
                yield b"]}"
                separator, after = b",", row.id
        yield b"]"

    async def forget(self, session: AsyncSession, context: TenantContext) -> None:
        """Delete every conversation of the context's person."""
        await session.execute(delete(ConversationRow).where(*_mine(context)))

    async def _messages(self, context: TenantContext, conversation_id: UUID) -> AsyncGenerator[bytes, None]:
        separator, after = b"", UUID(int=0)
        while rows := await self._read(context, _messages(context, conversation_id, after)):
            yield separator + b",".join(_encode(message(row)) for row in rows)
            separator, after = b",", rows[-1].id

    async def _read(self, context: TenantContext, query: Any) -> Sequence[Any]:
        async with self._db.transaction(context) as session:
            return (await session.scalars(query)).all()


def _mine(context: TenantContext) -> tuple[Any, Any]:
    return ConversationRow.tenant_id == context.tenant_id, ConversationRow.user_id == context.user_id


def _conversations(context: TenantContext, after: UUID) -> Any:
    query = select(ConversationRow).where(*_mine(context), ConversationRow.id > after)
    return query.order_by(ConversationRow.id).limit(PAGE)


def _messages(context: TenantContext, conversation_id: UUID, after: UUID) -> Any:
    current = (
        MessageRow.tenant_id == context.tenant_id,
        MessageRow.conversation_id == conversation_id,
        MessageRow.superseded_at.is_(None),
        MessageRow.id > after,
    )
    return select(MessageRow).where(*current).order_by(MessageRow.id).limit(PAGE)
