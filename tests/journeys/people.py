"""People with accounts, made over the API so that a journey starts where it is interesting."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx
from playwright.sync_api import BrowserContext

PASSWORD: Final = "correct horse battery"
SESSION_COOKIE: Final = "ocsuite_session"
PROFILE: Final[dict[str, Any]] = {
    "industry": "Industrial robotics",
    "size": "11-50",
    "stage": "seed",
    "country": "DE",
    "currency": "EUR",
    "time_zone": "Europe/Berlin",
    "goals": ["Double recurring revenue this year"],
    "description": "Picking robots for warehouses, by the month.",
}


@dataclass
class Member:
    """An account and its session at the API."""

    api_url: str
    email: str
    session: str
    full_name: str = "Ada Lovelace"
    tenant_id: str = ""

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The body of a call that has to succeed."""
        answer = self._request(method, path, **options)
        return answer.json() if answer.content else None

    def ask(self, message: str) -> str:
        """Ask the CEO in a new conversation and wait for the answer; the conversation's id."""
        answer = self._request("POST", "/c-suite/ceo/chat", json={"message": message})
        assert "event: message.completed" in answer.text, answer.text
        return str(self.call("GET", "/c-suite/conversations")["items"][0]["id"])

    def found(self, name: str = "Acme Robotics") -> None:
        """Create a company whose wizard is done."""
        self.tenant_id = self.call("POST", "/tenants", json={"name": name})["id"]
        self.call("PUT", f"/tenants/{self.tenant_id}/profile", json=PROFILE)
        self.call("PATCH", f"/tenants/{self.tenant_id}/onboarding", json={"step": "done", "skipped": "integration"})

    def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """What is stored, oldest first."""
        page = self.call("GET", f"/c-suite/conversations/{conversation_id}/messages")
        return list(reversed(page["items"]))

    def enter(self, context: BrowserContext, url: str) -> None:
        """Give a browser the session that signing in would."""
        context.add_cookies(
            [{"name": SESSION_COOKIE, "value": self.session, "url": url, "httpOnly": True, "sameSite": "Lax"}]
        )

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call with an access token of its own."""
        with httpx.Client(base_url=self.api_url, timeout=60) as http:
            renewed = http.post("/auth/token", headers={"Cookie": f"{SESSION_COOKIE}={self.session}"})
            assert renewed.status_code == 200, renewed.text
            headers = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
            if self.tenant_id:
                headers["X-Tenant-Id"] = self.tenant_id
            answer = http.request(method, path, headers=headers, **options)
        assert answer.is_success, answer.text
        return answer


def signed_up(api_url: str, full_name: str = "Ada Lovelace") -> Member:
    """A new account."""
    email = f"{uuid4().hex}@example.com"
    body = {"email": email, "password": PASSWORD, "full_name": full_name}
    answer = httpx.post(f"{api_url}/auth/sign-up", json=body, timeout=20)
    assert answer.status_code == 201, answer.text
    return Member(api_url, email, answer.cookies[SESSION_COOKIE], full_name)


def signed_in(api_url: str, email: str, password: str) -> Member:
    """A session of an account that exists, in its first company."""
    answer = httpx.post(f"{api_url}/auth/sign-in", json={"email": email, "password": password}, timeout=20)
    assert answer.status_code == 200, answer.text
    member = Member(api_url, email, answer.cookies[SESSION_COOKIE], answer.json()["user"]["full_name"])
    memberships = member.call("GET", "/me")["memberships"]
    member.tenant_id = memberships[0]["tenant"]["id"]
    return member
