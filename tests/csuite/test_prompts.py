"""What a model is asked: turns that alternate, and no more than it can read."""

from collections.abc import AsyncIterator

import pytest

from backend.domains.csuite.providers.history import alternating
from backend.kernel.errors import ProblemError
from module_sdk.contract.module import ChatPrompt, ChatTurn
from tests.support.model import FakeModel, Refusal, event, fake_model


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with fake_model() as made:
        yield made


async def ask(model: FakeModel, prompt: ChatPrompt) -> str:
    async with model.provider() as provider:
        return "".join([piece async for piece in provider.stream(prompt) if isinstance(piece, str)])


async def problem(model: FakeModel, prompt: ChatPrompt) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await ask(model, prompt)
    return caught.value


TOO_LONG = {
    "OpenAI": (400, {"code": "context_length_exceeded", "message": "This model's maximum context length is 8192…"}),
    "vLLM": (400, {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000."}),
    "vLLM, old": (400, {"message": "The decoder prompt (length 5) is longer than the maximum model length of 4."}),
    "llama.cpp": (400, {"code": 400, "type": "exceed_context_size_error", "message": "…", "n_ctx": 512}),
    "llama.cpp, old": (500, {"message": "the request exceeds the available context size. try increasing it"}),
    "Fireworks": (400, {"message": "The prompt is too long: 40961, model maximum context length: 40960"}),
    "TGI": (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"),
    "Gemini": (400, {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}),
    "LM Studio": (400, "the model is loaded with context length of only 4096 tokens, which is not enough"),
    "Mistral": (400, {"message": "Prompt contains 9 tokens, too large for model with 8 maximum context length"}),
    "DashScope": (400, {"message": "Range of input length should be [1, 30720]"}),
    "a proxy": (413, {"message": "Request Entity Too Large"}),
}
SHORT = ChatPrompt(system="You are the CEO.", turns=[ChatTurn(role="user", content="Hi")])
LONG = ChatPrompt(
    system="You are the CEO.",
    turns=[ChatTurn(role="assistant" if at % 2 else "user", content=f"{at} {'x' * 998}") for at in range(19)],
)


@pytest.mark.parametrize("case", TOO_LONG)
async def test_a_prompt_that_is_too_long_is_shortened_and_what_fitted_is_remembered(
    model: FakeModel, case: str
) -> None:
    status, error = TOO_LONG[case]
    model.refusals = [Refusal(status, {"error": error})] * 2
    async with model.provider() as provider:
        before = provider.budget_chars
        assert [piece async for piece in provider.stream(LONG)] == ["Hello", " there"]
        sizes = [sum(len(turn["content"]) for turn in request["messages"]) for request in model.requests]
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == 3
        assert sizes[-1] <= provider.budget_chars < before
    for request in model.requests:
        roles = [turn["role"] for turn in request["messages"]]
        assert roles == ["system", *(["user", "assistant"] * 20)[: len(roles) - 1]]
        assert request["messages"][-1]["content"] == LONG.turns[-1].content


async def test_too_long_told_within_the_stream(model: FakeModel) -> None:
    model.sends(event({"error": {"message": "context length of only 4096 tokens"}}))
    found = await problem(model, LONG)
    assert (found.code, len(model.requests)) == ("prompt_too_long", 5)
    assert len(model.requests[-1]["messages"]) == 2


async def test_a_question_that_is_too_long_by_itself_is_told_in_words(model: FakeModel) -> None:
    model.refusals = [Refusal(400, {"error": {"code": "context_length_exceeded"}})]
    found = await problem(model, SHORT)
    assert (found.code, len(model.requests)) == ("prompt_too_long", 1)
    assert "Shorten the question" in str(found.detail)


def turns(*said: str) -> list[ChatTurn]:
    return [ChatTurn(role="assistant" if item.startswith("A") else "user", content=item) for item in said]


@pytest.mark.parametrize(
    ("history", "sent"),
    [
        (turns("Q1", "A1", "Q2"), turns("Q1", "A1", "Q2")),
        (turns("A0", "Q1", "A1", "Q2"), turns("Q1", "A1", "Q2")),
        (turns("Q1", "Q2"), turns("Q1\n\nQ2")),
        (turns("A0", "Q1", "Q2", "A2", "Q3", "Q4", "Q5"), turns("Q1\n\nQ2", "A2", "Q3\n\nQ4\n\nQ5")),
        (turns("Q1", "A1", "A2", "Q2"), turns("Q1", "A1\n\nA2", "Q2")),
        (
            [*turns("Q1"), ChatTurn(role="assistant", content="<think>No.</think>\nYes."), *turns("Q2")],
            [*turns("Q1"), ChatTurn(role="assistant", content="Yes."), *turns("Q2")],
        ),
        (
            [*turns("Q1"), ChatTurn(role="assistant", content="<think>never closed"), *turns("Q2")],
            turns("Q1\n\nQ2"),
        ),
    ],
)
async def test_roles_alternate_whatever_was_cut(
    model: FakeModel, history: list[ChatTurn], sent: list[ChatTurn]
) -> None:
    assert alternating(history) == sent
    await ask(model, ChatPrompt(system="S", turns=history))
    assert [(turn["role"], turn["content"]) for turn in model.requests[0]["messages"][1:]] == [
        (turn.role, turn.content) for turn in sent
    ]
