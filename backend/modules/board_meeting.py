"""``csuite.board.meeting``: the preview of a board meeting, until executives really meet."""

from typing import Final

from module_sdk.contract.board import AgendaItem, Attendee, BoardMeeting, Decision, Statement
from module_sdk.contract.capability import ModuleCapability
from module_sdk.contract.module import BoardRequest

_ATTENDEES: Final = [
    Attendee(executive="ceo", title="CEO"),
    Attendee(executive="cfo", title="CFO"),
    Attendee(executive="cmo", title="CMO"),
    Attendee(executive="coo", title="COO"),
]
_AGENDA: Final = [
    AgendaItem(id="results", title="Where we stand", minutes=10),
    AgendaItem(id="plan", title="What we do next", minutes=15),
    AgendaItem(id="risks", title="What could stop us", minutes=5),
]
_STATEMENTS: Final = [
    ("results", "cfo", "Here the CFO will report cash, revenue and runway, each figure with its source."),
    ("results", "cmo", "Here the CMO will report leads and conversion from the connected CRM."),
    ("plan", "ceo", "Here the CEO will weigh the options against your goals and propose one."),
    ("plan", "coo", "Here the COO will say what the plan needs from whom, and by when."),
    ("risks", "cfo", "Here the CFO will name what the plan costs if it fails."),
]


class BoardPreview:
    """Shows the shape of a meeting through its final contract; nothing in it is a statement about the company."""

    capability: Final = ModuleCapability(
        name="csuite.board.meeting",
        version="0.1.0",
        title="Board meeting (preview)",
        description="The shape of a board meeting, until executives really meet.",
        demonstration=True,
    )

    async def convene(self, request: BoardRequest) -> BoardMeeting:
        """The static preview."""
        return BoardMeeting(
            id=request.meeting_id,
            status="placeholder",
            topic=request.topic or "Monthly review",
            agenda=_AGENDA,
            attendees=_ATTENDEES,
            statements=[Statement(agenda_item_id=item, executive=who, text=text) for item, who, text in _STATEMENTS],
            decisions=[Decision(agenda_item_id="plan", text="Decisions for you to confirm appear here.", owner="ceo")],
            created_at=request.now,
        )
