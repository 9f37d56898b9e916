"""What a sign-in costs, in passwords of the product's own cost."""

import time
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from tests.identity.conftest import PASSWORD, Api, address


@pytest.fixture
def cheap_passwords() -> None:
    """They cost here what they cost in the product."""


async def test_sign_in_work_does_not_tell_who_exists(api: Api) -> None:
    """CPU time of the whole process, which the load of a busy machine changes less than the time on the wall."""
    email = address()
    await api.sign_up(email)
    wrong: list[float] = []
    unknown: list[float] = []
    for _ in range(5):
        for times, who in ((wrong, email), (unknown, address())):
            began = time.process_time()
            await api.sign_in(who, "wrong password")
            times.append(time.process_time() - began)
    assert 0.7 < min(wrong) / min(unknown) < 1.4


async def test_hash_of_older_parameters_is_replaced(api: Api) -> None:
    email = address()
    who = UUID((await api.sign_up(email)).json()["user"]["id"])
    older = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await api.sql("UPDATE user_credentials SET password_hash = :h WHERE user_id = :who", h=older, who=who)
    assert (await api.sign_in(email)).status_code == 200
    ((found,),) = await api.sql("SELECT password_hash FROM user_credentials WHERE user_id = :who", who=who)
    assert "m=65536,t=3,p=4" in found
    assert (await api.sign_in(email)).status_code == 200
