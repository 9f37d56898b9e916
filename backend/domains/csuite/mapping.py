"""Rows to wire contracts."""

from typing import cast

from backend.domains.csuite.models import ConversationRow, MessageRow
from module_sdk.api.csuite import (
    Conversation,
    CutOff,
    Message,
    MessageError,
    MessageRole,
    MessageStatus,
    SearchMatch,
)


def conversation(row: ConversationRow, match: SearchMatch | None = None) -> Conversation:
    """A conversation; what people call updated is when it was last spoken in."""
    return Conversation(
        id=row.id,
        executive=row.executive,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.last_message_at,
        match=match,
    )


def message(row: MessageRow) -> Message:
    """A message."""
    error = None
    if row.error_code is not None:
        error = MessageError(code=row.error_code, title=row.error_title or "", detail=row.error_detail)
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        role=cast("MessageRole", row.role),
        status=cast("MessageStatus", row.status),
        content=row.content,
        created_at=row.created_at,
        reply_to_id=row.reply_to_id,
        model=row.model,
        provider=row.provider,
        error=error,
        thought=row.thought,
        thought_seconds=row.thought_seconds,
        cut_off=cast("CutOff | None", row.cut_off),
    )
