"""Password work keeps the event loop free and its queue short."""

import asyncio
import threading

import pytest

import crypto
from backend.domains.identity.passwords import WORKERS, PasswordWorkers
from backend.kernel.errors import Unavailable


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Verification that takes until the event is set."""
    release = threading.Event()

    def verify(stored: str | None, password: str) -> bool:
        release.wait(10)
        return password == "right"

    monkeypatch.setattr(crypto, "verify_password", verify)
    return release


async def test_loop_runs_on_while_passwords_are_worked_on(held: threading.Event) -> None:
    workers = PasswordWorkers()
    verifying = asyncio.create_task(workers.verify("hash", "right"))
    await asyncio.sleep(0)
    assert not verifying.done()
    held.set()
    assert await verifying
    workers.close()


async def test_a_flood_is_refused_and_room_comes_back(held: threading.Event) -> None:
    workers = PasswordWorkers(waiting=3)
    attempts = [asyncio.create_task(workers.verify(None, "wrong")) for _ in range(WORKERS + 5)]
    await asyncio.sleep(0)
    refused = [attempt for attempt in attempts if attempt.done()]
    assert len(refused) == 2
    for attempt in refused:
        with pytest.raises(Unavailable):
            attempt.result()
    held.set()
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert results.count(False) == WORKERS + 3
    assert await workers.verify(None, "right")
    workers.close()


async def test_a_caller_that_leaves_gives_no_room_before_its_work_ends(held: threading.Event) -> None:
    workers = PasswordWorkers(waiting=0)
    attempts = [asyncio.create_task(workers.verify(None, "right")) for _ in range(WORKERS)]
    await asyncio.sleep(0)
    for attempt in attempts:
        attempt.cancel()
    await asyncio.gather(*attempts, return_exceptions=True)
    with pytest.raises(Unavailable):
        await workers.verify(None, "right")
    held.set()
    workers.close()


async def test_work_really_happens() -> None:
    workers = PasswordWorkers()
    stored = await workers.hash("correct horse battery")
    assert await workers.verify(stored, "correct horse battery")
    assert not await workers.verify(stored, "wrong")
    assert not await workers.verify(None, "wrong")
    workers.close()
