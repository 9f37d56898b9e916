"""Every query on conversations and messages, limited by the signed context to one tenant and here to one person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Interval,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.domains.csuite.models import ConversationRow, MessageRow
from backend.kernel.db.orm import FRESH
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.runs.leases import Leases
from backend.kernel.runs.streams import RunRef

HISTORY_MOST: Final = 40
LEASES: Final = Leases(MessageRow, MessageRow.status == "streaming")
# Made once, and their values passed beside them: SQLAlchemy keeps what it compiled of such a statement.
INSERT_CONVERSATION: Final = insert(ConversationRow).returning(ConversationRow)
# A lease begins by the database's clock, since that clock decides when it is over.
_ANEW: Final = aliased(MessageRow)
_CURRENT: Final = select(MessageRow).where(
    MessageRow.tenant_id == bindparam("of_tenant"),
    MessageRow.conversation_id == bindparam("of_conversation"),
    MessageRow.superseded_at.is_(None),
    ~exists().where(
        _ANEW.tenant_id == bindparam("of_tenant"),
        _ANEW.conversation_id == bindparam("of_conversation"),
        _ANEW.status == "streaming",
        _ANEW.reply_to_id == MessageRow.reply_to_id,
        _ANEW.id != MessageRow.id,
    ),
)
"""Messages that count: neither superseded nor being written anew at the moment."""
INSERT_MESSAGES: Final = (
    insert(MessageRow)
    .values(lease_expires_at=func.now() + bindparam("lease", type_=Interval))
    .returning(MessageRow, sort_by_parameter_order=True)
)


class ConversationRepository:
    """Queries of one transaction in a tenant's context."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._tenant_id = context.tenant_id
        self._user_id = context.user_id

    async def conversation(self, conversation_id: UUID, *, lock: bool = False) -> ConversationRow | None:
        """The person's conversation; ``lock`` keeps others from answering in it until the transaction ends."""
        query = self._mine().where(ConversationRow.id == conversation_id)
        row: ConversationRow | None = await self._session.scalar(query.with_for_update() if lock else query)
        return row

    async def conversations(self, limit: int, before: tuple[datetime, UUID] | None) -> list[ConversationRow]:
        """The person's conversations, last spoken in first."""
        return list(await self._session.scalars(_recent(self._mine(), limit, before)))

    async def found(
        self, words: list[str], limit: int, before: tuple[datetime, UUID] | None
    ) -> list[Row[ConversationRow, UUID | None, str | None]]:
        """Those in whose title, or in one of whose messages, all ``words`` stand; with that message's id and text."""
        hits = func.util.search_conversations(cast(words, ARRAY(Text))).table_valued("id", "message_id").alias("hits")
        query = (
            _recent(self._mine(), limit, before)
            .join(hits, hits.c.id == ConversationRow.id)
            .outerjoin(
                MessageRow,
                (MessageRow.tenant_id == ConversationRow.tenant_id) & (MessageRow.id == hits.c.message_id),
            )
            .add_columns(MessageRow.id, MessageRow.content)
        )
        return list((await self._session.execute(query)).all())

    async def insert_conversation(self, row: Mapping[str, Any]) -> ConversationRow:
        """Start a conversation."""
        values = {"tenant_id": self._tenant_id, "user_id": self._user_id, **row}
        return (await self._session.scalars(INSERT_CONVERSATION, [values])).one()

    async def rename(self, conversation_id: UUID, title: str) -> None:
        """Give a conversation another title."""
        await self._session.execute(self._one(update(ConversationRow), conversation_id).values(title=title), **FRESH)

    async def touch(self, conversation_id: UUID) -> ConversationRow:
        """Move a conversation to the top of the list."""
        statement = self._one(update(ConversationRow), conversation_id).values(last_message_at=func.now())
        row: ConversationRow = (await self._session.scalars(statement.returning(ConversationRow), **FRESH)).one()
        return row

    async def delete(self, conversation_id: UUID) -> bool:
        """Delete a conversation with its messages; ``False`` if the person has no such."""
        statement = self._one(delete(ConversationRow), conversation_id).returning(ConversationRow.id)
        return (await self._session.execute(statement, **FRESH)).first() is not None

    async def messages(self, conversation_id: UUID, limit: int, before: UUID | None) -> list[MessageRow]:
        """Messages that count, newest first."""
        query = _CURRENT.order_by(MessageRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(MessageRow.id < before)
        return list(await self._session.scalars(query, self._in(conversation_id)))

    async def newest(self, conversation_id: UUID) -> UUID | None:
        """The message that was made last, whether or not it counts."""
        return await self._session.scalar(
            select(MessageRow.id)
            .where(MessageRow.tenant_id == self._tenant_id, MessageRow.conversation_id == conversation_id)
            .order_by(MessageRow.id.desc())
            .limit(1)
        )

    async def count_since(self, conversation_id: UUID, message_id: UUID) -> int:
        """How many messages that count are there from ``message_id`` on."""
        newer = select(func.count()).select_from(_CURRENT.where(MessageRow.id >= message_id).subquery())
        return int(await self._session.scalar(newer, self._in(conversation_id)) or 0)

    async def history(self, conversation_id: UUID, before: UUID | None) -> list[Row[str, str]]:
        """Role and text of the newest messages with any text, oldest first, up to and without ``before``."""
        query = (
            select(MessageRow.role, MessageRow.content)
            .where(MessageRow.tenant_id == self._tenant_id, MessageRow.conversation_id == conversation_id)
            .where(MessageRow.superseded_at.is_(None), MessageRow.content != "", MessageRow.status != "streaming")
            .order_by(MessageRow.id.desc())
            .limit(HISTORY_MOST)
        )
        if before is not None:
            query = query.where(MessageRow.id < before)
        return list((await self._session.execute(query)).all())[::-1]

    async def message(self, message_id: UUID, *, lock: bool = False) -> MessageRow | None:
        """A message of one of the person's conversations."""
        query = (
            select(MessageRow)
            .join(
                ConversationRow,
                (ConversationRow.tenant_id == MessageRow.tenant_id)
                & (ConversationRow.id == MessageRow.conversation_id),
            )
            .where(MessageRow.tenant_id == self._tenant_id, MessageRow.id == message_id)
            .where(ConversationRow.user_id == self._user_id)
        )
        return await self._session.scalar(query.with_for_update(of=MessageRow) if lock else query)

    async def answer_in_progress(self, conversation_id: UUID) -> MessageRow | None:
        """The answer being written in a conversation."""
        return await self._session.scalar(
            _CURRENT.where(MessageRow.status == "streaming").limit(1), self._in(conversation_id)
        )

    async def insert_messages(self, rows: Sequence[Mapping[str, Any]]) -> list[MessageRow]:
        """Insert messages, and give them back in the same order; ``lease`` is for how long one is held from now on."""
        columns = {"lease": None, **{name: None for row in rows for name in row}}
        values = [{**columns, "tenant_id": self._tenant_id, **row} for row in rows]
        return list(await self._session.scalars(INSERT_MESSAGES, values))

    async def request_stop(self, message_id: UUID) -> None:
        """Tell whichever process writes the answer to stop."""
        await LEASES.request_stop(self._session, RunRef(self._tenant_id, message_id))

    def _mine(self) -> Select[ConversationRow]:
        return select(ConversationRow).where(
            ConversationRow.tenant_id == self._tenant_id, ConversationRow.user_id == self._user_id
        )

    def _one(self, statement: Any, conversation_id: UUID) -> Any:
        return statement.where(
            ConversationRow.tenant_id == self._tenant_id,
            ConversationRow.user_id == self._user_id,
            ConversationRow.id == conversation_id,
        )

    def _in(self, conversation_id: UUID) -> dict[str, UUID]:
        """What :data:`_CURRENT` asks for."""
        return {"of_tenant": self._tenant_id, "of_conversation": conversation_id}


async def keep_one(session: AsyncSession, new: MessageRow) -> None:
    """Of two answers to one question the better one counts: an earlier one gives way to text that was asked for."""
    earlier: MessageRow | None = await session.scalar(
        select(MessageRow)
        .where(MessageRow.tenant_id == new.tenant_id, MessageRow.reply_to_id == new.reply_to_id)
        .where(MessageRow.id != new.id, MessageRow.superseded_at.is_(None))
    )
    if earlier is None:
        return
    wanted = new.status == "completed" or (new.status == "stopped" and new.content != "")
    no_worse = earlier.status == "failed" and len(new.content) >= len(earlier.content)
    loser = earlier if wanted or no_worse else new
    hidden = update(MessageRow).where(MessageRow.tenant_id == loser.tenant_id, MessageRow.id == loser.id)
    await session.execute(hidden.values(superseded_at=func.now()), **FRESH)


def _recent(
    query: Select[ConversationRow], limit: int, before: tuple[datetime, UUID] | None
) -> Select[ConversationRow]:
    # Column by column, unlike the row comparison below: only so does the order come from the index.
    query = query.order_by(ConversationRow.last_message_at.desc(), ConversationRow.id.desc()).limit(limit)
    if before is None:
        return query
    return query.where(tuple_(ConversationRow.last_message_at, ConversationRow.id) < tuple_(*before))


async def abandoned_messages(session: AsyncSession, most: int) -> list[tuple[UUID, UUID]]:
    """Tenant and message ids of answers whose process was lost; needs no context."""
    rows = await session.execute(
        text("SELECT tenant_id, message_id FROM util.abandoned_messages(:most)"), {"most": most}
    )
    return [(row.tenant_id, row.message_id) for row in rows]
