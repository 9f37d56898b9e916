"""Forgotten, reset and changed passwords, with mails that are read as their addressees would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from zxcvbn import zxcvbn

from backend.domains.identity.account_links import Links
from backend.domains.identity.account_mail import AccountPost
from backend.domains.identity.account_service import AccountLimits, Parts, PasswordService
from backend.domains.identity.account_sessions import Sessions
from backend.domains.identity.passwords import JUDGED_MAX, PasswordWorkers, judged
from backend.kernel.auth.authentication import Revocations
from backend.kernel.db.database import Database, driver_url
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.db.tenancy import Context
from backend.kernel.errors import RateLimited
from backend.kernel.limits.limiter import Limit, RateLimiter
from backend.kernel.mail.mailer import Mail
from backend.settings import Settings
from module_sdk.api.access import MailOutcome
from tests.account.conftest import OTHER_PASSWORD, PASSWORD, RESET, Account, Open, address, refusal
from tests.conftest import SignIn
from tests.support.post import text_of

CHANGED = "Your password was changed"


async def forget(account: Account, email: str = "") -> httpx.Response:
    return await account.http.post("/auth/password/forgot", json={"email": email or account.email})


async def reset(account: Account, token: str, password: str = OTHER_PASSWORD) -> httpx.Response:
    return await account.http.post("/auth/password/reset", json={"token": token, "password": password})


async def test_a_forgotten_password_is_replaced_by_the_link_of_the_mail(opened: Open) -> None:
    ada = await opened()
    elsewhere = await ada.enter()
    assert (await forget(ada, ada.email.upper())).json() == {"mail_configured": True}
    mail = await asyncio.to_thread(ada.post.next_with, ada.email, RESET)
    assert "within 30 minutes" in text_of(mail)
    token = text_of(mail).partition("/reset-password?token=")[2].split()[0]
    assert (await reset(ada, token)).status_code == 204
    # Every session has ended, its access tokens included.
    assert [await ada.renews(), await elsewhere.renews()] == [False, False]
    assert refusal(await elsewhere.http.get("/me")) == (401, "session_expired")
    wrong = await ada.http.post("/auth/sign-in", json={"email": ada.email, "password": PASSWORD})
    assert refusal(wrong) == (401, "wrong_credentials")
    back = await ada.enter(OTHER_PASSWORD)
    # The link came by mail, and so has proven the address.
    assert (await back.http.get("/me")).json()["email_unconfirmed"] is False
    assert "was changed just now" in text_of(await asyncio.to_thread(ada.post.next_with, ada.email, CHANGED))


async def test_a_link_works_once_and_the_last_one_alone(opened: Open) -> None:
    ada = await opened()
    await forget(ada)
    first = await ada.mail_token(RESET)
    await forget(ada)
    second = await ada.mail_token(RESET)
    assert refusal(await reset(ada, first)) == (410, "link_invalid")
    # A weak password is refused with its reason, and the link stays good.
    weak = await reset(ada, second, "password1234")
    assert refusal(weak) == (422, "validation_failed")
    assert "very common" in weak.json()["errors"][0]["message"]
    answers = await asyncio.gather(*(reset(ada, second) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410]
    assert refusal(await reset(ada, second)) == (410, "link_invalid")
    assert refusal(await reset(ada, uuid4().hex)) == (410, "link_invalid")


async def test_a_link_ends_by_the_database_s_clock(opened: Open, settings: Settings) -> None:
    ada = await opened()
    await forget(ada)
    token = await ada.mail_token(RESET)
    engine = create_async_engine(driver_url(settings.database_owner_url))
    async with engine.begin() as owner:
        life = "SELECT expires_at - created_at FROM account_links WHERE user_id = :id AND purpose = 'reset_password'"
        assert await owner.scalar(text(life), {"id": ada.user_id}) == timedelta(minutes=30)
        late = "UPDATE account_links SET expires_at = now() - interval '1 second' WHERE user_id = :id"
        await owner.execute(text(late), {"id": ada.user_id})
    await engine.dispose()
    assert refusal(await reset(ada, token)) == (410, "link_invalid")


async def test_a_link_of_another_purpose_resets_nothing(opened: Open) -> None:
    ada = await opened()
    token = await ada.mail_token("Confirm your e-mail address")
    assert refusal(await reset(ada, token)) == (410, "link_invalid")


class Notes:
    """A mailer that remembers whom it wrote to."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, mail: Mail) -> MailOutcome:
        self.sent.append(mail.to)
        return "sent"


class Gated(Database):
    """A database whose transactions begin once they are let."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.go = asyncio.Event()

    @asynccontextmanager
    async def transaction(self, context: Context) -> AsyncIterator[AsyncSession]:
        await self.go.wait()
        async with self._db.transaction(context) as session:
            yield session


@dataclass
class Desk:
    """The service of passwords over a gated database."""

    service: PasswordService
    post: AccountPost
    db: Gated
    mailer: Notes


@pytest.fixture
async def desk(db: Database, settings: Settings) -> AsyncIterator[Desk]:
    redis = RedisBatcher(settings.redis_url)
    await redis.start()
    roomy = Limit("test-roomy", 1000, 60)
    limits = AccountLimits(Limit(f"test-{uuid4().hex}", 2, 60), roomy, roomy, roomy)
    gated, mailer, workers = Gated(db), Notes(), PasswordWorkers()
    post = AccountPost(mailer, "https://app.example.com", configured=True)
    sessions, links = Sessions(gated, Revocations(redis)), Links(gated, "https://app.example.com")
    parts = Parts(gated, workers, RateLimiter(redis), limits, sessions, links, post)
    yield Desk(PasswordService(parts), post, gated, mailer)
    await post.close()
    workers.close()
    await redis.close()


async def test_nothing_is_looked_up_before_the_answer(opened: Open, desk: Desk) -> None:
    """Known and unknown addresses take the same steps: what tells them apart begins once both were answered."""
    ada = await opened()
    async with asyncio.timeout(30):  # for as long as nothing may be looked up, whoever looks waits
        answers = [await desk.service.forgot(email, "203.0.113.1") for email in (ada.email, address())]
    assert answers[0] == answers[1]
    desk.db.go.set()
    await desk.post.settled()
    assert desk.mailer.sent == [ada.email]


async def test_asking_is_limited_by_address_and_network_alike(desk: Desk) -> None:
    desk.db.go.set()
    unknown = address()
    for _ in range(2):
        await desk.service.forgot(unknown, "203.0.113.1")
    with pytest.raises(RateLimited) as refused:
        await desk.service.forgot(unknown.upper(), "203.0.113.2")
    assert refused.value.extra["limit"] == 2
    await desk.service.forgot(address(), "203.0.113.1")


async def test_no_answer_tells_who_exists(opened: Open) -> None:
    ada = await opened()
    ids = {"X-Request-Id": "the-same-request"}
    known = await ada.http.post("/auth/password/forgot", json={"email": ada.email}, headers=ids)
    unknown = await ada.http.post("/auth/password/forgot", json={"email": address()}, headers=ids)
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert known.headers.keys() == unknown.headers.keys()


async def test_a_changed_password_ends_the_other_sessions(opened: Open) -> None:
    ada = await opened()
    other = await ada.enter()
    await forget(ada)
    token = await ada.mail_token(RESET)
    wrong = {"current_password": "not this one at all", "new_password": OTHER_PASSWORD}
    assert refusal(await ada.http.post("/me/password", json=wrong)) == (403, "wrong_password")
    weak = {"current_password": PASSWORD, "new_password": ada.email[:40]}
    answer = await ada.http.post("/me/password", json=weak)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "$.new_password")
    right = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert (await ada.http.post("/me/password", json=right)).status_code == 204
    assert [await ada.renews(), await other.renews()] == [True, False]
    assert (await ada.http.get("/me")).status_code == 200
    await ada.enter(OTHER_PASSWORD)
    # A link that was sent before is good no more.
    assert refusal(await reset(ada, token)) == (410, "link_invalid")


async def test_own_password_cannot_be_guessed_through_a_stolen_session(opened: Open) -> None:
    ada = await opened()
    body = {"current_password": "a wrong one", "new_password": OTHER_PASSWORD}
    answers = [await ada.http.post("/me/password", json=body) for _ in range(11)]
    assert {answer.status_code for answer in answers[:10]} == {403}
    assert refusal(answers[10]) == (429, "rate_limited")


WEAK = ["aaaaaaaaaaaa", "password1234", "123456789012", "qwertyuiop[]", "ada.lovelace@example.com", "Lovelace Ada"]


@pytest.mark.parametrize("password", WEAK)
async def test_weak_passwords_are_refused_with_the_reason(api_url: str, password: str) -> None:
    body = {"email": "ada.lovelace@example.com", "password": password, "full_name": "Ada Lovelace"}
    async with httpx.AsyncClient(base_url=api_url, timeout=20) as http:
        answer = await http.post("/auth/sign-up", json=body)
        judgement = await http.post(
            "/auth/password/strength", json={"password": password, "hints": [body["email"], body["full_name"]]}
        )
    assert refusal(answer) == (422, "validation_failed")
    (error,) = answer.json()["errors"]
    assert error["path"] == "$.password"
    assert judgement.json()["reason"] == error["message"]
    assert len(error["message"]) > 30


def test_judging_takes_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def noted(password: str, **more: Any) -> Any:
        seen.append(password)
        return zxcvbn(password, **more)

    monkeypatch.setattr("backend.domains.identity.passwords.zxcvbn", noted)
    judged("@a4(c3e6g1!i|l70o$5+t%x2z" * 10, ["a" * 254] * 4)
    assert [len(password) for password in seen] == [JUDGED_MAX]


async def test_an_api_key_may_do_none_of_it(someone: SignIn, api_url: str) -> None:
    member = await (await someone()).found()
    made = await member.request("POST", "/api-keys", json={"name": "CRM", "permissions": ["company.read"]})
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    async with httpx.AsyncClient(base_url=api_url, headers=headers, timeout=20) as keyed:
        for method, path in (("GET", "/me/sessions"), ("GET", "/me/export"), ("GET", "/me/deletion")):
            assert refusal(await keyed.request(method, path)) == (403, "permission_denied")
