"""Entries of the audit log, written in the transaction of what they record.

``util.append_audit`` stamps tenant, actor and time from the signed context, so that no statement of the application can
speak for somebody else. The entry is sealed afterwards (``backend.domains.audit``).
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import get_contextvars

from backend.kernel.orm import new_id
from backend.kernel.redaction import redacted_json
from module_sdk.wire.audit import Outcome

MetaValue = str | int | bool | None | list[str]

_APPEND: Final = text(
    "SELECT util.append_audit(:id, :action, :resource, :outcome, CAST(:meta AS jsonb), :request_id)"
).bindparams(
    bindparam("id", type_=Uuid()),
    bindparam("action", type_=Text()),
    bindparam("resource", type_=Text()),
    bindparam("outcome", type_=Text()),
    bindparam("meta", type_=Text()),
    bindparam("request_id", type_=Text()),
)


async def record(
    session: AsyncSession,
    action: str,
    resource: str,
    meta: Mapping[str, MetaValue] | None = None,
    *,
    outcome: Outcome = "succeeded",
) -> None:
    """Append an entry for the context of ``session``; raises ``ValueError`` for an action that is no ``area.verb``.

    ``resource`` reads ``<kind>:<id>``. ``meta`` says what changed, without secrets: keys and shapes that look like one
    are redacted.
    """
    if not all(part.isidentifier() for part in action.split(".")) or "." not in action:
        raise ValueError(action)
    await session.execute(
        _APPEND,
        {
            "id": new_id(),
            "action": action,
            "resource": resource,
            "outcome": outcome,
            "meta": redacted_json(meta or {}),
            "request_id": str(get_contextvars().get("request_id", "")),
        },
    )
