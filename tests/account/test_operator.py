"""Where no mail is set up: what the API says then, and the operator's link."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from backend.operations.errors import OperationFailed
from backend.operations.reset_link import make_link
from backend.settings import Settings
from tests.account.conftest import OTHER_PASSWORD, PASSWORD, address
from tests.api.conftest import wide_policies
from tests.support.server import running_api


@pytest.fixture(scope="module")
def mute(settings: Settings) -> Iterator[httpx.Client]:
    """A client of an API that sends no mail."""
    with running_api(settings, wide_policies()) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


def signed_up(mute: httpx.Client, email: str) -> dict[str, str]:
    """The header of somebody new."""
    body = {"email": email, "password": PASSWORD, "full_name": "Ada Lovelace"}
    answer = mute.post("/auth/sign-up", json=body)
    mute.cookies.clear()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_the_page_is_told_and_the_operator_helps(mute: httpx.Client, settings: Settings) -> None:
    email = address()
    headers = signed_up(mute, email)
    assert mute.get("/me", headers=headers).json()["email_unconfirmed"] is False  # nobody could confirm it
    assert mute.post("/auth/password/forgot", json={"email": email}).json() == {"mail_configured": False}
    lines: list[str] = []
    asyncio.run(make_link(settings, email.upper(), lines.append))
    (link,) = lines
    assert link.startswith(f"{settings.web_url}/reset-password?token=")
    body = {"token": link.partition("token=")[2], "password": OTHER_PASSWORD}
    assert mute.post("/auth/password/reset", json=body).status_code == 204
    assert mute.post("/auth/sign-in", json={"email": email, "password": OTHER_PASSWORD}).status_code == 200
    mute.cookies.clear()
    with pytest.raises(OperationFailed, match="no account"):
        asyncio.run(make_link(settings, address(), lines.append))


def test_an_address_is_changed_at_once(mute: httpx.Client) -> None:
    email, new = address(), address("new")
    headers = signed_up(mute, email)
    signed_up(mute, taken := address("taken"))
    refused = mute.post("/me/email", json={"email": taken, "password": PASSWORD}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "email_taken")
    changed = mute.post("/me/email", json={"email": new, "password": PASSWORD}, headers=headers)
    assert (changed.status_code, changed.json()) == (202, {"email": new, "mail": "not_configured"})
    assert mute.post("/auth/sign-in", json={"email": new, "password": PASSWORD}).status_code == 200
    mute.cookies.clear()


def test_the_lookup_of_an_invitation_masks_the_address(mute: httpx.Client) -> None:
    headers = signed_up(mute, address())
    tenant = mute.post("/tenants", json={"name": "Acme"}, headers=headers).json()
    guest = address("guest")
    sent = mute.post(
        "/team/invitations", json={"email": guest}, headers={**headers, "X-Tenant-Id": tenant["id"]}
    ).json()
    token = sent["link"].partition("token=")[2]
    seen = mute.post("/invitations/lookup", json={"token": token})
    assert seen.json()["email"] == "g***@example.com"
    assert guest not in seen.text
    theirs = signed_up(mute, guest)
    assert mute.post("/invitations/accept", json={"token": token}, headers=theirs).status_code == 200
