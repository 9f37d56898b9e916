"""Tables of conversations and messages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Computed, Double, ForeignKey, ForeignKeyConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.kernel.db.orm import Base, TenantOwned, Timestamps
from backend.kernel.runs.leases import Leased


class ConversationRow(TenantOwned, Timestamps, Base):
    """A person's conversation with one executive."""

    __tablename__ = "conversations"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    executive: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    last_message_at: Mapped[datetime]


class MessageRow(Leased, Timestamps, Base):
    """A message; an answer is a run while its ``status`` is ``streaming``.

    ``superseded_at`` hides an answer that another one to the same question stands for.
    """

    __tablename__ = "messages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["tenant_id", "reply_to_id"], ["messages.tenant_id", "messages.id"], ondelete="CASCADE"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[UUID]
    role: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    reply_to_id: Mapped[UUID | None]
    provider: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_title: Mapped[str | None] = mapped_column(Text)
    error_detail: Mapped[str | None] = mapped_column(Text)
    thought: Mapped[str | None] = mapped_column(Text)
    thought_seconds: Mapped[float | None] = mapped_column(Double)
    cut_off: Mapped[str | None] = mapped_column(Text)
    superseded_at: Mapped[datetime | None]
    search: Mapped[str] = mapped_column(Text, Computed("util.searchable(content)"), deferred=True)
