"""Any endpoint that speaks OpenAI's chat completions, hosted or on this machine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
import structlog

from backend.domains.csuite.errors import PromptTooLong, ProviderBusy
from backend.domains.csuite.providers.base import Piece
from backend.domains.csuite.providers.completions import CompletionReader
from backend.domains.csuite.providers.history import alternating, fewer
from backend.domains.csuite.providers.refusals import refusal, retry_after_of
from backend.kernel.egress.client import GuardedClient, OutboundError, OutboundStream
from backend.kernel.errors import ProblemError, ProviderTimeout
from module_sdk.contract.module import BUDGET_CHARS, ChatPrompt

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 5.0
RETRIES: Final = 2
PAUSE_SECONDS: Final = 0.5
#: Whoever waits longer is told so instead, and can decide.
LONGEST_PAUSE: Final = 2.0
#: For what may follow the reason why an answer ended (a count of tokens), and for the end of the body after it said
#: that it is done: a connection that is read to its end can be used again.
REST_SECONDS: Final = 1.0
END_SECONDS: Final = 0.1
#: No refusal makes the budget smaller than this: other conversations have fewer words, and modules their instructions.
LEAST_BUDGET: Final = 4_000
_MOST_ERROR_BYTES: Final = 65_536


class OpenAICompatibleProvider:
    """Streams from ``base_url``; at most two retries, and none once the answer has begun.

    ``timeout_seconds`` is the longest wait for text: comments, empty pieces and thoughts do not lengthen it, nor do
    retries. Redirects are refused and the environment's proxies ignored, so that the key goes to the named host alone.
    """

    def __init__(
        self, name: Literal["openai", "local"], base_url: str, api_key: str, model: str, timeout_seconds: float
    ) -> None:
        self._name, self._model = name, model
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
        }
        self._timeout = timeout_seconds
        self._budget = BUDGET_CHARS
        # The operator named the host, which may well be in their own network.
        self._client = GuardedClient(
            [urlsplit(base_url).netloc], private=True, connect_seconds=CONNECT_SECONDS, connections=0
        )

    @property
    def name(self) -> str:
        """``openai`` or ``local``."""
        return self._name

    @property
    def model(self) -> str:
        """The model asked for."""
        return self._model

    @property
    def budget_chars(self) -> int:
        """What fitted the last time that a prompt was too long."""
        return self._budget

    async def stream(self, prompt: ChatPrompt) -> AsyncGenerator[Piece]:
        """Pieces of the answer; an upstream error becomes a problem that says what to do, the rest goes to the log."""
        wait, begun, retries, turns = Wait(self._timeout), False, 0, prompt.turns
        while True:
            try:
                async with aclosing(self._attempt(ChatPrompt(system=prompt.system, turns=turns), wait)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                return
            except PromptTooLong as problem:
                shorter = None if begun else fewer(turns)
                if shorter is None:
                    raise
                turns = shorter
                self._log("prompt_shortened", problem, turns=len(turns))
                self._budget = max(LEAST_BUDGET, len(prompt.system) + sum(len(turn.content) for turn in turns))
            except ProviderBusy as problem:
                pause = PAUSE_SECONDS * 2**retries if problem.retry_after is None else problem.retry_after
                if begun or retries == RETRIES or pause > min(LONGEST_PAUSE, wait.left):
                    raise
                retries += 1
                await asyncio.sleep(pause)

    async def _attempt(self, prompt: ChatPrompt, wait: "Wait") -> AsyncGenerator[Piece]:
        try:
            body = msgspec.json.encode({"model": self._model, "messages": _messages(prompt), "stream": True})
            async with asyncio.timeout_at(wait.until):
                response = await self._client.post(self._url, body, self._headers)
            async with response:
                if response.status != 200:
                    async with asyncio.timeout_at(wait.until):
                        error = await response.read(_MOST_ERROR_BYTES)
                    raise refusal(response.status, _decoded(error), retry_after_of(response.headers))
                async with aclosing(self._read(response, wait)) as pieces:
                    async for piece in pieces:
                        yield piece
        except TimeoutError as error:
            problem: ProblemError = ProviderTimeout("It was given up waiting for the model; try again.")
            self._log("provider_timeout", problem)
            raise problem from error
        except OutboundError as error:
            problem = ProviderBusy("The connection to the model broke; try again.")
            self._log("provider_failed", problem, reason=str(error))
            raise problem from error
        except ProblemError as problem:
            self._log("provider_refused", problem)
            raise

    async def _read(self, response: OutboundStream, wait: "Wait") -> AsyncGenerator[Piece]:
        reader = CompletionReader()
        while True:
            try:
                async with asyncio.timeout_at(wait.until):
                    data = await response.read()
            except (TimeoutError, OutboundError):
                if not reader.finished:
                    raise
                data = b""
            if not data:
                break
            for piece in reader.feed(data):
                wait.note(piece)
                yield piece
            if reader.finished:
                wait.at_most(END_SECONDS if reader.done else REST_SECONDS)
        for piece in reader.end():
            yield piece

    async def close(self) -> None:
        """Close kept connections."""
        await self._client.close()

    def _log(self, event: str, problem: ProblemError, **more: object) -> None:
        log.warning(event, provider=self._name, model=self._model, code=problem.code, detail=problem.detail, **more)


class Wait:
    """Until when text has to come. Text of the answer alone begins the wait anew."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self.until = self._loop.time() + seconds

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return self.until - self._loop.time()

    def note(self, piece: Piece) -> None:
        """Something came."""
        if isinstance(piece, str) and piece.strip():
            self.until = self._loop.time() + self._seconds

    def at_most(self, seconds: float) -> None:
        """Wait no longer than this from now on."""
        self.until = min(self.until, self._loop.time() + seconds)


def _messages(prompt: ChatPrompt) -> list[dict[str, str]]:
    turns = [{"role": turn.role, "content": turn.content} for turn in alternating(prompt.turns)]
    return [{"role": "system", "content": prompt.system}, *turns]


def _decoded(body: bytes) -> object:
    """An error's document, unwrapped if it is wrapped, or its text."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode("utf-8", "replace")
    return document.get("error") or document if isinstance(document, dict) else document
