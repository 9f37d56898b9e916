"""The rules for what executives produce: prompts and board meetings."""

from typing import Final

from module_sdk.contract.board import BoardMeeting
from module_sdk.contract.module import BoardRequest, ChatComposition, ChatPrompt
from module_sdk.contract.validation import Findings, conform, findings

MAX_AGENDA_ITEMS: Final = 20
MAX_ATTENDEES: Final = 20
MAX_STATEMENTS: Final = 400
MAX_DECISIONS: Final = 100
MAX_TEXT_CHARS: Final = 16_000


def validate_prompt(request: ChatComposition, prompt: ChatPrompt) -> ChatPrompt:
    """``prompt`` if it is a proper one for ``request``; raises :class:`ContractViolation`.

    The question stands last and as it was asked. Instructions and turns keep to the budget; the question may break
    it, since nothing is answered without it, but then no other turn is there.
    """
    prompt = conform(prompt, ChatPrompt)
    with findings() as found:
        found.expect(bool(prompt.system.strip()), "$.system", "is empty")
        found.expect(bool(prompt.turns), "$.turns", "lack the question")
        for at, turn in enumerate(prompt.turns):
            found.expect(bool(turn.content), f"$.turns[{at}].content", "is empty")
        if prompt.turns:
            found.expect(
                prompt.turns[-1] == request.turns[-1], f"$.turns[{len(prompt.turns) - 1}]", "is not the question"
            )
            size = len(prompt.system) + sum(len(turn.content) for turn in prompt.turns)
            within = size <= request.budget_chars or len(prompt.turns) == 1
            found.expect(within, "$", f"takes {size} characters of {request.budget_chars}")
    return prompt


def validate_meeting(request: BoardRequest, meeting: BoardMeeting) -> BoardMeeting:
    """``meeting`` if it is a proper one for ``request``; raises :class:`ContractViolation`."""
    meeting = conform(meeting, BoardMeeting)
    with findings() as found:
        found.expect(meeting.id == request.meeting_id, "$.id", "is not the request's")
        same = meeting.topic == request.topic if request.topic else bool(meeting.topic)
        found.expect(same, "$.topic", "is not the request's" if request.topic else "was to be chosen")
        found.aware(meeting.created_at, "$.created_at")
        _check_sizes(meeting, found)
        _check_references(meeting, found)
    return meeting


def _check_sizes(meeting: BoardMeeting, found: Findings) -> None:
    for field, most in (
        ("agenda", MAX_AGENDA_ITEMS),
        ("attendees", MAX_ATTENDEES),
        ("statements", MAX_STATEMENTS),
        ("decisions", MAX_DECISIONS),
    ):
        found.expect(len(getattr(meeting, field)) <= most, f"$.{field}", f"holds more than {most}")
    said = [(f"$.statements[{at}].text", statement.text) for at, statement in enumerate(meeting.statements)]
    decided = [(f"$.decisions[{at}].text", decision.text) for at, decision in enumerate(meeting.decisions)]
    for path, text in said + decided:
        found.expect(0 < len(text) <= MAX_TEXT_CHARS, path, "is empty or too long")
    for at, point in enumerate(meeting.agenda):
        found.expect(point.minutes > 0, f"$.agenda[{at}].minutes", "is not positive")


def _check_references(meeting: BoardMeeting, found: Findings) -> None:
    points = [point.id for point in meeting.agenda]
    people = [attendee.executive for attendee in meeting.attendees]
    found.expect(len(set(points)) == len(points), "$.agenda", "has an id twice")
    found.expect(len(set(people)) == len(people), "$.attendees", "has an executive twice")
    for at, statement in enumerate(meeting.statements):
        found.expect(statement.agenda_item_id in points, f"$.statements[{at}].agenda_item_id", "is not on the agenda")
        found.expect(statement.executive in people, f"$.statements[{at}].executive", "does not attend")
    for at, decision in enumerate(meeting.decisions):
        found.expect(decision.agenda_item_id in points, f"$.decisions[{at}].agenda_item_id", "is not on the agenda")
        found.expect(decision.owner in people, f"$.decisions[{at}].owner", "does not attend")
