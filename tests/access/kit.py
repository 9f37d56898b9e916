"""What tests of access share: a company with people in roles, and what its audit log says."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from backend.domains.access.gatekeeper import admission
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from tests.conftest import SignIn
from tests.support.people import Member, Person, email_of, join

Outcome = tuple[int, str]


@dataclass(slots=True)
class Team:
    """A company, its owner, and others by their role."""

    db: Database
    owner: Member
    others: dict[str, Member]

    def __getitem__(self, role: str) -> Member:
        return self.owner if role == "owner" else self.others[role]

    @property
    def tenant_id(self) -> UUID:
        return self.owner.tenant_id

    async def context(self, role: str) -> TenantContext:
        """What the gate would admit somebody with."""
        found = await admission(self.db, self.tenant_id, self[role].person.user_id)
        assert found is not None
        return found

    async def entries(self, action: str) -> list[Any]:
        """Entries of the audit log with this action, oldest first."""
        async with self.db.transaction(await self.context("owner")) as session:
            query = text("SELECT * FROM audit_logs WHERE action = :action ORDER BY id")
            return list((await session.execute(query, {"action": action})).all())

    async def execute(self, statement: str, **values: Any) -> None:
        """SQL of the application role in the owner's context."""
        async with self.db.transaction(await self.context("owner")) as session:
            await session.execute(text(statement), values)

    async def invite(self, email: str, *roles: str) -> str:
        """An invitation by the owner; returns its token."""
        made = await self.owner.request(
            "POST", "/team/invitations", json={"email": email, "roles": roles or ("member",)}
        )
        assert made.status_code == 201, made.text
        return token_of(made)

    async def make_role(self, name: str, *permissions: str) -> str:
        """A custom role, made by the owner; returns its key."""
        made = await self.owner.request("POST", "/roles", json={"name": name, "permissions": permissions})
        assert made.status_code == 201, made.text
        return str(made.json()["key"])


async def team_of(db: Database, someone: SignIn, *roles: str) -> Team:
    """A new company with one member in each of ``roles`` beside its owner."""
    owner = await (await someone("Olive Owner")).found()
    others = {role: await join(db, owner.tenant_id, await someone(f"{role.title()} Person"), role) for role in roles}
    return Team(db, owner, others)


async def grantable(owner: Member) -> list[str]:
    """Everything that a key of an owner's can be given."""
    catalogue = (await owner.request("GET", "/permissions")).json()["items"]
    return [item["key"] for item in catalogue if item["roles"] != ["owner"]]


def address(person: Person) -> str:
    """Where somebody is invited."""
    return email_of(person.user_id)


def token_of(sent: httpx.Response) -> str:
    """The token of an invitation's link."""
    link: str = sent.json()["link"]
    return link.partition("/invite?token=")[2]


def refusal(answer: httpx.Response) -> Outcome:
    """Status and code of a problem."""
    return answer.status_code, answer.json()["code"]


def keyed(url: str, secret: str) -> httpx.AsyncClient:
    """A client that sends an API key."""
    return httpx.AsyncClient(base_url=url, timeout=20, headers={"Authorization": f"Bearer {secret}"})
