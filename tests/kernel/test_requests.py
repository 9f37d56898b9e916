"""What JSON Schema, and so the API's document, calls an integer is read as one."""

from typing import Annotated

import httpx
import msgspec
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody

from backend.kernel.http.problems import exception_handlers
from backend.kernel.http.requests import ApiRequest
from module_sdk.api.base import Request


class Stay(Request, frozen=True, kw_only=True):
    """A body with numbers on several levels."""

    days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 7
    rooms: list[int] = msgspec.field(default_factory=list)
    price: float = 0.0
    note: str | None = None


@post("/stay", status_code=200)
async def stay(data: JSONBody[Stay]) -> Stay:
    return data


async def sent(body: bytes) -> httpx.Response:
    app = Litestar([stay], request_class=ApiRequest, exception_handlers=exception_handlers(), openapi_config=None)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.post("/stay", content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("body", "stays"),
    [
        (b'{"days":7.0}', {"days": 7}),
        (b'{"days":3e1,"price":2}', {"days": 30, "price": 2.0}),
        (b'{"rooms":[1,2.0,-0.0],"price":2.0}', {"rooms": [1, 2, 0], "price": 2.0}),
        (b'{"days":1.0,"price":2.5}', {"days": 1, "price": 2.5}),
    ],
)
async def test_whole_numbers_with_a_fraction_of_nought(body: bytes, stays: dict[str, object]) -> None:
    answer = await sent(body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"days": 7, "rooms": [], "price": 0.0, "note": None} | stays


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b'{"days":7.5}', {"$.days": "Must be a whole number, not a number with decimals"}),
        (b'{"days":31.0}', {"$.days": "Must be at most 30"}),
        (
            b'{"days":7.0,"rooms":[1e300],"note":1.0}',
            {
                "$.rooms[0]": "Must be a whole number, not a number with decimals",
                "$.note": "Must be text or null, not a whole number",
            },
        ),
        (b'{"days":7.0,"price":1e999}', {"$": "Number out of range"}),
        (b'{"days":7.0,"nights":7.0}', {"$.nights": "Is not a known field"}),
        (b'{"note":7.0}', {"$.note": "Must be text or null, not a whole number"}),
        (b'{"days":"7"}', {"$.days": "Must be a whole number, not text"}),
    ],
)
async def test_what_is_no_integer_is_refused(body: bytes, errors: dict[str, str]) -> None:
    answer = await sent(body)
    assert answer.status_code == 422, answer.text
    assert {error["path"]: error["message"] for error in answer.json()["errors"]} == errors
