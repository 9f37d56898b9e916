"""A server that speaks OpenAI's chat completions, and sends whatever a test wants it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from backend.domains.csuite.providers.openai_compatible import OpenAICompatibleProvider

Behave = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
DONE = b"data: [DONE]\n\n"


def event(document: object) -> bytes:
    """A document as one event."""
    return f"data: {json.dumps(document)}\n\n".encode()


def chunk(content: object = None, finish: str | None = None, **delta: object) -> bytes:
    """A chunk of an answer; ``delta`` has what it says beside ``content``."""
    said = delta if content is None else {"content": content, **delta}
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


WHOLE = chunk("Hello") + chunk(" there") + chunk(finish="stop") + DONE


@dataclass
class Refusal:
    """An answer with a status of its own."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeModel:
    """Refuses as often as ``refusals`` says, and then answers every request as ``behave`` does."""

    refusals: list[Refusal] = field(default_factory=list)
    behave: Behave | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    def sends(self, *parts: bytes, stay: bool = False) -> None:
        """Answer with these parts, and then end the body or, to ``stay``, say nothing more."""

        async def behave(request: web.Request, response: web.StreamResponse) -> None:
            for part in parts:
                await response.write(part)
            if stay:
                await asyncio.Event().wait()

        self.behave = behave

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.requests.append(await request.json())
        self.keys.append(request.headers["Authorization"])
        if self.refusals:
            refusal = self.refusals.pop(0)
            body = refusal.body if refusal.body is not None else {"error": {"message": "key sk-secret refused"}}
            return web.json_response(body, status=refusal.status, headers=refusal.headers)
        response = web.StreamResponse(headers=self.headers)
        await response.prepare(request)
        if self.behave is None:
            await response.write(WHOLE)
        else:
            await self.behave(request, response)
        return response

    @asynccontextmanager
    async def provider(self, timeout_seconds: float = 5) -> AsyncIterator[OpenAICompatibleProvider]:
        """The product's client of this server."""
        made = OpenAICompatibleProvider("openai", f"{self.url}/v1", "sk-secret", "qwen3", timeout_seconds)
        try:
            yield made
        finally:
            await made.close()


@asynccontextmanager
async def fake_model() -> AsyncIterator[FakeModel]:
    """One that listens until the block ends."""
    made = FakeModel()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
