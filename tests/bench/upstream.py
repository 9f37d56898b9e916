"""Servers that the chat benchmarks run beside the API: a model that takes its time, and a bare pass-through to it."""

import asyncio
import sys
from typing import Final

from aiohttp import ClientSession, web

THINK_SECONDS: Final = 0.020
TOKENS: Final = 20


async def model(request: web.Request) -> web.StreamResponse:
    """An OpenAI-compatible answer: 20 ms to the first token, the rest at once."""
    await request.read()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await asyncio.sleep(THINK_SECONDS)
    for number in range(1, TOKENS + 1):
        await response.write(_chunk(f'{{"content":"word {number} "}}', "null"))
    await response.write(_chunk("{}", '"stop"') + b"data: [DONE]\n\n")
    return response


def _chunk(delta: str, reason: str) -> bytes:
    return (
        'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
        f'"choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}]}}\n\n'
    ).encode()


def passing(upstream: str) -> web.Application:
    """The least that stands between a client and a model: bytes in, bytes out."""
    app = web.Application()

    async def session(app: web.Application) -> object:
        async with ClientSession() as client:
            app["client"] = client
            yield

    async def forward(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with request.app["client"].post(upstream, data=body) as answer:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    app.cleanup_ctx.append(session)  # type: ignore[arg-type]  # an asynchronous generator, as the documentation has it
    app.router.add_post("/v1/chat/completions", forward)
    return app


def main() -> None:
    """``model PORT`` or ``pass PORT UPSTREAM``."""
    kind, port, *rest = sys.argv[1:]
    if kind == "model":
        app = web.Application()
        app.router.add_post("/v1/chat/completions", model)
    else:
        app = passing(rest[0])
    web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None)


if __name__ == "__main__":
    main()
