"""Real upstreams that misbehave: each fault becomes a failed message with words that help, and nothing is repeated."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from uuid import uuid4

import pytest
from aiohttp import web

from backend.domains.csuite.answer import MOST_CHARS, Answer, Assignment
from backend.domains.csuite.draft import Draft
from backend.domains.csuite.providers.base import Piece
from backend.domains.csuite.providers.mock import MockProvider, compose
from backend.domains.csuite.providers.openai_compatible import OpenAICompatibleProvider
from backend.kernel.errors import ProblemError
from backend.kernel.runs.streams import RunRef
from module_sdk.contract.module import ChatPrompt, ChatTurn
from tests.support.model import FakeModel, Refusal, chunk, fake_model

SOON = {"Retry-After-Ms": "1"}
PROMPT = ChatPrompt(
    system="Company: Acme\nGoals: Win; Grow",
    turns=[
        ChatTurn(role="user", content="Hi"),
        ChatTurn(role="assistant", content="Yes?"),
        ChatTurn(role="user", content="Go on"),
    ],
)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeModel]:
    async with fake_model() as made:
        yield made


async def collect(provider: OpenAICompatibleProvider) -> list[Piece]:
    return [piece async for piece in provider.stream(PROMPT)]


async def test_prompt_arrives_and_text_streams(upstream: FakeModel) -> None:
    async with upstream.provider() as provider:
        assert await collect(provider) == ["Hello", " there"]
    (request,) = upstream.requests
    assert (request["model"], request["stream"]) == ("qwen3", True)
    assert request["messages"] == [
        {"role": "system", "content": PROMPT.system},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Go on"},
    ]
    assert upstream.keys == ["Bearer sk-secret"]


async def test_retried_before_the_first_piece(upstream: FakeModel) -> None:
    upstream.refusals = [Refusal(status, headers=SOON) for status in (503, 500)]
    async with upstream.provider() as provider:
        assert await collect(provider) == ["Hello", " there"]
    assert len(upstream.requests) == 3


@pytest.mark.parametrize(
    ("status", "attempts", "words"),
    [
        (401, 1, "LLM_API_KEY"),
        (404, 1, "LLM_MODEL"),
        (429, 3, "over its limit"),
        (500, 3, "status 500"),
        (302, 1, "302"),
    ],
)
async def test_refusals_become_problems(upstream: FakeModel, status: int, attempts: int, words: str) -> None:
    upstream.refusals = [Refusal(status, headers=SOON)] * 3
    async with upstream.provider() as provider:
        with pytest.raises(ProblemError) as caught:
            await collect(provider)
    assert (caught.value.code, len(upstream.requests)) == ("provider_unavailable", attempts)
    assert words in str(caught.value.detail)
    assert "sk-secret" not in str(caught.value.detail)


async def test_broken_off_in_the_middle_is_not_repeated(upstream: FakeModel) -> None:
    async def break_off(request: web.Request, response: web.StreamResponse) -> None:
        await response.write(chunk("Half"))
        assert request.transport is not None
        request.transport.abort()

    upstream.behave = break_off
    async with upstream.provider() as provider:
        pieces = provider.stream(PROMPT)
        assert await anext(pieces) == "Half"
        with pytest.raises(ProblemError) as caught:
            await anext(pieces)
    assert (caught.value.code, len(upstream.requests)) == ("provider_unavailable", 1)


async def test_silence_times_out(upstream: FakeModel) -> None:
    upstream.sends(chunk("Wait"), stay=True)
    async with upstream.provider(timeout_seconds=0.3) as provider:
        with pytest.raises(ProblemError) as caught:
            await collect(provider)
    assert caught.value.code == "provider_timeout"


async def test_nobody_listens() -> None:
    provider = OpenAICompatibleProvider("openai", "http://127.0.0.1:9/v1", "k", "m", 2)
    with pytest.raises(ProblemError) as caught:
        await collect(provider)
    await provider.close()
    assert caught.value.code == "provider_unavailable"


async def test_mock_is_deterministic_and_knows_company_and_conversation() -> None:
    pieces = [piece async for piece in MockProvider(0).stream(PROMPT)]
    text = "".join(pieces)
    assert text == compose(PROMPT) == compose(PROMPT)
    assert all(known in text for known in ("Acme", "Win", "“Hi”", "| Move |"))
    other = ChatPrompt(system=PROMPT.system.replace("Acme", "Zeta"), turns=PROMPT.turns)
    assert compose(other) != text


class _Endless:
    """A model that repeats itself for ever."""

    name, model, budget_chars = "mock", "endless", 1000

    async def stream(self, prompt: ChatPrompt) -> AsyncGenerator[str]:
        while True:
            await asyncio.sleep(0)
            yield "and so on " * 1000

    async def close(self) -> None:
        pass


async def test_a_model_that_never_ends_is_cut_off() -> None:
    answer = Answer(Assignment(RunRef(uuid4(), uuid4()), uuid4(), Draft(_Endless(), PROMPT)), time.monotonic)
    async with asyncio.timeout(60):
        with pytest.raises(ProblemError) as caught:
            await answer.work()
    assert caught.value.code == "provider_unavailable"
    assert MOST_CHARS < len(answer.content) < MOST_CHARS + 20_000
