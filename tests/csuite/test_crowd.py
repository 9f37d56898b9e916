"""Many questions at one instant wait their turn."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import httpx

from backend.kernel.db.database import Database
from backend.settings import Settings
from tests.conftest import SignIn
from tests.support.people import join, limit
from tests.support.process import api_process
from tests.support.sse import frames

QUESTIONS = 300
PEOPLE = 6
NOBODY_BEFORE = 10.0
"""Seconds in which nobody is refused; on a machine that does nothing else nobody is at all."""


async def test_three_hundred_questions_at_once_wait_their_turn(
    environment: dict[str, str], settings: Settings, someone: SignIn, db: Database
) -> None:
    member = await (await someone()).found()
    await limit(settings, member.tenant_id, messages_per_day=1000, members_max=PEOPLE)
    people = [member, *[await join(db, member.tenant_id, await someone()) for _ in range(PEOPLE - 1)]]
    body = {"message": "What now?"}
    with api_process(environment) as (url, _):
        async with AsyncExitStack() as opened:
            limits = httpx.Limits(max_connections=None)
            clients = [
                await opened.enter_async_context(
                    httpx.AsyncClient(
                        base_url=url,
                        headers={
                            "Authorization": each.person.http.headers["Authorization"],
                            "X-Tenant-Id": str(each.tenant_id),
                        },
                        timeout=120,
                        limits=limits,
                    )
                )
                for each in people
            ]
            answers = await asyncio.gather(
                *(clients[number % PEOPLE].post("/c-suite/ceo/chat", json=body) for number in range(QUESTIONS))
            )
    refused = [answer.elapsed.total_seconds() for answer in answers if answer.status_code != 200]
    assert all(seconds > NOBODY_BEFORE for seconds in refused), Counter(answer.status_code for answer in answers)
    assert len(refused) < QUESTIONS / 2
    ends = Counter(frames(answer.content)[-1].name for answer in answers if answer.status_code == 200)
    assert ends == {"message.completed": QUESTIONS - len(refused)}
