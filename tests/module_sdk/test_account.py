"""Operations on a person's own account: what each sends, and whether it says who is asking."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from module_sdk.api.account import (
    AccountDeletionRequest,
    AccountToken,
    EmailChange,
    MePatch,
    PasswordCandidate,
    PasswordChange,
    PasswordForgotten,
    PasswordReset,
    SessionsEnd,
)
from module_sdk.api.client import ApiClient
from module_sdk.api.client.me import AccountClient
from tests.module_sdk.fake_api import FakeApi, reply
from tests.module_sdk.samples import USER

TOKEN = "Vq3xq9S0b1mUu8mJ0gk7c2Qh5yYV4o1n"
SESSION = UUID("019377d2-a1b8-7c3c-9d1f-0c2b5e6a7f80")
PASSWORD = "correct horse battery"
PROMISED = {"mail_configured": True}
Operation = Callable[[AccountClient], Awaitable[object]]
PUBLIC: list[tuple[Operation, str, Any, Any]] = [
    (
        lambda me: me.forgot_password(PasswordForgotten(email="a@example.com")),
        "/auth/password/forgot",
        {"email": "a@example.com"},
        PROMISED,
    ),
    (
        lambda me: me.reset_password(PasswordReset(token=TOKEN, password=PASSWORD)),
        "/auth/password/reset",
        {"token": TOKEN, "password": PASSWORD},
        None,
    ),
    (
        lambda me: me.judge_password(PasswordCandidate(password="x")),
        "/auth/password/strength",
        {"password": "x", "hints": []},
        {"score": 0, "reason": "It is easy to guess"},
    ),
    (
        lambda me: me.confirm_email(AccountToken(token=TOKEN)),
        "/auth/email/confirm",
        {"token": TOKEN},
        {"email": "a@example.com"},
    ),
]
OWN: list[tuple[Operation, str, str, Any, Any]] = [
    (lambda me: me.change(MePatch(full_name="Ada")), "PATCH", "/me", {"full_name": "Ada"}, USER),
    (
        lambda me: me.change_email(EmailChange(email="b@example.com", password=PASSWORD)),
        "POST",
        "/me/email",
        {"email": "b@example.com", "password": PASSWORD},
        {"email": "b@example.com", "mail": "sent"},
    ),
    (lambda me: me.send_confirmation(), "POST", "/me/email/confirmation", None, PROMISED),
    (
        lambda me: me.change_password(PasswordChange(current_password="old", new_password=PASSWORD)),
        "POST",
        "/me/password",
        {"current_password": "old", "new_password": PASSWORD},
        None,
    ),
    (lambda me: me.sessions(), "GET", "/me/sessions", None, {"items": [], "next_cursor": None}),
    (lambda me: me.end_session(SESSION), "DELETE", f"/me/sessions/{SESSION}", None, None),
    (lambda me: me.end_sessions(SessionsEnd()), "POST", "/me/sessions/end", {"which": "others"}, None),
    (lambda me: me.deletion_plan(), "GET", "/me/deletion", None, {"companies": []}),
    (
        lambda me: me.delete(AccountDeletionRequest(confirmation="a@example.com", password=PASSWORD)),
        "POST",
        "/me/deletion",
        {"confirmation": "a@example.com", "password": PASSWORD},
        {"user_id": str(SESSION), "deleted_at": "2026-11-27T13:00:00Z", "companies": []},
    ),
]


@pytest.mark.parametrize(("operation", "path", "body", "answer"), PUBLIC)
async def test_public_ones_do_not_say_who_asks(
    fake: FakeApi, api: ApiClient, operation: Operation, path: str, body: Any, answer: Any
) -> None:
    fake.queue("POST", path, reply(answer))
    await operation(api.account)
    (sent,) = fake.seen
    assert (sent.method, sent.path, json.loads(sent.body)) == ("POST", path, body)
    assert "authorization" not in sent.headers


@pytest.mark.parametrize(("operation", "method", "path", "body", "answer"), OWN)
async def test_own_ones_do(
    fake: FakeApi, api: ApiClient, operation: Operation, method: str, path: str, body: Any, answer: Any
) -> None:
    fake.queue(method, path, reply(answer))
    await operation(api.account)
    (sent,) = fake.seen
    assert (sent.method, sent.path, json.loads(sent.body) if sent.body else None) == (method, path, body)
    assert sent.headers["authorization"] == "Bearer tok"


async def test_the_download_comes_piece_by_piece(fake: FakeApi, api: ApiClient) -> None:
    fake.queue("GET", "/me/export", reply({"format": "ocsuite.account/1"}))
    pieces: AsyncGenerator[bytes, None] = api.account.export()
    assert json.loads(b"".join([piece async for piece in pieces])) == {"format": "ocsuite.account/1"}
