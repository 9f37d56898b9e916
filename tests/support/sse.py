"""Event streams in tests: kept as bytes, so that resuming can be compared byte for byte."""

import json
from typing import Any, NamedTuple

import httpx

from tests.support.people import Member


class Frame(NamedTuple):
    """One event: its number, name, data, and the bytes it came as."""

    number: int
    name: str
    data: dict[str, Any]
    raw: bytes


def frames(body: bytes) -> list[Frame]:
    """The events of a stream; fails on anything that is not a whole event or a ping."""
    found = []
    for raw in body.split(b"\n\n")[:-1]:
        if raw.startswith(b":"):
            continue
        lines = raw.decode().split("\n")
        assert [line.partition(": ")[0] for line in lines] == ["id", "event", "data"], raw
        number, name, data = (line.partition(": ")[2] for line in lines)
        found.append(Frame(int(number), name, json.loads(data), raw + b"\n\n"))
    return found


async def ask(member: Member, message: str = "What should we do next?", **options: Any) -> list[Frame]:
    """Ask the CEO and read the whole answer."""
    body = {"message": message, **options}
    answer = await member.request("POST", "/c-suite/ceo/chat", json=body)
    assert answer.status_code == 200, answer.text
    return frames(answer.content)


async def read_until(response: httpx.Response, name: str) -> list[Frame]:
    """Read a streaming response up to the first event called ``name``."""
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        found = frames(body)
        if any(frame.name == name for frame in found):
            return found
    raise AssertionError(f"the stream ended without {name}")
