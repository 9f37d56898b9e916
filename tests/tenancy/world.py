"""What three companies and their people should see, kept in memory, and the HTTP client that asks the real API."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from backend.kernel.auth.permissions import BUILT_IN_ROLES
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ContextSigner
from backend.registry import declarations
from backend.settings import Settings
from crypto import Keyring
from module_sdk.api.sse import SseParser
from tests.support.people import sign_in

#: What each built-in role holds, as the domains declare it.
BUILT_IN = {
    role.key: frozenset(item.key for item in declarations().permissions if role.key in item.roles)
    for role in BUILT_IN_ROLES
}
RANKS = {role.key: role.rank for role in BUILT_IN_ROLES}
#: Differ from one answer to the next whatever is asked: the request's id, and how much of a limit is left.
PASSING_HEADERS = {"x-request-id", "date", "ratelimit"}


def marker() -> str:
    """A word that appears nowhere else."""
    return f"zq{uuid4().hex[:12]}"


@dataclass(eq=False)
class Talk:
    """A conversation: newest messages last, as (id, role, text)."""

    id: str
    title: str
    messages: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(eq=False)
class Key:
    """An API key: its maker, what it names of their permissions, and its secret."""

    id: str
    maker: "Someone"
    names: frozenset[str]
    http: httpx.Client
    revoked: bool = False


@dataclass(eq=False)
class Company:
    """A tenant with its members' roles and each one's conversations, last spoken in first.

    ``custom`` are roles of its own with what they hold, ``past`` everybody who was a member once.
    """

    id: str
    name: str
    mark: str
    roles: dict["Someone", frozenset[str]] = field(default_factory=dict)
    custom: dict[str, frozenset[str]] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    past: set["Someone"] = field(default_factory=set)
    profile: dict[str, Any] | None = None
    talks: dict["Someone", list[Talk]] = field(default_factory=dict)
    asked: int = 0

    def of_role(self, role: str) -> frozenset[str]:
        """What a role holds."""
        return BUILT_IN.get(role) or self.custom[role]

    def holds(self, person: "Someone") -> frozenset[str]:
        """What a person may do here."""
        return frozenset[str]().union(*(self.of_role(role) for role in self.roles.get(person, frozenset())))

    def highest(self, person: "Someone") -> str:
        """The role that is shown for a member."""
        return min(self.roles[person], key=lambda role: (RANKS.get(role, 100), role))

    def owners(self) -> list["Someone"]:
        """Members who own the company."""
        return [person for person, roles in self.roles.items() if "owner" in roles]

    def secrets(self) -> set[str]:
        """What stands in no answer to anybody else."""
        talks = [talk for mine in self.talks.values() for talk in mine]
        return {
            self.id,
            self.mark,
            *(talk.id for talk in talks),
            *(item[0] for talk in talks for item in talk.messages),
        }


@dataclass(eq=False)
class Someone:
    """A person who is signed in."""

    user_id: UUID
    mark: str
    email: str
    http: httpx.Client


class World:
    """Everything there is, and every request through one place that looks for what must not be in the answer."""

    def __init__(self, settings: Settings, base_url: str, runner: asyncio.Runner) -> None:
        self._runner = runner
        signer = ContextSigner(Keyring(settings.master_keys), time.time)
        self._db = Database(create_engine(settings.database_url, pool_size=1), signer)
        self._base_url = base_url
        self.people: list[Someone] = []
        self.companies: list[Company] = []

    def enter(self) -> Someone:
        """A new person signs in."""
        mark = marker()
        person = self._runner.run(self._sign_in(mark))
        self.people.append(person)
        return person

    async def _sign_in(self, mark: str) -> Someone:
        person = await sign_in(self._db, self._base_url, f"Person {mark}")
        email = (await person.http.get("/me")).json()["user"]["email"]
        await person.http.aclose()
        http = httpx.Client(base_url=self._base_url, timeout=20)
        http.headers["Authorization"] = person.http.headers["Authorization"]
        return Someone(person.user_id, mark, email, http)

    def found(self, person: Someone) -> Company:
        """Somebody creates a company."""
        mark = marker()
        name = f"Company {mark}"
        created = self.ask(person, "POST", "/tenants", json={"name": name}, new=True)
        assert created.status_code == 201, created.text
        company = Company(created.json()["id"], name, mark, {person: frozenset({"owner"})}, past={person})
        self.companies.append(company)
        return company

    def add_member(self, company: Company, person: Someone, role: str) -> None:
        """Make somebody a member, by an owner's invitation."""
        sent = self.invite(company.owners()[0], company, person, role)
        assert sent.status_code == 201, sent.text
        self.accept(company, person, sent, role)

    def invite(self, host: Someone, company: Company, guest: Someone, role: str) -> httpx.Response:
        """Ask somebody to join."""
        body = {"email": guest.email, "roles": [role]}
        return self.ask(host, "POST", "/team/invitations", company=company, json=body)

    def accept(self, company: Company, guest: Someone, sent: httpx.Response, role: str) -> None:
        """Follow the link of an invitation."""
        token = sent.json()["link"].partition("token=")[2]
        joined = self.ask(guest, "POST", "/invitations/accept", about=company, json={"token": token}, joining=company)
        assert joined.status_code == 200, joined.text
        company.roles[guest] = frozenset({role})
        company.past.add(guest)

    def client(self, secret: str) -> httpx.Client:
        """Requests with an API key."""
        return httpx.Client(base_url=self._base_url, timeout=20, headers={"Authorization": f"Bearer {secret}"})

    def close(self) -> None:
        """Give back what was opened."""
        for person in self.people:
            person.http.close()
        for company in self.companies:
            for key in company.keys:
                key.http.close()
        self._runner.run(self._db.close())

    def ask(
        self,
        person: Someone,
        method: str,
        path: str,
        *,
        company: Company | str | None = None,
        about: Company | None = None,
        new: bool = False,
        joining: Company | None = None,
        key: Key | None = None,
        **options: Any,
    ) -> httpx.Response:
        """A request naming ``company``; the answer may hold what belongs to it or ``about``, as far as it is theirs.

        ``joining`` is a company that the answer is the first to tell of; ``key`` acts for the person.
        """
        headers = dict(options.pop("headers", {}))
        if company is not None:
            headers["X-Tenant-Id"] = company.id if isinstance(company, Company) else company
        response = (key or person).http.request(method, path, headers=headers, **options)
        assert response.status_code < 500, response.text
        scope = about or (company if isinstance(company, Company) else None)
        visible = [scope] if scope else [] if new else self.companies
        mine = [item for item in visible if person in item.roles or item is joining]
        self._look(person, response, mine)
        return response

    def expect(self, person: Someone, company: Company, permission: str, response: httpx.Response) -> bool:
        """Whether the person may, which the answer has to agree with: a refusal names the permission."""
        if permission in company.holds(person):
            assert response.status_code != 403 or response.json()["extra"].get("permission") != permission, (
                response.text
            )
            return True
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied"), response.text
        assert response.json()["extra"]["permission"] == permission
        return False

    def _look(self, person: Someone, response: httpx.Response, visible: list[Company]) -> None:
        shown = response.text + repr(response.headers.raw)
        for company in self.companies:
            if company not in visible:
                for secret in company.secrets():
                    assert secret not in shown, f"{response.request.method} {response.request.url} shows {secret}"
            for other, talks in company.talks.items():
                if other is not person:
                    for talk in talks:
                        assert talk.id not in shown
        # Colleagues know one another by name, and whoever was one.
        known = {other for company in visible for other in company.past}
        for other in self.people:
            assert other is person or other in known or other.mark not in shown

    def alike(
        self, person: Someone, method: str, path: str, foreign: str, *, company: Company | None = None, **options: Any
    ) -> None:
        """A foreign id and one that nobody has get the same answer; ``{}`` stands for it in path, header or body."""
        if company is not None:
            # From the second request on, a member's answers name the company's rate limit too.
            self.ask(person, "GET", "/c-suite/executives", company=company)
        answers = []
        for value in (foreign, str(new_id())):
            filled = {key: _fill(option, value) for key, option in options.items()}
            response = self.ask(person, method, path.replace("{}", value), company=company, **filled)
            assert response.status_code == 404, response.text
            assert value not in response.text
            answers.append(_without_passing(response))
        assert answers[0] == answers[1], f"{method} {path}: {answers}"


def _fill(option: Any, value: str) -> Any:
    if isinstance(option, dict):
        return {key: _fill(item, value) for key, item in option.items()}
    return value if option == "{}" else option


def _without_passing(response: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    request_id = response.headers["x-request-id"].encode()
    assert request_id in response.content
    headers = [(name, "" if name in PASSING_HEADERS else value) for name, value in response.headers.items()]
    return response.status_code, response.content.replace(request_id, b"?"), headers


def events_of(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Names and data of a stream's events."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return [(event.event, json.loads(event.data)) for event in SseParser().feed(response.content)]
