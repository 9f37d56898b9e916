"""The board meeting: a preview of what the executives will do together."""

from dataclasses import dataclass, field
from typing import Any, Final

import reflex as rx

from frontend import words
from frontend.kit.form import Form, form_key
from frontend.platform.session import SessionState
from module_sdk.api.csuite import BoardMeeting, BoardMeetingRequest
from module_sdk.api.text import clean_line

_OFFICES: Final = {
    "CEO": "Chief Executive Officer",
    "CFO": "Chief Financial Officer",
    "CMO": "Chief Marketing Officer",
    "COO": "Chief Operating Officer",
    "CRO": "Chief Revenue Officer",
    "CTO": "Chief Technology Officer",
}


def office(title: str) -> str:
    """``title`` written out: the avatar beside it shows the short form already."""
    return _OFFICES.get(title, title)


@dataclass(frozen=True)
class Seat:
    """Somebody at the table."""

    title: str = ""
    short: str = ""


@dataclass(frozen=True)
class StatementView:
    """What somebody says."""

    speaker: str = ""
    short: str = ""
    text: str = ""


@dataclass(frozen=True)
class DecisionView:
    """What the board proposes, and who would see to it."""

    text: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Item:
    """A point of the agenda with what was said and proposed about it."""

    number: int = 0
    title: str = ""
    minutes: int = 0
    statements: list[StatementView] = field(default_factory=list)
    decisions: list[DecisionView] = field(default_factory=list)


class BoardState(SessionState):
    """The meeting being shown, if one was convened. Looking at the page convenes none."""

    form: Form = Form.of()
    convened: bool = False
    topic: str = ""
    preview: bool = True
    seats: list[Seat] = []
    items: list[Item] = []
    summary: str = ""

    @rx.event
    async def load(self) -> Any:
        """Open an empty form."""
        self.convened, self.form = False, self.form.fresh()
        return await self._enter()

    @rx.event
    async def convene(self, form: dict[str, Any]) -> Any:
        """Hold a meeting, about a topic or about what the chair chooses."""
        self.form = self.form.begun()
        yield
        request = BoardMeetingRequest(topic=clean_line(str(form.get("topic", "")))[:400])
        async with self._talk() as api:
            self._show(await self._tenant(api).board_meeting(request, idempotency_key=form_key(form)))
            self.form = self.form.finished()
        if self.form.busy:
            self.form = self.form.refused()

    def _show(self, meeting: BoardMeeting) -> None:
        titles = {attendee.executive: office(attendee.title) for attendee in meeting.attendees}
        self.topic, self.preview = meeting.topic, meeting.status == "placeholder"
        self.seats = [Seat(titles[one.executive], one.executive.upper()[:3]) for one in meeting.attendees]
        self.items = [
            Item(
                number=number,
                title=item.title,
                minutes=item.minutes,
                statements=[
                    StatementView(titles.get(one.executive, one.executive), one.executive.upper()[:3], one.text)
                    for one in meeting.statements
                    if one.agenda_item_id == item.id
                ],
                decisions=[
                    DecisionView(one.text, titles.get(one.owner, one.owner))
                    for one in meeting.decisions
                    if one.agenda_item_id == item.id
                ],
            )
            for number, item in enumerate(meeting.agenda, start=1)
        ]
        self.summary = " · ".join(
            [
                words.count(len(meeting.agenda), "point"),
                words.count(sum(item.minutes for item in meeting.agenda), "minute"),
                words.count(len(meeting.decisions), "proposed decision"),
            ]
        )
        self.convened = True
