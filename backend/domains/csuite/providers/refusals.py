"""What a model provider's refusal means for the person who asked, and for the operator."""

import re
from collections.abc import Mapping
from typing import Final

from backend.domains.csuite.errors import PromptTooLong, ProviderBusy
from backend.kernel.errors import ProblemError, ProviderUnavailable

# The words of OpenAI, Azure, vLLM, llama.cpp, LM Studio, TGI, Fireworks, Groq, Mistral, Gemini, Anthropic, DashScope.
_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context|maximum model length|context (?:length|size|window)"
    r"|prompt (?:is|was) too long|too many (?:input )?tokens|reduce the length|input length should"
    r"|(?:inputs?|prompt|tokens?)\W.{0,80}(?:exceed|must be <=|too (?:long|large))",
    re.DOTALL,
)
_LASTING: Final = (
    (
        402,
        re.compile(r"insufficient_quota|insufficient (?:balance|credit|funds)|billing|credit balance"),
        "The account at the model provider has no credit left; the operator has to see to it.",
    ),
    (
        401,
        re.compile(r"invalid_api_key|invalid_authentication|authentication_error|incorrect api key"),
        "The model provider refused our key; the operator has to check LLM_API_KEY.",
    ),
    (
        403,
        re.compile(r"permission_denied|permission_error"),
        "The model provider does not let our key use the model; the operator has to check LLM_API_KEY and LLM_MODEL.",
    ),
    (
        404,
        re.compile(r"model_not_found|model.{0,80}(?:does not exist|not found)", re.DOTALL),
        "The model provider does not know the model; the operator has to check LLM_MODEL.",
    ),
)
"""What does not pass by itself: a status, or words that come with others, and what to do."""
_LIMITED: Final = re.compile(r"rate_limit|rate limit|too many requests|tokens per min|requests per min")
_FILTERED: Final = re.compile(r"content_filter|content_policy|content management policy|responsibleai|data_inspection")
_MOST_READ: Final = 4_000
_MAY_PASS: Final = frozenset({408, 409, 425})


def refusal(status: int | None, error: object, retry_after: float | None = None) -> ProblemError:
    """The problem for a status, or for an error object that came in place of an answer."""
    said = _words(error)
    status = status or _status_in(error)
    if status == 413 or (_TOO_LONG.search(said) and status not in {401, 403, 429}):
        return PromptTooLong("Shorten the question, or ask the operator for a model that reads more.")
    for kind, words, advice in _LASTING:
        if status == kind or words.search(said):
            return ProviderUnavailable(advice)
    if status == 429 or _LIMITED.search(said):
        detail = f"The model provider is over its limit; try again {_spoken(retry_after)}."
        return ProviderBusy(detail, retry_after=retry_after)
    if _FILTERED.search(said):
        return ProviderUnavailable("The model provider's filter refused the question; put it in other words.")
    return _other(status, retry_after)


def _other(status: int | None, retry_after: float | None) -> ProblemError:
    what = f"answered with status {status}" if status else "reported an error"
    if status is None or status in _MAY_PASS or status >= 500:
        when = f" {_spoken(retry_after)}" if retry_after else ""
        return ProviderBusy(f"The model provider {what}; try again{when}.", retry_after=retry_after)
    return ProviderUnavailable(f"The model provider {what}; if that goes on, the operator has to check the settings.")


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """How many seconds the provider wants to be left alone, if it says so as a number."""
    for name, unit in (("Retry-After-Ms", 1000), ("Retry-After", 1)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds < 1e9:
            return seconds
    return None


def _words(error: object) -> str:
    """Everything that an error says of itself, to be searched, never to be shown: it may quote our key."""
    parts: list[str] = []
    waiting = [error]
    while waiting and len(parts) < 20:
        match waiting.pop(0):
            case str() as text:
                parts.append(text)
            case dict() as fields:
                waiting += [value for value in fields.values() if isinstance(value, str | dict)]
    return " ".join(parts)[:_MOST_READ].lower()


def _status_in(error: object) -> int | None:
    """Some providers put the status into the error object."""
    if isinstance(error, dict):
        for name in ("code", "status", "status_code"):
            if str(error.get(name, "")).isdecimal() and 400 <= int(str(error[name])[:6]) < 600:
                return int(error[name])
    return None


def _spoken(seconds: float | None) -> str:
    if seconds is None:
        return "in a minute"
    if seconds <= 90:
        return f"in {max(1, round(seconds))} seconds"
    return f"in {round(seconds / 60)} minutes" if seconds < 5400 else f"in {round(seconds / 3600)} hours"
