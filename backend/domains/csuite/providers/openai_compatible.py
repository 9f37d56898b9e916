"""Any endpoint that speaks OpenAI's chat completions, hosted or on this machine."""

from collections.abc import AsyncGenerator
from typing import Literal

import httpx2
import openai
import structlog
from openai.types.chat import ChatCompletionMessageParam

from backend.kernel.errors import ProviderTimeout, ProviderUnavailable
from module_sdk.module import ChatPrompt

log = structlog.get_logger(__name__)


class OpenAICompatibleProvider:
    """Streams from ``base_url``; at most two retries, and none once the answer has begun.

    Redirects are refused and the environment's proxies ignored, so that the key goes to the named host alone.
    """

    def __init__(
        self, name: Literal["openai", "local"], base_url: str, api_key: str, model: str, timeout_seconds: float
    ) -> None:
        self._name, self._model = name, model
        timeout = httpx2.Timeout(timeout_seconds, connect=5)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=2,
            timeout=timeout,
            http_client=httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False),
        )

    @property
    def name(self) -> str:
        """``openai`` or ``local``."""
        return self._name

    @property
    def model(self) -> str:
        """The model asked for."""
        return self._model

    async def stream(self, prompt: ChatPrompt) -> AsyncGenerator[str]:
        """Pieces of the answer; an upstream error becomes a problem that says what to do, the rest goes to the log."""
        try:
            completion = await self._client.chat.completions.create(
                model=self._model, messages=_messages(prompt), stream=True
            )
            async with completion:
                async for chunk in completion:
                    if chunk.choices and (text := chunk.choices[0].delta.content):
                        yield text
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            log.warning("provider_timeout", provider=self._name, model=self._model)
            raise ProviderTimeout("It was given up waiting for the model; try again.") from error
        except openai.APIStatusError as error:
            log.warning("provider_refused", provider=self._name, model=self._model, status=error.status_code)
            raise ProviderUnavailable(_explain(error.status_code)) from error
        except (openai.APIError, httpx2.HTTPError) as error:
            log.warning("provider_failed", provider=self._name, model=self._model, reason=type(error).__name__)
            raise ProviderUnavailable("The connection to the model broke; try again.") from error

    async def close(self) -> None:
        """Close kept connections."""
        await self._client.close()


def _messages(prompt: ChatPrompt) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": prompt.system}]
    for turn in prompt.turns:
        if turn.role == "user":
            messages.append({"role": "user", "content": turn.content})
        else:
            messages.append({"role": "assistant", "content": turn.content})
    return messages


def _explain(status: int) -> str:
    match status:
        case 401 | 403:
            return "The model provider refused our key; the operator has to check LLM_API_KEY."
        case 404:
            return "The model provider does not know the model; the operator has to check LLM_MODEL."
        case 429:
            return "The model provider is over its limit; try again in a minute."
        case _:
            return f"The model provider answered with status {status}; try again."
