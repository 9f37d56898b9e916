"""Entries of the audit log, written in the transaction of what they record.

``util.append_audit`` stamps tenant, actor and time from the signed context, so that no statement of the application can
speak for somebody else. The entry is sealed afterwards (``backend.domains.audit``).
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import get_contextvars

from backend.kernel.db.orm import new_id
from backend.kernel.observe.redaction import redacted_json
from module_sdk.api.audit import Outcome

MetaValue = str | int | bool | None | list[str]
MAX_INTEGER: Final = 2**53 - 1

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
    """Append an entry for the context of ``session``.

    ``resource`` reads ``<kind>:<id>``. ``meta`` says what changed, without secrets: keys and shapes that look like one
    are redacted. Raises ``ValueError`` for an action that is no ``area.verb``, and for a meta that could not be sealed.
    """
    if not all(part.isidentifier() for part in action.split(".")) or "." not in action:
        raise ValueError(action)
    for name, value in (meta or {}).items():
        if not _can_be_sealed(value):
            raise ValueError(f"{action}: {name} holds neither text, a whole number of 53 bits, a boolean nor texts")
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


def _can_be_sealed(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, int):
        return abs(value) <= MAX_INTEGER
    return value is None or isinstance(value, str)
