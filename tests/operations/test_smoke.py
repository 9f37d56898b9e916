"""`ocsuite smoke` against the running API, and against servers that are not as the contract says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from backend.operations.smoke import smoke
from backend.operations.smoke_checks import SmokeFailed, cut_points, ended, parse_frames
from backend.settings import Settings
from tests.support.ports import reserved_port
from tests.support.process import command
from tests.support.server import running_api


@pytest.fixture(scope="module")
def unhurried_url(environment: dict[str, str], settings: Settings) -> Iterator[str]:
    """The API with a model slow enough to be stopped. ``settings`` has migrated the database."""
    with running_api(Settings.load({**environment, "LLM_MOCK_TOKENS_PER_SECOND": "400"})) as url:
        yield url


async def test_walks_through_the_whole_product(unhurried_url: str) -> None:
    lines: list[str] = []
    await smoke(unhurried_url, lines.append)
    assert "ok  stop (the answer was stopped)" in lines
    assert any(line.startswith("ok  resume at every cut (") for line in lines)
    assert lines[-1].startswith("Everything works, in ")
    assert len(lines) == 18


async def test_the_command_gives_scripts_an_exit_status(environment: dict[str, str], api_url: str) -> None:
    good = await asyncio.to_thread(command, environment, "smoke", "--url", api_url)
    assert (good.returncode, good.stderr) == (0, "")
    nowhere = f"http://127.0.0.1:{reserved_port()}"
    bad = await asyncio.to_thread(command, environment, "smoke", "--url", nowhere)
    assert bad.returncode == 1
    assert bad.stderr.startswith("Error: health: ")
    assert bad.stderr.count("\n") == 1


@asynccontextmanager
async def answering(handler: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[str]:
    """A server with one answer for everything."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return handler(request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = reserved_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_says_which_part_is_not_ready() -> None:
    def away(request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "failed"}, status=503 if request.path == "/health/ready" else 200)

    async with answering(away) as url:
        with pytest.raises(SmokeFailed, match=r"^health: /health/ready answered 503"):
            await smoke(url, lambda line: None)


async def test_notices_that_something_else_answers() -> None:
    async with answering(lambda request: web.json_response({"paths": {}})) as url:
        with pytest.raises(SmokeFailed, match=r"^openapi document: it is not an OpenAPI 3 document$"):
            await smoke(url, lambda line: None)


async def test_refuses_what_is_no_address() -> None:
    with pytest.raises(SmokeFailed, match="base_url must be"):
        await smoke("localhost", lambda line: None)


MESSAGE = (
    '{"id":"01890000-0000-7000-8000-000000000002","conversation_id":"01890000-0000-7000-8000-000000000001",'
    '"role":"assistant","status":"STATUS","content":"Hi","created_at":"2026-01-01T00:00:00Z"}'
)
CONVERSATION = (
    '{"id":"01890000-0000-7000-8000-000000000001","executive":"ceo","title":"t","created_at":"2026-01-01T00:00:00Z",'
    '"updated_at":"2026-01-01T00:00:00Z"}'
)
STARTED = (
    f'{{"conversation":{CONVERSATION},"question":{MESSAGE.replace("STATUS", "completed")},'
    f'"message":{MESSAGE.replace("STATUS", "streaming")}}}'
)
DELTA = '{"message_id":"01890000-0000-7000-8000-000000000002","text":"Hi"}'
COMPLETED = MESSAGE.replace("STATUS", "completed")
FAILED = f'{{"message":{MESSAGE.replace("STATUS", "failed")}}}'


def frames(*events: tuple[int, str, str]) -> list[bytes]:
    return [f"id: {number}\nevent: message.{name}\ndata: {data}".encode() for number, name, data in events]


def test_accepts_the_form_of_the_contract() -> None:
    good = frames((1, "started", STARTED), (2, "delta", DELTA), (3, "completed", COMPLETED))
    assert ended(parse_frames(good)).content == "Hi"


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        ([], "no events"),
        ([(1, "started", STARTED), (3, "completed", COMPLETED)], "not numbered without gaps"),
        ([(2, "started", STARTED), (3, "completed", COMPLETED)], "not numbered without gaps"),
        ([(1, "delta", DELTA), (2, "completed", COMPLETED)], "first event is message.delta"),
        ([(1, "started", STARTED), (2, "delta", DELTA)], "last event is message.delta"),
        ([(1, "started", STARTED), (2, "completed", COMPLETED), (3, "completed", COMPLETED)], "between both ends"),
        ([(1, "started", STARTED), (2, "failed", FAILED)], "the answer failed"),
        ([(1, "started", STARTED), (2, "completed", COMPLETED.replace("0002", "0009"))], "name different messages"),
    ],
)
def test_refuses_streams_of_another_form(events: list[tuple[int, str, str]], complaint: str) -> None:
    with pytest.raises(SmokeFailed, match=complaint):
        ended(parse_frames(frames(*events)))


@pytest.mark.parametrize("count", [1, 2, 3, 12, 13, 500])
def test_cut_points_have_both_ends(count: int) -> None:
    points = cut_points(count)
    assert points[0] == 0
    assert points[-2:] == [count - 1, count]
    assert len(points) <= 26
