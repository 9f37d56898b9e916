"""The API with a mail server, whose mails tests read as their addressees would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from backend.mail_settings import parse_mail
from backend.settings import Settings
from tests.api.conftest import wide_policies
from tests.support.post import Post, running_post, token_in
from tests.support.server import running_api

PASSWORD = "correct horse battery"
OTHER_PASSWORD = "seven quiet green lanterns"
CONFIRM = "Confirm your e-mail address"
RESET = "Choose a new password"


@pytest.fixture(scope="session")
def post() -> Iterator[Post]:
    """A mail server."""
    with running_post() as running:
        yield running


@pytest.fixture(scope="module")
def mailing(settings: Settings, post: Post) -> Settings:
    """Settings with which mail leaves."""
    return replace(settings, mail=parse_mail(post.url, ("OCSuite", "no-reply@example.com")))


@pytest.fixture(scope="module")
def api_url(mailing: Settings) -> Iterator[str]:
    """The API that sends mail, in place of the one that most tests talk to."""
    with running_api(mailing, wide_policies()) as url:
        yield url


@dataclass
class Account:
    """A local account, a session of it, and a client with a current access token."""

    email: str
    http: httpx.AsyncClient
    post: Post
    clients: AsyncExitStack
    user_id: UUID
    cookie: str = ""

    async def enter(self, password: str = PASSWORD, **headers: str) -> "Account":
        """Sign in once more, as another browser does."""
        http = await self.clients.enter_async_context(httpx.AsyncClient(base_url=self.http.base_url, timeout=20))
        answer = await http.post("/auth/sign-in", json={"email": self.email, "password": password}, headers=headers)
        assert answer.status_code == 200, answer.text
        return taken_over(answer, self.email, http, self.post, self.clients)

    async def renews(self) -> bool:
        """Whether the session is good."""
        async with httpx.AsyncClient(base_url=self.http.base_url, timeout=20) as bare:
            answer = await bare.post("/auth/token", headers={"Cookie": f"ocsuite_session={self.cookie}"})
        return answer.status_code == 200

    async def mail_token(self, subject: str, to: str = "") -> str:
        """The secret of the link in the next mail with this subject."""
        return token_in(await asyncio.to_thread(self.post.next_with, to or self.email, subject))

    async def confirm(self) -> None:
        """Follow the link of the sign-up."""
        token = await self.mail_token(CONFIRM)
        answer = await self.http.post("/auth/email/confirm", json={"token": token})
        assert (answer.status_code, answer.json()) == (200, {"email": self.email})

    async def found(self, name: str = "Acme Robotics") -> UUID:
        """Create a company."""
        answer = await self.http.post("/tenants", json={"name": name})
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])


def taken_over(
    answer: httpx.Response, email: str, http: httpx.AsyncClient, post: Post, clients: AsyncExitStack
) -> Account:
    """The account of an answer that opened a session."""
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    http.cookies.clear()
    return Account(email, http, post, clients, UUID(answer.json()["user"]["id"]), answer.cookies["ocsuite_session"])


Open = Callable[..., Awaitable[Account]]


def address(name: str = "ada") -> str:
    return f"{name}.{uuid4().hex[:12]}@example.com"


@pytest.fixture
async def opened(api_url: str, post: Post) -> AsyncIterator[Open]:
    """Signs new people up: ``await opened()``."""
    async with AsyncExitStack() as clients:

        async def sign_up(email: str = "", **changes: Any) -> Account:
            http = await clients.enter_async_context(httpx.AsyncClient(base_url=api_url, timeout=20))
            body = {"email": email or address(), "password": PASSWORD, "full_name": "Ada Lovelace", **changes}
            answer = await http.post("/auth/sign-up", json=body)
            assert answer.status_code == 201, answer.text
            return taken_over(answer, body["email"], http, post, clients)

        yield sign_up


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem."""
    return answer.status_code, answer.json()["code"]
