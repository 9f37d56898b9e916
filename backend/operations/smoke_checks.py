"""What the smoke test holds answers and refusals to."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from uuid import UUID

import httpx

from backend.operations.errors import OperationFailed
from module_sdk.api.client import ApiError, ChatEvent, StreamItem
from module_sdk.api.client.stream import read_event
from module_sdk.api.csuite import Failed, Message, Started
from module_sdk.api.sse import SseParser


class SmokeFailed(OperationFailed):
    """One line: the step, and what was not as the contract says."""


def expect(condition: bool, complaint: str) -> None:
    """Raise :class:`SmokeFailed` with the complaint unless the condition holds."""
    if not condition:
        raise SmokeFailed(complaint)


def cut_points(count: int) -> list[int]:
    """Every point at which a stream of ``count`` events can break, of long streams a dozen with both ends."""
    step = max(1, count // 12)
    return sorted({*range(0, count, step), count - 1, count})


async def read_frames(response: httpx.Response) -> list[bytes]:
    """The stream's events, each as its bytes, without the comments that keep it alive."""
    body = b"".join([chunk async for chunk in response.aiter_bytes()])
    return [frame for frame in body.split(b"\n\n") if frame and not frame.startswith(b":")]


def parse_frames(frames: list[bytes]) -> list[ChatEvent]:
    """The events that the frames are."""
    parser = SseParser()
    read = [read_event(raw) for frame in frames for raw in parser.feed(frame + b"\n\n")]
    return [event for event in read if event is not None]


async def collect(stream: AsyncGenerator[StreamItem]) -> list[ChatEvent]:
    """Every event of an answer."""
    async with aclosing(stream):
        return [item async for item in stream if isinstance(item, ChatEvent)]


def answer_id(events: list[ChatEvent]) -> UUID:
    """The id that the first event names."""
    first = events[0]
    if not isinstance(first.data, Started):
        raise SmokeFailed(f"the first event is {first.event}")
    return first.data.message.id


def ended(events: list[ChatEvent]) -> Message:
    """The whole answer; raises unless the events have the form of the contract and end well."""
    expect(bool(events), "the stream had no events")
    numbers = [event.id for event in events]
    expect(numbers == list(range(1, len(events) + 1)), f"events are not numbered without gaps: {numbers}")
    expected = answer_id(events)
    between = {event.event for event in events[1:-1]}
    expect(between <= {"message.thought", "message.delta"}, "something but thoughts and text between both ends")
    last = events[-1].data
    if isinstance(last, Failed):
        raise SmokeFailed(f"the answer failed: {last.message.error.code if last.message.error else 'without a reason'}")
    if not isinstance(last, Message):
        raise SmokeFailed(f"the last event is {events[-1].event}")
    expect(last.id == expected, "the first and the last event name different messages")
    return last


async def refused(attempt: Awaitable[object], status: int, code: str, what: str) -> None:
    """Raise :class:`SmokeFailed` unless the API refuses the attempt with this status and code."""
    try:
        await attempt
    except ApiError as error:
        found = f"{error.problem.status} {error.problem.code}"
        expect(found == f"{status} {code}", f"{what} got {found}, not {status} {code}")
        return
    raise SmokeFailed(f"{what} was allowed")
