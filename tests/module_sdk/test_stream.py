"""Answers that arrive in pieces: every event once and in order, however often the connection is lost."""

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import httpx
import pytest

from module_sdk.api.client import (
    ApiClient,
    ApiError,
    ApiUnavailable,
    ChatEvent,
    Reconnecting,
    StreamItem,
    UnexpectedReplyError,
)
from module_sdk.api.client.stream import Patience
from module_sdk.api.csuite import ChatRequest, Delta, Failed, Message, Started, Thought
from tests.module_sdk.fake_api import Answer, FakeApi, problem
from tests.module_sdk.samples import MESSAGE, SAID, TALK, TENANT

CHAT = "/c-suite/ceo/chat"
RESUME = f"/c-suite/messages/{MESSAGE}/stream"
EVENT_STREAM = [("content-type", "text/event-stream; charset=utf-8")]
ANSWER = {**SAID, "role": "assistant", "content": "Grow fast.", "model": "m", "provider": "mock"}
STARTED = {"conversation": TALK, "question": SAID, "message": {**ANSWER, "status": "streaming", "content": ""}}


def frame(number: int, name: str, data: object) -> bytes:
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


FRAMES = [
    frame(1, "message.started", STARTED),
    frame(2, "message.delta", {"message_id": str(MESSAGE), "text": "Grow "}),
    frame(3, "message.delta", {"message_id": str(MESSAGE), "text": "fast."}),
    frame(4, "message.completed", ANSWER),
]


def stream(*frames: bytes, cut: bool = False, hang: bool = False) -> Answer:
    return Answer(200, b"".join(frames), EVENT_STREAM, cut=cut, hang=hang)


async def collect(items: AsyncGenerator[StreamItem, None]) -> tuple[list[ChatEvent], list[Reconnecting]]:
    events: list[ChatEvent] = []
    waits: list[Reconnecting] = []
    async with aclosing(items):
        async for item in items:
            if isinstance(item, ChatEvent):
                events.append(item)
            else:
                waits.append(item)
    return events, waits


def check_whole(events: list[ChatEvent]) -> None:
    assert [event.id for event in events] == [1, 2, 3, 4]
    assert [type(event.data) for event in events] == [Started, Delta, Delta, Message]
    assert "".join(event.data.text for event in events if isinstance(event.data, Delta)) == "Grow fast."
    assert [event.last for event in events] == [False, False, False, True]


async def test_thoughts_and_what_cut_an_answer_off(fake: FakeApi, api: ApiClient) -> None:
    thought = {"message_id": str(MESSAGE), "text": "Hm. "}
    end = {**ANSWER, "thought": "Hm.", "thought_seconds": 1.5, "cut_off": "length"}
    fake.queue(
        "POST",
        CHAT,
        stream(FRAMES[0], frame(2, "message.thought", thought), FRAMES[2], frame(4, "message.completed", end)),
    )
    events, _ = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="How?")))
    assert [type(event.data) for event in events] == [Started, Thought, Delta, Message]
    last = events[-1].data
    assert isinstance(last, Message)
    assert (last.thought, last.thought_seconds, last.cut_off) == ("Hm.", 1.5, "length")


async def test_an_answer_in_one_go(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(b": ping\n\n", *FRAMES, b"data: after the end\n\n"))
    events, waits = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)
    assert waits == []
    (sent,) = fake.seen
    assert json.loads(sent.body) == {"message": "Hi", "conversation_id": None}
    assert sent.headers["accept"] == "text/event-stream"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["x-tenant-id"] == str(TENANT)
    assert sent.headers["idempotency-key"]


WHOLE = b"".join(FRAMES)


@pytest.mark.parametrize("point", [*range(len(FRAMES[0]), len(WHOLE), 97), len(WHOLE) - 1])
async def test_a_connection_lost_anywhere_is_taken_up_where_it_was(fake: FakeApi, api: ApiClient, point: int) -> None:
    fake.queue("POST", CHAT, Answer(200, WHOLE[:point], EVENT_STREAM, cut=True))
    seen = sum(point >= sum(map(len, FRAMES[: count + 1])) for count in range(len(FRAMES)))
    fake.queue("GET", RESUME, stream(*FRAMES[seen:]))
    events, waits = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)
    assert [wait.attempt for wait in waits] == [1]
    assert [seen.headers["last-event-id"] for seen in fake.requests("GET", RESUME)] == [str(seen)]
    assert len(fake.requests("POST", CHAT)) == 1


async def test_a_stream_that_ends_early_in_good_order_is_taken_up_too(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(*FRAMES[:1]))
    fake.queue("GET", RESUME, stream(FRAMES[1]), stream(FRAMES[2]), stream(FRAMES[3]))
    events, waits = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)
    assert [wait.attempt for wait in waits] == [1, 1, 1]


async def test_events_sent_again_are_dropped(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(*FRAMES[:3], cut=True))
    fake.queue("GET", RESUME, stream(*FRAMES))
    events, _ = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)


async def test_a_gap_is_filled_by_resuming(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(FRAMES[0], FRAMES[2]))
    fake.queue("GET", RESUME, stream(*FRAMES[1:]))
    events, waits = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)
    assert len(waits) == 1
    assert fake.requests("GET", RESUME)[0].headers["last-event-id"] == "1"


async def test_an_old_answer_is_its_last_event_alone(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("GET", RESUME, stream(FRAMES[3]))
    events, waits = await collect(api.for_tenant(TENANT).resume(MESSAGE))
    assert [event.id for event in events] == [4]
    assert waits == []
    assert "last-event-id" not in fake.seen[0].headers


async def test_resuming_after_an_event(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("GET", RESUME, stream(*FRAMES[2:]))
    events, _ = await collect(api.for_tenant(TENANT).resume(MESSAGE, last_event_id=2))
    assert [event.id for event in events] == [3, 4]
    assert fake.seen[0].headers["last-event-id"] == "2"


async def test_a_failed_answer_ends(fake: FakeApi, api: ApiClient) -> None:
    failed = {**ANSWER, "status": "failed", "error": {"code": "provider_timeout", "title": "Too slow"}}
    fake.queue("POST", CHAT, stream(FRAMES[0], frame(2, "message.failed", {"message": failed})))
    events, _ = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    assert isinstance(events[-1].data, Failed)
    assert events[-1].data.message.error is not None
    assert events[-1].data.message.error.code == "provider_timeout"


async def test_events_of_a_later_version_are_passed_over(fake: FakeApi, api: ApiClient) -> None:
    later = b"event: message.mood\ndata: {}\n\n"
    fake.queue("POST", CHAT, stream(FRAMES[0], later, *FRAMES[1:]))
    events, _ = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)


async def test_a_question_lost_before_the_first_event_is_asked_again_under_the_same_key(
    fake: FakeApi, api: ApiClient
) -> None:
    fake.queue("POST", CHAT, stream(cut=True), problem(409, "request_in_flight"), stream(*FRAMES))
    events, waits = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)
    assert [wait.attempt for wait in waits] == [1, 2]
    assert len({sent.headers["idempotency-key"] for sent in fake.requests("POST", CHAT)}) == 1


async def test_a_question_that_was_never_sent_is_not_kept_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with ApiClient(f"http://127.0.0.1:{port}") as api:
        with pytest.raises(ApiUnavailable):
            await anext(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "request_in_flight"), (402, "limit_reached"), (429, "rate_limited"), (503, "unavailable")],
)
async def test_a_refused_question_is_not_asked_again(fake: FakeApi, api: ApiClient, status: int, code: str) -> None:
    fake.queue("POST", CHAT, problem(status, code))
    with pytest.raises(ApiError) as caught:
        await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    assert caught.value.problem.code == code
    assert len(fake.seen) == 1


async def test_resuming_waits_out_a_busy_api_and_ends_when_access_does(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(*FRAMES[:2], cut=True))
    fake.queue("GET", RESUME, problem(503, "unavailable"), problem(429, "rate_limited"), problem(404, "not_found"))
    items = api.for_tenant(TENANT).chat(ChatRequest(message="Hi"))
    seen = [type(await anext(items)) for _ in range(5)]
    assert seen == [ChatEvent, ChatEvent, Reconnecting, Reconnecting, Reconnecting]
    with pytest.raises(ApiError) as caught:
        await anext(items)
    assert caught.value.problem.code == "not_found"


async def test_patience_ends(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(FRAMES[0], cut=True))
    fake.queue("GET", RESUME, stream(cut=True))
    with pytest.raises(ApiUnavailable):
        await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    assert len(fake.requests("GET", RESUME)) == 3


async def test_silence_counts_as_a_lost_connection(
    fake: FakeApi, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("module_sdk.api.client.stream.STREAM_TIMEOUT", httpx.Timeout(0.2))
    fake.queue("POST", CHAT, stream(*FRAMES[:2], hang=True))
    fake.queue("GET", RESUME, stream(*FRAMES[2:]))
    events, waits = await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)
    assert len(waits) == 1


async def test_leaving_early_closes_the_connection(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("POST", CHAT, stream(*FRAMES[:2], hang=True))
    async with aclosing(api.for_tenant(TENANT).chat(ChatRequest(message="Hi"))) as items:
        await anext(items)
    assert fake.left.wait(5)


async def test_a_token_that_expired_meanwhile_is_replaced(fake: FakeApi, api: ApiClient) -> None:
    tokens = iter(["one", "two", "three"])

    async def provider() -> str:
        return next(tokens)

    fake.queue("POST", CHAT, stream(*FRAMES[:2], cut=True))
    fake.queue("GET", RESUME, problem(401, "session_expired"), stream(*FRAMES[2:]))
    events, _ = await collect(api.with_token(provider).for_tenant(TENANT).chat(ChatRequest(message="Hi")))
    check_whole(events)
    assert [sent.headers["authorization"] for sent in fake.seen] == ["Bearer one", "Bearer two", "Bearer three"]


async def test_regenerating_streams_like_a_chat(fake: FakeApi, api: ApiClient) -> None:
    other = UUID(int=9)
    fake.queue("POST", f"/c-suite/messages/{other}/regenerate", stream(*FRAMES[:2], cut=True))
    fake.queue("GET", RESUME, stream(*FRAMES[2:]))
    events, _ = await collect(api.for_tenant(TENANT).regenerate(other))
    check_whole(events)
    assert fake.seen[0].headers["idempotency-key"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"{}"),
        stream(b"event: message.delta\ndata: {}\n\n"),
        stream(frame(1, "message.delta", {"text": 1})),
        stream(b"id: x\nevent: message.delta\ndata: {}\n\n"),
        stream(b"id: 1\nevent: message.started\ndata: nonsense\n\n"),
    ],
)
async def test_streams_outside_the_contract(fake: FakeApi, api: ApiClient, answer: Answer) -> None:
    fake.queue("POST", CHAT, answer)
    with pytest.raises(UnexpectedReplyError):
        await collect(api.for_tenant(TENANT).chat(ChatRequest(message="Hi")))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1, None, None), 0.5),
        ((3, None, None), 2.0),
        ((9, None, None), 10.0),
        ((1, 2000, None), 2.0),
        ((1, 0, None), 0.5),
        ((1, None, 3.0), 3.0),
        ((1, None, 3600.0), 10.0),
        ((1, 10**15, None), 10.0),
    ],
)
def test_waits_double_and_are_bounded(arguments: tuple[Any, Any, Any], expected: float) -> None:
    assert Patience(delay=0.5).wait(*arguments) == expected
