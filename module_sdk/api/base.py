"""What every wire contract shares: the two Struct bases, text types and the page of a list."""

from functools import cache
from typing import Annotated, Any, Generic, TypeVar, get_args

import msgspec

from module_sdk.api.text import INVISIBLE, clean_name

Item = TypeVar("Item")

# Every blank that is no control character. Both patterns decide at the first character outside of these: two open-ended
# runs that could share characters would take a time that grows with the square of the text.
_BLANKS = r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_UNSEEN = _BLANKS + INVISIBLE
#: ``LINE`` and ``PROSE`` with something in them that can be seen.
FILLED_LINE = rf"^[{_UNSEEN}]*[^{_UNSEEN}\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$(?!\n)"
FILLED_PROSE = rf"^[{_UNSEEN}\t\n\r]*[^{_UNSEEN}\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body sent to the API. Unknown fields are refused, so that a misspelt one is noticed.

    Names in it are what :func:`module_sdk.api.text.clean_name` leaves of them, whoever built the body.
    """

    def __post_init__(self) -> None:
        for field in _names(type(self)):
            value = getattr(self, field)
            if isinstance(value, str):
                msgspec.structs.force_setattr(self, field, _name(field, value))


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A body sent by the API. Clients ignore fields that they do not know, so that adding one breaks nobody."""


class Page(Reply, Generic[Item], frozen=True, kw_only=True):
    """One page of a list, newest first unless the operation says otherwise.

    ``next_cursor`` is opaque; pass it back as ``cursor`` for the following page, ``None`` ends the list.
    """

    items: list[Item]
    next_cursor: str | None = None


@cache
def _names(kind: type[Request]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(kind) if _is_name(field.type))


def _is_name(annotation: Any) -> bool:
    parts = get_args(annotation)
    return any(isinstance(part, msgspec.Meta) and bool((part.extra or {}).get("cleaned")) for part in parts) or any(
        _is_name(part) for part in parts
    )


def _name(field: str, value: str) -> str:
    """``value`` cleaned. What its pattern let pass may still be nothing to see: lone accents, rare invisible marks."""
    if cleaned := clean_name(value):
        return cleaned
    raise ValueError(f"`{field}` must hold something that can be seen")


Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=120, pattern=FILLED_LINE, examples=["Acme Robotics"], extra={"cleaned": True}
    ),
]
"""A person's or a company's name, one line."""
