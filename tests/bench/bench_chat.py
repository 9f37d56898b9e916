"""Time to the first token through the API, and resuming a finished answer."""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from backend.devstack.local import LocalStack
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.tenancy import ContextSigner
from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring
from tests.support.people import sign_in
from tests.support.ports import reserved_port
from tests.support.process import api_process

ROUNDS: Final = 150
WARM_UP: Final = 30
PER_PERSON: Final = 30  # below the rate limit of a person
QUESTION: Final = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "How do we grow?"}]}


def run() -> list[dict[str, Any]]:
    """Rows of the benchmark table."""
    ports = reserved_port(), reserved_port()
    model = f"http://127.0.0.1:{ports[0]}/v1/chat/completions"
    proxy = f"http://127.0.0.1:{ports[1]}/v1/chat/completions"
    with (
        LocalStack.temporary() as stack,
        _server("model", str(ports[0])),
        _server("pass", str(ports[1]), model),
    ):
        environment = {
            **stack.environment(),
            "LLM_PROVIDER": "openai",
            "LLM_BASE_URL": model.removesuffix("/chat/completions"),
            "LLM_API_KEY": "benchmark",
            "LLM_MODEL": "m",
            "MESSAGES_PER_DAY": "1000000",
            "OCSUITE_API_URL": "http://127.0.0.1:8000",
            "OCSUITE_ENV": "local",
        }
        settings = Settings.load(environment)
        asyncio.run(migrate(settings.database_owner_url, Keyring(settings.master_keys)))
        with api_process(environment) as (api, _):
            return asyncio.run(_measure(settings, api, model, proxy))


async def _measure(settings: Settings, api: str, model: str, proxy: str) -> list[dict[str, Any]]:
    db = Database(create_engine(settings.database_url), ContextSigner(Keyring(settings.master_keys), time.time))
    times: dict[str, list[float]] = {"direct": [], "proxy": [], "ours": [], "resume": []}
    headers: dict[str, str] = {}
    async with aiohttp.ClientSession() as http:
        for round_number in range(WARM_UP + ROUNDS):
            if round_number % PER_PERSON == 0:
                headers = await _headers(db, api)
            taken = {
                "direct": (await _first(http, model, QUESTION, {}, b'"content"'))[0],
                "proxy": (await _first(http, proxy, QUESTION, {}, b'"content"'))[0],
            }
            chat = f"{api}/c-suite/ceo/chat"
            taken["ours"], body = await _first(http, chat, {"message": "How do we grow?"}, headers, b"message.delta")
            message_id = json.loads(body.split(b"data: ", 2)[1].split(b"\n")[0])["message"]["id"]
            began = time.perf_counter()
            async with http.get(f"{api}/c-suite/messages/{message_id}/stream", headers=headers) as answer:
                await answer.read()
            taken["resume"] = time.perf_counter() - began
            if round_number >= WARM_UP:
                for arm, seconds in taken.items():
                    times[arm].append(seconds * 1000)
    await db.close()
    return _rows({arm: statistics.median(values) for arm, values in times.items()})


def _rows(median: Mapping[str, float]) -> list[dict[str, Any]]:
    ratio, added = median["ours"] / median["proxy"], median["ours"] - median["direct"]
    common = {"unit": "ms", "note": ""}
    return [
        {
            "what": "time to first token, upstream on loopback that thinks for 20 ms",
            "against": "bare aiohttp pass-through",
            "goal": "≤ 1.5",
            "ours": median["ours"],
            "baseline": median["proxy"],
            "ratio": ratio,
            "reached": ratio <= 1.5,
            **common,
        },
        {
            **common,
            "what": "time to first token, added over asking the upstream directly",
            "against": "direct",
            "goal": "≤ 1 ms",
            "ours": added,
            "baseline": median["direct"],
            "ratio": None,
            "reached": added <= 1,
            "note": f"the bare pass-through itself adds {median['proxy'] - median['direct']:.2f} ms",
        },
        {
            "what": "resume of a finished stream",
            "against": "nothing",
            "goal": "≤ 5 ms",
            "ours": median["resume"],
            "baseline": None,
            "ratio": None,
            "reached": median["resume"] <= 5,
            **common,
        },
    ]


async def _headers(db: Database, api: str) -> dict[str, str]:
    """Of a new person with a new company."""
    person = await sign_in(db, api)
    member = await person.found()
    await person.http.aclose()
    return {"Authorization": person.http.headers["Authorization"], "X-Tenant-Id": str(member.tenant_id)}


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
    return first, seen


@contextmanager
def _server(*arguments: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.upstream", *arguments], cwd=Path(__file__).parents[2]
    )
    try:
        asyncio.run(_answering(int(arguments[1])))
        yield
    finally:
        process.kill()
        process.wait()


async def _answering(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    for row in run():
        print(row)
