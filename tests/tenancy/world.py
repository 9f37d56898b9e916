"""What three companies and their people should see, kept in memory, and the HTTP client that asks the real API."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from backend.kernel.db import Database, create_engine
from backend.kernel.orm import new_id
from backend.kernel.tenancy import ContextSigner
from backend.settings import Settings
from crypto import Keyring
from module_sdk.sse import SseParser
from tests.support.people import Person, join, sign_in

MANAGERS = {"owner", "admin"}
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
class Company:
    """A tenant with its members' roles and each one's conversations, last spoken in first."""

    id: str
    name: str
    mark: str
    roles: dict["Someone", str] = field(default_factory=dict)
    profile: dict[str, Any] | None = None
    talks: dict["Someone", list[Talk]] = field(default_factory=dict)
    asked: int = 0

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
        await person.http.aclose()
        http = httpx.Client(base_url=self._base_url, timeout=20)
        http.headers["Authorization"] = person.http.headers["Authorization"]
        return Someone(person.user_id, mark, http)

    def found(self, person: Someone) -> Company:
        """Somebody creates a company."""
        mark = marker()
        name = f"Company {mark}"
        created = self.ask(person, "POST", "/tenants", json={"name": name}, new=True)
        assert created.status_code == 201, created.text
        company = Company(created.json()["id"], name, mark, {person: "owner"})
        self.companies.append(company)
        return company

    def add_member(self, company: Company, person: Someone, role: str) -> None:
        """Make somebody a member, as the team page will."""
        self._runner.run(self._join(company, person, role))
        company.roles[person] = role

    async def _join(self, company: Company, person: Someone, role: str) -> None:
        async with httpx.AsyncClient() as unused:
            await join(self._db, UUID(company.id), Person(person.user_id, "", unused), role)

    def close(self) -> None:
        """Give back what was opened."""
        for person in self.people:
            person.http.close()
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
        **options: Any,
    ) -> httpx.Response:
        """A request naming ``company``; the answer may hold what belongs to it or ``about``, as far as it is theirs."""
        headers = dict(options.pop("headers", {}))
        if company is not None:
            headers["X-Tenant-Id"] = company.id if isinstance(company, Company) else company
        response = person.http.request(method, path, headers=headers, **options)
        assert response.status_code < 500, response.text
        scope = about or (company if isinstance(company, Company) else None)
        visible = [scope] if scope else [] if new else self.companies
        self._look(person, response, [item for item in visible if person in item.roles])
        return response

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
        for other in self.people:
            assert other is person or other.mark not in shown

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
