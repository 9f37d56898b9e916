"""Answers while they stream: what a token costs, how many pass at once, and what open streams hold and delay."""

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import aiohttp

from backend.settings import Settings
from tests.bench.litellm import VERSION, litellm
from tests.bench.serving import (
    cpu_seconds,
    database,
    migrated_stack,
    newcomer,
    own_megabytes,
    p95,
    row,
    upstream,
)
from tests.support.process import api_process

ROUNDS: Final = 3
PER_PERSON: Final = 25  # below the rate limit of a person
COST: Final = (20, 200, 10)  # answers at once, words of each, milliseconds between them
RUSH: Final = (100, 200, 0)
OPEN: Final = (300, 30, 500)
PAUSE_SECONDS: Final = 0.02  # between the streams that are opened to be held
_WORD: Final = re.compile(rb"@(\d+):(\d+)(?=\D)")


class Arm(NamedTuple):
    """Where questions go, and whose headers they carry."""

    url: str
    people: Sequence[Mapping[str, str]] = ()
    key: Mapping[str, str] = MappingProxyType({})

    def request(self, number: int, words: int, pause: int) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Body and headers of a question."""
        wanted = f"{words} words every {pause} ms"
        if self.people:
            return {"message": wanted}, self.people[number // PER_PERSON]
        return {"model": "m", "stream": True, "messages": [{"role": "user", "content": wanted}]}, self.key


class Answer(NamedTuple):
    """When words of one answer were sent and came, in nanoseconds."""

    words: list[tuple[int, int]]


def run() -> list[dict[str, Any]]:
    """Rows of the benchmark table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream("model") as (model, _),
        upstream("pass", f"{model}/chat/completions") as (bare, bare_pid),
        litellm(model, Path(folder)) as proxy,
        migrated_stack(LLM_PROVIDER="openai", LLM_BASE_URL=model, LLM_API_KEY="benchmark", LLM_MODEL="m") as (
            environment,
            settings,
        ),
        api_process(environment) as (api, process),
    ):
        arms = {
            "direct": Arm(f"{model}/chat/completions"),
            "bare": Arm(f"{bare}/chat/completions"),
            "LiteLLM": Arm(proxy[0], key=proxy[1]),
        }
        return asyncio.run(_measure(settings, api, arms, {"ours": process.pid, "bare": bare_pid}))


async def _measure(
    settings: Settings, api: str, arms: Mapping[str, Arm], pids: Mapping[str, int]
) -> list[dict[str, Any]]:
    db = database(settings)

    async def ours(answers: int) -> Arm:
        people = [await newcomer(db, api) for _ in range(-(-answers // PER_PERSON))]
        return Arm(f"{api}/c-suite/ceo/chat", people)

    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=300)) as http:
        costs: dict[str, list[float]] = {"ours": [], "bare": []}
        rates: dict[str, list[float]] = {"ours": [], "LiteLLM": []}
        for _ in range(ROUNDS + 1):
            for name, found in costs.items():
                arm = arms.get(name) or await ours(COST[0])
                before = cpu_seconds(pids[name])
                await _crowd(http, arm, *COST)
                found.append((cpu_seconds(pids[name]) - before) / (COST[0] * COST[1]) * 1e6)
            for name, found in rates.items():
                arm = arms.get(name) or await ours(RUSH[0])
                began = time.perf_counter()
                await _crowd(http, arm, *RUSH)
                found.append(RUSH[0] * RUSH[1] / (time.perf_counter() - began))
        open_streams = await _open_streams(http, arms["direct"], await ours(OPEN[0]), pids["ours"])
    await db.close()
    # The first round warms up.
    cost, rate = ({name: statistics.median(each[1:]) for name, each in of.items()} for of in (costs, rates))
    return [
        row(
            "CPU of a streamed token",
            "bare aiohttp pass-through",
            cost["ours"],
            cost["bare"],
            "µs",
            most_ratio=3,
            note=f"{COST[0]} answers at once of {COST[1]} tokens, one every {COST[2]} ms; all that an answer costs "
            "divided by its tokens",
        ),
        row(
            f"streamed tokens a second, {RUSH[0]} answers at once, one process",
            "LiteLLM proxy without a database",
            rate["ours"],
            rate["LiteLLM"],
            "tokens/s",
            least_ratio=3,
            note=f"answers of {RUSH[1]} tokens from a model that waits for nothing; model and client share the "
            f"machine; LiteLLM {VERSION}",
        ),
        *open_streams,
    ]


async def _open_streams(http: aiohttp.ClientSession, direct: Arm, ours: Arm, pid: int) -> list[dict[str, Any]]:
    await asyncio.sleep(3)  # what the crowds before left has to be ended and given back
    idle = held = own_megabytes(pid)
    delays: dict[str, list[float]] = {}
    for name, arm in (("direct", direct), ("ours", ours)):
        streams = asyncio.create_task(_crowd(http, arm, *OPEN, stagger=PAUSE_SECONDS))
        await asyncio.sleep(OPEN[0] * PAUSE_SECONDS + 3)
        held = own_megabytes(pid)
        opened = time.monotonic_ns()
        answers = await streams
        delays[name] = [(came - sent) / 1e6 for each in answers for sent, came in each.words if sent > opened]
    middle = {name: statistics.median(values) for name, values in delays.items()}
    return [
        row(
            f"memory of {OPEN[0]} open chat streams on one API process, above idle",
            "–",
            held - idle,
            None,
            "MB",
            most=150,
            note=f"idle, after the crowds above, {idle:.0f} MB",
        ),
        row(
            f"delay that {OPEN[0]} open chat streams add to a token",
            "asked directly, as many",
            middle["ours"] - middle["direct"],
            None,
            "ms",
            most=10,
            note=f"a token every {OPEN[2]} ms in each; directly {middle['direct']:.1f} ms; p95 "
            f"{p95(delays['ours']):.1f} ms against {p95(delays['direct']):.1f} ms",
        ),
    ]


async def _crowd(
    http: aiohttp.ClientSession, arm: Arm, answers: int, words: int, pause: int, *, stagger: float = 0
) -> list[Answer]:
    """Ask at once, or one after the other, and read every answer to its end."""

    async def one(number: int) -> Answer:
        await asyncio.sleep(number * stagger)
        body, headers = arm.request(number, words, pause)
        async with http.post(arm.url, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            read = await _read(answer)
        assert len(read.words) == words, len(read.words)
        return read

    return await asyncio.gather(*(one(number) for number in range(answers)))


async def _read(answer: aiohttp.ClientResponse) -> Answer:
    """Each word once: the end of ours repeats the whole text."""
    found: list[tuple[int, int]] = []
    held = b""
    async for chunk in answer.content.iter_any():
        held += chunk
        end, now = 0, time.monotonic_ns()
        for word in _WORD.finditer(held):
            end = word.end()
            if int(word[1]) == len(found) + 1:
                found.append((int(word[2]), now))
        held = held[end:] if end else held
    return Answer(found)


if __name__ == "__main__":
    for line in run():
        print(line)
