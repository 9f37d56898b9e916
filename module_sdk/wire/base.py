"""What every wire contract shares: the two Struct bases, text types and the page of a list."""

from typing import Annotated, Generic, TypeVar

import msgspec

Item = TypeVar("Item")

# "$" alone would let a line feed follow. Half a surrogate pair needs no pattern: JSON that holds one is not decoded.
#: Rejects C0 and C1 control characters in single-line text.
LINE = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"
#: The same for prose, where tab, line feed and carriage return are welcome.
PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
# Every blank that is no control character. Both patterns decide at the first character outside of these: two open-ended
# runs that could share characters would take a time that grows with the square of the text.
_BLANKS = r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
#: ``LINE`` and ``PROSE`` with something other than blanks in them.
FILLED_LINE = rf"^[{_BLANKS}]*[^{_BLANKS}\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$(?!\n)"
FILLED_PROSE = rf"^[{_BLANKS}\t\n\r]*[^{_BLANKS}\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body sent to the API. Unknown fields are refused, so that a misspelt one is noticed."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A body sent by the API. Clients ignore fields that they do not know, so that adding one breaks nobody."""


class Page(Reply, Generic[Item], frozen=True, kw_only=True):
    """One page of a list, newest first unless the operation says otherwise.

    ``next_cursor`` is opaque; pass it back as ``cursor`` for the following page, ``None`` ends the list.
    """

    items: list[Item]
    next_cursor: str | None = None


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=FILLED_LINE, examples=["Acme Robotics"])]
"""A person's or a company's name, one line."""
