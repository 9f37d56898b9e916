"""The token of somebody who was erased lives for a minute more, and opens nothing."""

from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.access.kit import refusal
from tests.conftest import SignIn


async def test_a_living_token_of_an_erased_person(someone: SignIn, owner: AsyncConnection) -> None:
    person, key = await someone("Gone Person"), {"Idempotency-Key": uuid4().hex}
    assert (await person.http.get("/me")).status_code == 200
    await owner.execute(text("DELETE FROM users WHERE id = :id"), {"id": person.user_id})
    await owner.commit()
    assert refusal(await person.http.get("/me")) == (401, "session_expired")
    for headers in ({}, key):
        made = await person.http.post("/tenants", json={"name": "Acme"}, headers=headers)
        assert refusal(made) == (401, "session_expired")
    for method, path, body in (
        ("POST", "/invitations/accept", {"token": "x" * 43}),
        ("GET", "/tenants", None),
        ("GET", "/erasure-receipts", None),
        ("GET", f"/tenants/{uuid4()}", None),
        ("PATCH", "/me", {"full_name": "New Name"}),
        ("POST", "/me/email", {"email": "new@example.com", "password": "correct horse battery"}),
        ("GET", "/me/sessions", None),
    ):
        answer = await person.http.request(method, path, json=body)
        assert answer.status_code < 500, (path, answer.text)
