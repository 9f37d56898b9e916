"""A board meeting: who sits at the table, what is talked about, what each says, what is decided."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """An executive at the table; ``executive`` is the key of its module, ``ceo`` for ``csuite.ceo.chat``."""

    executive: str
    title: str


class AgendaItem(msgspec.Struct, frozen=True, kw_only=True):
    """A point of the agenda."""

    id: str
    title: str
    minutes: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What one attendee says to one point."""

    agenda_item_id: str
    executive: str
    text: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the board proposes; a person confirms it."""

    agenda_item_id: str
    text: str
    owner: str


class BoardMeeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting. ``placeholder`` marks the static preview that stands until executives really meet."""

    id: UUID
    status: Literal["placeholder", "running", "completed", "failed"]
    topic: str
    agenda: list[AgendaItem]
    attendees: list[Attendee]
    statements: list[Statement]
    decisions: list[Decision]
    created_at: datetime
