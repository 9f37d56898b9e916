"""What servers that call themselves OpenAI-compatible really send: read as far as it can be, and told in words."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web

from backend.domains.csuite.providers.base import CutShort, Piece, Thinking
from backend.domains.csuite.providers.openai_compatible import Wait
from backend.kernel.errors import ProblemError
from module_sdk.contract.module import ChatPrompt, ChatTurn
from tests.support.model import DONE, WHOLE, FakeModel, Refusal, chunk, event, fake_model

SOON = {"Retry-After-Ms": "1"}
END = chunk(finish="stop") + DONE
PROMPT = ChatPrompt(system="You are the CEO.", turns=[ChatTurn(role="user", content="Hi")])


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with fake_model() as made:
        yield made


async def collect(model: FakeModel, *, seconds: float = 5) -> list[Piece]:
    async with model.provider(seconds) as provider:
        return [piece async for piece in provider.stream(PROMPT)]


async def problem(model: FakeModel, *, seconds: float = 5) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await collect(model, seconds=seconds)
    assert "sk-secret" not in str(caught.value.detail)
    return caught.value


def text(pieces: Sequence[Piece]) -> str:
    said: list[str] = []
    for piece in pieces:
        if isinstance(piece, Thinking) and piece.instead:
            said.clear()
        elif isinstance(piece, str):
            said.append(piece)
    return "".join(said)


def thought(pieces: Sequence[Piece]) -> str:
    thoughts: list[str] = []
    for at, piece in enumerate(pieces):
        if isinstance(piece, Thinking):
            if piece.instead:
                thoughts += [earlier for earlier in pieces[:at] if isinstance(earlier, str)]
            thoughts.append(piece.text)
    return "".join(thoughts).strip()


THOUGHTS = {
    "opened": ("<think>\nGrow or save?\n</think>\n\nGrow.", "Grow or save?", "Grow."),
    "after blank lines": ("\n\n<think>Grow?</think>Grow.", "Grow?", "Grow."),
    "twice": ("<think>One.</think>\n<think>Two.</think>\nGrow.", "One.Two.", "Grow."),
    "not opened": ("Grow or save?\n</think>\n\nGrow.", "Grow or save?", "Grow."),
    "empty": ("<think>\n\n</think>\n\nGrow.", "", "Grow."),
    "only closed": ("</think>\n\nGrow.", "", "Grow."),
    "unclosed": ("<think>Grow or save or", "Grow or save or", ""),
    "talked about": (
        "Models write <think> and </think>.\n</think>",
        "",
        "Models write <think> and </think>.\n</think>",
    ),
    "talked about afterwards": ("<think>Hm.</think>Use <think>.", "Hm.", "Use <think>."),
    "closed in a sentence": ("Close it with </think> at once.", "", "Close it with </think> at once."),
    "less than": ("If a <b and c < d <", "", "If a <b and c < d <"),
    "no thought": ("  Grow.", "", "  Grow."),
}


@pytest.mark.parametrize("case", THOUGHTS)
async def test_thoughts_in_the_text_are_told_from_the_answer_wherever_they_are_cut(model: FakeModel, case: str) -> None:
    sent, thinks, says = THOUGHTS[case]
    cuts = [[sent[:at], sent[at:]] for at in range(1, len(sent))]
    for pieces in ([sent], list(sent), *cuts):
        model.sends(*(chunk(piece) for piece in pieces), END)
        found = await collect(model)
        assert (thought(found), text(found)) == (thinks, says), pieces


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_thoughts_in_a_field_of_their_own(model: FakeModel, name: str) -> None:
    model.sends(*(chunk(**{name: part}) for part in ("Grow ", "or save?")), chunk("Grow."), END)
    assert await collect(model) == [Thinking("Grow "), Thinking("or save?"), "Grow."]


async def test_a_thought_under_both_names_is_told_once(model: FakeModel) -> None:
    model.sends(chunk(reasoning="Hm.", reasoning_content="Hm."), chunk("Grow.", reasoning=None), END)
    assert await collect(model) == [Thinking("Hm."), "Grow."]


ODD = {
    "no delta": event({"choices": [{"index": 0, "finish_reason": None}]}),
    "delta is null": event({"choices": [{"index": 0, "delta": None}]}),
    "choice is null": event({"choices": [None]}),
    "choices are null": event({"choices": None}),
    "choices are missing": event({"usage": {"total_tokens": 3}}),
    "choices are empty": event({"choices": [], "prompt_filter_results": []}),
    "content is null": event({"choices": [{"delta": {"role": "assistant", "content": None}}]}),
    "content is a number": event({"choices": [{"delta": {"content": 7}}]}),
    "finish_reason is empty": event({"choices": [{"delta": {"content": ""}, "finish_reason": ""}]}),
    "broken line": b'data: {"choices": [{"delta": {"content": "Bro\n\n',
    "no JSON": b"data: keep going\n\n",
    "a list": b"data: [1, 2]\n\n",
    "empty data": b"data:\n\ndata: \n\n",
    "no field": b'{"half": \n\n',
    "comment": b": OPENROUTER PROCESSING\n\n",
    "other fields": b"event: ping\nretry: 3\nid: 9\ndata: {}\n\n",
    "no UTF-8": b"data: \xff\xfe\n\n",
    "another choice": event({"choices": [{"index": 1, "delta": {"content": "Other"}}]}),
}


@pytest.mark.parametrize("case", ODD)
async def test_what_cannot_be_read_is_skipped(model: FakeModel, case: str) -> None:
    model.sends(ODD[case], chunk("Hello"), ODD[case], chunk(" there"), ODD[case], END)
    assert text(await collect(model)) == "Hello there"


async def test_nothing_but_what_cannot_be_read(model: FakeModel) -> None:
    for sent in (*ODD.values(), b"<html><body>Welcome</body></html>", b"", b'{"detail": "Not here"}', b"{"):
        model.sends(sent)
        assert (await problem(model)).code == "provider_unavailable"


LINES = (chunk("Hello") + chunk(" there") + END).decode()


@pytest.mark.parametrize(
    "body",
    [
        LINES.replace("\n", "\r\n"),
        LINES.replace("\n", "\r"),
        LINES.replace("\n\n", "\n"),
        LINES.replace("data: ", "data:"),
        LINES.rstrip("\n"),
        "\ufeff" + LINES,
        LINES.replace("\n\n", "\n\n: ping\n\n"),
    ],
)
async def test_line_ends_of_every_kind(model: FakeModel, body: str) -> None:
    sent = body.encode()
    for parts in ([sent], [sent[at : at + 7] for at in range(0, len(sent), 7)]):
        model.sends(*parts)
        assert text(await collect(model)) == "Hello there"


async def test_content_in_parts(model: FakeModel) -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Hello"},
        None,
        {"type": "image_url", "image_url": {}},
        " there",
    ]
    model.sends(chunk(parts), END)
    assert await collect(model) == [Thinking("Hm."), "Hello", " there"]


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_plain_answer_to_a_streaming_request(model: FakeModel, kind: str) -> None:
    model.headers = {"Content-Type": kind}
    message = {"role": "assistant", "content": "<think>Hm.</think>Hello", "reasoning_content": None}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "length"}]}, indent=2)
    model.sends(body[:30].encode(), body[30:].encode())
    assert await collect(model) == [Thinking("Hm."), "Hello", CutShort("length")]


@pytest.mark.parametrize("end", [CutShort("length"), CutShort("content_filter")])
async def test_an_answer_that_was_cut_off_says_why(model: FakeModel, end: CutShort) -> None:
    model.sends(chunk("Hello"), chunk(finish=end.reason) + event({"choices": [], "usage": {"total_tokens": 3}}) + DONE)
    assert await collect(model) == ["Hello", end]


@pytest.mark.parametrize(("then", "words"), [(b"", "broke off"), (event({"error": {"code": 503}}), "status 503")])
async def test_a_failure_after_text_keeps_the_text_and_is_not_repeated(
    model: FakeModel, then: bytes, words: str
) -> None:
    """A clean end without a reason is one."""
    model.sends(chunk("Half") + then)
    async with model.provider() as provider:
        pieces = provider.stream(PROMPT)
        assert await anext(pieces) == "Half"
        with pytest.raises(ProblemError, match=words) as caught:
            await anext(pieces)
    assert (caught.value.code, len(model.requests)) == ("provider_unavailable", 1)


@pytest.mark.parametrize("end", [chunk(finish="stop"), DONE, chunk(" there", finish="stop")])
async def test_an_answer_that_says_its_end_need_not_close_the_connection(model: FakeModel, end: bytes) -> None:
    model.sends(chunk("Hello"), end, stay=True)
    assert text(await collect(model)) in ("Hello", "Hello there")


NO_TEXT = {
    "comments": b": processing\n\n",
    "empty deltas": chunk(""),
    "blank text": chunk("\n"),
    "thoughts": chunk(reasoning_content="still thinking "),
    "a thought in the text": chunk("<think>still thinking "),
}


@pytest.mark.parametrize("case", NO_TEXT)
async def test_only_text_lengthens_the_wait(model: FakeModel, case: str) -> None:
    sent = asyncio.Semaphore(0)

    async def keep_busy(_: web.Request, response: web.StreamResponse) -> None:
        while True:
            await response.write(NO_TEXT[case])
            sent.release()
            await asyncio.sleep(0.01)

    model.behave = keep_busy
    found = await problem(model, seconds=1)
    assert (found.code, len(model.requests)) == ("provider_timeout", 1)
    await sent.acquire()  # it was not for silence


async def test_text_lengthens_the_wait() -> None:
    wait = Wait(60)
    begun = wait.until
    for piece in (Thinking("Hm."), "\n", CutShort("length")):
        wait.note(piece)
        assert wait.until == begun
    await asyncio.sleep(0.001)
    wait.note("Grow")
    assert wait.until > begun


QUOTA = {"error": {"code": "insufficient_quota", "type": "insufficient_quota", "message": "You exceeded your quota"}}
REFUSALS = {
    "key": (Refusal(401), 1, "LLM_API_KEY"),
    "permission": (Refusal(403), 1, "does not let our key use the model"),
    "no such model": (Refusal(404), 1, "LLM_MODEL"),
    "no such model, as 400": (Refusal(400, {"error": {"code": "model_not_found"}}), 1, "LLM_MODEL"),
    "no credit": (Refusal(429, QUOTA), 1, "no credit left"),
    "no credit, as 402": (Refusal(402, {"error": "Payment required"}), 1, "no credit left"),
    "limit, soon over": (Refusal(429, headers=SOON), 3, "over its limit"),
    "limit, over in minutes": (Refusal(429, headers={"Retry-After": "1200"}), 1, "try again in 20 minutes"),
    "limit, over in seconds": (Refusal(429, headers={"Retry-After": "31"}), 1, "try again in 31 seconds"),
    "filter": (Refusal(400, {"error": {"code": "content_filter"}}), 1, "other words"),
    "fault": (Refusal(500, headers=SOON), 3, "status 500"),
    "overloaded": (Refusal(529, {"error": {"type": "overloaded_error"}}, SOON), 3, "status 529"),
    "maintenance": (Refusal(503, "Back soon", {"Retry-After": "3600"}), 1, "try again in 60 minutes"),
    "malformed": (Refusal(400, {"error": {"message": "bad parameter"}}), 1, "check the settings"),
    "no document": (Refusal(418, []), 1, "status 418"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_each_refusal_has_its_words_and_nobody_waits_for_minutes(model: FakeModel, case: str) -> None:
    refusal, requests, words = REFUSALS[case]
    model.refusals = [refusal] * 3
    async with asyncio.timeout(25):
        found = await problem(model)
    assert (found.code, len(model.requests)) == ("provider_unavailable", requests)
    assert words in str(found.detail)


IN_STREAM = {
    "object": (event({"error": {"code": 429, "message": "Rate limit"}}), "over its limit"),
    "text": (event({"error": "model crashed"}), "reported an error"),
    "code as text": (event({"error": {"code": "502", "message": "Bad gateway"}}), "status 502"),
    "event": (b'event: error\ndata: {"message": "invalid_api_key"}\n\n', "LLM_API_KEY"),
    "old vLLM": (event({"object": "error", "message": "insufficient_quota", "code": 40303}), "no credit left"),
    "finish_reason": (chunk(finish="error"), "reported an error"),
    "whole body": (b'{"error": {"message": "oops"}}', "reported an error"),
}


@pytest.mark.parametrize("case", IN_STREAM)
async def test_an_error_within_the_stream_has_its_words(model: FakeModel, case: str) -> None:
    sent, words = IN_STREAM[case]
    model.sends(sent)
    found = await problem(model)
    assert found.code == "provider_unavailable"
    assert words in str(found.detail)


async def test_an_error_before_text_is_tried_again(model: FakeModel) -> None:
    answers = [event({"error": {"code": 503}}), WHOLE]

    async def behave(_: web.Request, response: web.StreamResponse) -> None:
        await response.write(answers.pop(0))

    model.behave = behave
    assert text(await collect(model)) == "Hello there"
