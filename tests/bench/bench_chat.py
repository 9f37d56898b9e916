"""Time to the first token through the API, and resuming a finished answer."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp

from backend.settings import Settings
from tests.bench.litellm import VERSION, litellm
from tests.bench.serving import database, migrated_stack, newcomer, p95, row, upstream
from tests.support.process import api_process

ROUNDS: Final = 150
WARM_UP: Final = 30
PER_PERSON: Final = 30  # below the rate limit of a person
WORDS: Final = "How do we grow?"
QUESTION: Final = {"model": "m", "stream": True, "messages": [{"role": "user", "content": WORDS}]}


def run() -> list[dict[str, Any]]:
    """Rows of the benchmark table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream("model") as model,
        upstream("pass", f"{model}/chat/completions") as bare,
        litellm(model, Path(folder)) as proxy,
        migrated_stack(LLM_PROVIDER="openai", LLM_BASE_URL=model, LLM_API_KEY="benchmark", LLM_MODEL="m") as (
            environment,
            settings,
        ),
        api_process(environment) as (api, _),
    ):
        asked = {
            "direct": (f"{model}/chat/completions", {}),
            "bare": (f"{bare}/chat/completions", {}),
            "LiteLLM": proxy,
        }
        return _rows(asyncio.run(_measure(settings, api, asked)))


async def _measure(
    settings: Settings, api: str, asked: Mapping[str, tuple[str, dict[str, str]]]
) -> dict[str, list[float]]:
    """Milliseconds of each arm."""
    db = database(settings)
    times: dict[str, list[float]] = {arm: [] for arm in (*asked, "ours", "resume", "me")}
    headers: dict[str, str] = {}
    async with aiohttp.ClientSession() as http:
        for round_number in range(WARM_UP + ROUNDS):
            if round_number % PER_PERSON == 0:
                headers = await newcomer(db, api)
            taken = {arm: (await _first(http, url, QUESTION, key, b'"word 1 '))[0] for arm, (url, key) in asked.items()}
            chat = f"{api}/c-suite/ceo/chat"
            taken["ours"], body = await _first(http, chat, {"message": WORDS}, headers, b"message.delta")
            message_id = json.loads(body.split(b"data: ", 2)[1].split(b"\n")[0])["message"]["id"]
            taken["resume"] = await _whole(http, f"{api}/c-suite/messages/{message_id}/stream", headers)
            taken["me"] = await _whole(http, f"{api}/me", headers)
            if round_number >= WARM_UP:
                for arm, seconds in taken.items():
                    times[arm].append(seconds * 1000)
    await db.close()
    return times


def _rows(times: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    median = {arm: statistics.median(values) for arm, values in times.items()}
    tail = {arm: p95(values) for arm, values in times.items()}
    rows = [
        row(
            "time to first token, upstream on loopback that thinks for 20 ms",
            "bare aiohttp pass-through",
            median["ours"],
            median["bare"],
            "ms",
            most_ratio=1.5,
        )
    ]
    for name, of in (("p50", median), ("p95", tail)):
        added = {arm: of[arm] - of["direct"] for arm in ("ours", "bare", "LiteLLM")}
        rows.append(
            row(
                f"time to first token, added over asking directly, {name}",
                "LiteLLM proxy without a database",
                added["ours"],
                added["LiteLLM"],
                "ms",
                most=3,
                most_ratio=0.2,
                note=f"directly {of['direct']:.1f} ms; the bare pass-through adds {added['bare']:.2f} ms; "
                f"LiteLLM {VERSION}",
            )
        )
    rows.append(
        row(
            "resume of a finished stream",
            "`GET /me`",
            median["resume"],
            median["me"],
            "ms",
            most=5,
            most_ratio=1.2,
        )
    )
    return rows


async def _first(
    http: aiohttp.ClientSession, url: str, body: object, headers: Mapping[str, str], mark: bytes
) -> tuple[float, bytes]:
    """Seconds until ``mark`` was in the answer, and the whole answer."""
    began, seen, first = time.perf_counter(), b"", 0.0
    async with http.post(url, json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        async for chunk in answer.content.iter_any():
            seen += chunk
            if not first and mark in seen:
                first = time.perf_counter() - began
    assert first, seen
    return first, seen


async def _whole(http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> float:
    """Seconds until an answer was read to its end."""
    began = time.perf_counter()
    async with http.get(url, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()
    return time.perf_counter() - began


if __name__ == "__main__":
    for line in run():
        print(line)
