"""Keyset paging: opaque cursors that name the last row seen, so that pages neither skip nor repeat rows."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from backend.kernel.errors import ValidationFailed
from module_sdk.api.base import Page
from module_sdk.api.problems import FieldError

Row = TypeVar("Row")
Item = TypeVar("Item")
Key = TypeVar("Key")

CURSOR_MAX_CHARS: Final = 512

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Items on the page, 1 to 100")]
"""The ``limit`` parameter of a list; give it a default, such as 50."""
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=CURSOR_MAX_CHARS, description="`next_cursor` of the page before; absent for the first"),
]
"""The ``cursor`` parameter of a list, ``None`` by default."""


class TimeKey(NamedTuple):
    """The usual sort key: a moment, and the id where two are equal."""

    at: datetime
    id: UUID


def encode_cursor(key: Any) -> str:
    """The cursor for a sort key: any JSON-representable value, usually a tuple."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, kind: type[Key]) -> Key | None:
    """The sort key of a cursor, ``None`` for the first page; raises ``ValidationFailed`` for anything not ours.

    A cursor is no secret and no permission: it names a place in an order, and the rows still pass every policy.
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = msgspec.msgpack.decode(raw, type=kind)
        if isinstance(key, TimeKey):
            key.at.astimezone(UTC)  # raises for a moment before the year 1 or after 9999, which the database refuses
        return key
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError, ValueError, OverflowError):
        error = FieldError(path="query.cursor", message="Is not a cursor of this list")
        raise ValidationFailed(errors=[error]) from None


def page_of(rows: Sequence[Row], limit: int, key: Callable[[Row], Any], item: Callable[[Row], Item]) -> Page[Item]:
    """A page from ``limit + 1`` rows: the one too many tells that there is a next page."""
    next_cursor = encode_cursor(key(rows[limit - 1])) if len(rows) > limit else None
    return Page(items=[item(row) for row in rows[:limit]], next_cursor=next_cursor)
