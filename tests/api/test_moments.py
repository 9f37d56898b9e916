"""A moment that nobody's calendar or database holds is refused in words, wherever one is given."""

import base64
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from backend.kernel.http.paging import encode_cursor
from tests.conftest import SignIn
from tests.support.people import Member

MOMENTS = (
    "0000-01-01T00:00:00Z",
    "-0044-03-15T12:00:00Z",
    "-004713-11-24T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999-14:00",
    "9999-12-31T23:59:59.999999Z",
    "10000-01-01T00:00:00Z",
    "+292277-01-09T04:00:54Z",
    "294277-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+99:99",
    "1e400",
    "-1e400",
    "99999999999999999999",
    "NaN",
    "infinity",
    "-infinity",
    "epoch",
)
LISTS = ("/c-suite/conversations", "/api-keys", "/team/invitations", "/tenants", "/erasure-receipts", "/audit")


@pytest.fixture
async def owner(someone: SignIn) -> Member:
    return await (await someone("Olive Owner")).found()


@pytest.mark.parametrize("path", ["/audit", "/audit/export"])
async def test_in_a_query(owner: Member, path: str) -> None:
    for name in ("after", "before"):
        for moment in MOMENTS:
            answer = await owner.request("GET", path, params={name: moment})
            assert answer.status_code in {200, 422}, (name, moment, answer.text)
            if answer.status_code == 422:
                assert answer.json()["errors"][0]["path"] == f"query.{name}", (moment, answer.text)


@pytest.mark.parametrize("path", LISTS)
async def test_in_a_cursor(owner: Member, path: str) -> None:
    keys: list[Any] = [[moment, str(uuid4())] for moment in MOMENTS]
    # MessagePack has a type of its own for moments.
    far = [seconds.to_bytes(12, signed=True) for seconds in (-(2**80), 2**80)]
    keys += [[msgspec.msgpack.Ext(-1, seconds), str(uuid4())] for seconds in far]
    for key in keys:
        answer = await owner.request("GET", path, params={"cursor": encode_cursor(key)})
        assert answer.status_code in {200, 422}, (key, answer.text)
    garbage = base64.urlsafe_b64encode(b"\x92\xc7\x0c\xff" + b"\xff" * 12).decode()
    assert (await owner.request("GET", path, params={"cursor": garbage})).status_code in {200, 422}
