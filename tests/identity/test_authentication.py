"""The layer in front of every handler, and the memory of verified tokens."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from litestar.types import Scope

from backend.kernel.auth.authentication import Principal, TokenCache, bearer_token
from backend.kernel.errors import Unauthenticated
from tests.identity.conftest import Api, cookie_of
from tests.identity.kit import Clock

WHO = UUID(int=7)


async def test_everything_is_closed_unless_marked_public(api: Api) -> None:
    assert (await api.http.get("/open")).json() == {"open": True}
    for path in ("/me", "/whoami"):
        answer = await api.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_public_routes_ignore_a_token(api: Api) -> None:
    assert (await api.get("/open", "rubbish")).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
async def test_scheme_in_any_case(api: Api, scheme: str) -> None:
    token = (await api.sign_up()).json()["access_token"]
    assert (await api.http.get("/me", headers={"Authorization": f"{scheme} {token}"})).status_code == 200


async def test_other_ways_to_present_a_token(api: Api) -> None:
    signed_up = await api.sign_up()
    token = signed_up.json()["access_token"]
    presented: list[list[tuple[str, str]]] = [
        [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
        [("Authorization", f"Bearer {token}"), ("Authorization", "Basic eDp5")],
        [("Authorization", f"Bearer {token}, Bearer {token}")],
        [("Authorization", token)],
        [("Authorization", f"Bearer{token}")],
        [("Authorization", f"Token {token}")],
        [("Authorization", f"Bearer\t{token}")],
        [("Authorization", "Bearer")],
        [("Authorization", f"Bearer {'x' * 9000}")],
        [("Cookie", f"ocsuite_session={cookie_of(signed_up)}")],
        [("Cookie", f"__session={token}")],
        [("X-Authorization", f"Bearer {token}")],
    ]
    for headers in presented:
        answer = await api.http.get("/me", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), headers
    assert (await api.http.get("/me", params={"token": token, "access_token": token})).status_code == 401


async def test_unknown_paths_are_not_found_rather_than_unauthenticated(api: Api) -> None:
    assert (await api.http.get("/nowhere")).status_code == 404


def scope(*headers: tuple[bytes, bytes]) -> Scope:
    return {"type": "http", "headers": list(headers)}  # type: ignore[return-value]  # what is read of it


def test_header_that_is_no_ascii() -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(scope((b"authorization", b"Bearer \xc3\xa9")))
    assert bearer_token(scope((b"authorization", b"bearer abc.def"))) == "abc.def"


class Verifier:
    """Accepts everything for a minute and counts."""

    def __init__(self, clock: Clock, life: float = 60) -> None:
        self.calls = 0
        self._clock = clock
        self._life = life

    async def authenticate(self, token: str) -> Principal:
        self.calls += 1
        if token == "bad":
            raise Unauthenticated
        return Principal(WHO, "sess_1", datetime.fromtimestamp(self._clock() + self._life, UTC))


async def test_a_token_is_verified_once() -> None:
    clock = Clock(1000.0)
    verifier = Verifier(clock)
    cache = TokenCache(verifier, now=clock)
    assert {(await cache.authenticate("good")).user_id for _ in range(50)} == {WHO}
    assert verifier.calls == 1
    clock.seconds += 60
    await cache.authenticate("good")
    assert verifier.calls == 2


async def test_a_long_lived_token_is_verified_again_every_minute() -> None:
    clock = Clock(1000.0)
    verifier = Verifier(clock, life=86_400)
    cache = TokenCache(verifier, now=clock)
    await cache.authenticate("good")
    clock.seconds += 59
    await cache.authenticate("good")
    assert verifier.calls == 1
    clock.seconds += 1
    await cache.authenticate("good")
    assert verifier.calls == 2


async def test_refusals_are_not_remembered_and_memory_is_bounded() -> None:
    clock = Clock(1000.0)
    verifier = Verifier(clock)
    cache = TokenCache(verifier, now=clock, capacity=3)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await cache.authenticate("bad")
    assert verifier.calls == 2
    for token in ("a", "b", "c", "a", "d"):
        await cache.authenticate(token)
    assert verifier.calls == 6
    await cache.authenticate("a")
    assert verifier.calls == 6
    await cache.authenticate("b")
    assert verifier.calls == 7
