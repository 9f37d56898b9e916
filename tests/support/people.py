"""People and companies for tests: real rows, sessions and tokens, without the cost of a password each time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import create_async_engine

from backend.domains.access.gatekeeper import admission
from backend.domains.access.invitations import InvitationService, accept
from backend.domains.identity.local import LOCAL_ISSUER, subject_of
from backend.domains.tenants.adapters import CompaniesAdapter
from backend.domains.tenants.models import TenantRow
from backend.kernel.db.database import Database, driver_url
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext, UserContext
from backend.settings import Settings
from crypto import hash_token, new_token
from module_sdk.api.access import InvitationCreate


@dataclass(slots=True)
class Person:
    """Somebody signed in: their id, session cookie, and an HTTP client that carries a current access token."""

    user_id: UUID
    cookie: str
    http: httpx.AsyncClient

    async def found(self, name: str = "Acme Robotics", **profile: Any) -> "Member":
        """Create a company."""
        created = await self.http.post("/tenants", json={"name": name})
        assert created.status_code == 201, created.text
        member = Member(self, UUID(created.json()["id"]))
        if profile:
            saved = await self.http.put(f"/tenants/{member.tenant_id}/profile", json=profile)
            assert saved.status_code == 200, saved.text
        return member


@dataclass(slots=True)
class Member:
    """A person in one company; ``request`` names the company in every call."""

    person: Person
    tenant_id: UUID

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call about this company."""
        headers = {"X-Tenant-Id": str(self.tenant_id), **options.pop("headers", {})}
        return await self.person.http.request(method, path, headers=headers, **options)


def email_of(user_id: UUID) -> str:
    """The address of whoever :func:`sign_in` made."""
    return f"{user_id.hex}@people.example"


async def sign_in(db: Database, base_url: str, full_name: str = "Ada Lovelace") -> Person:
    """A new person with a session in the database and a token from the API. Close ``http`` afterwards."""
    user_id, session_id, cookie = new_id(), new_id(), new_token()
    async with db.transaction(UserContext(user_id)) as session:
        await session.execute(
            text(
                "INSERT INTO users (id, issuer, subject, email, full_name) "
                "VALUES (:id, :issuer, :subject, :email, :name)"
            ),
            {
                "id": user_id,
                "issuer": LOCAL_ISSUER,
                "subject": subject_of(user_id),
                "email": email_of(user_id),
                "name": full_name,
            },
        )
        await session.execute(
            text("INSERT INTO sessions (id, user_id, token_hash, expires_at) VALUES (:id, :user, :hash, :expires)"),
            {
                "id": session_id,
                "user": user_id,
                "hash": hash_token(cookie),
                "expires": datetime.now(UTC) + timedelta(days=1),
            },
        )
    http = httpx.AsyncClient(base_url=base_url, timeout=20)
    renewed = await http.post("/auth/token", headers={"Cookie": f"ocsuite_session={cookie}"})
    assert renewed.status_code == 200, renewed.text
    http.headers["Authorization"] = f"Bearer {renewed.json()['access_token']}"
    return Person(user_id, cookie, http)


async def limit(settings: Settings, tenant_id: UUID, **limits: int) -> None:
    """Change what a company may use, such as ``members_max=2``; the application role cannot."""
    engine = create_async_engine(driver_url(settings.database_owner_url))
    async with engine.begin() as connection:
        await connection.execute(update(TenantRow).where(TenantRow.id == tenant_id).values(**limits))
    await engine.dispose()


async def join(db: Database, tenant_id: UUID, person: Person, role: str = "member") -> Member:
    """Make a person a member: an owner invites them, and they accept."""
    async with db.transaction(TenantContext(tenant_id, None)) as session:
        owner = await session.scalar(text("SELECT user_id FROM member_roles WHERE role_key = 'owner' LIMIT 1"))
    async with db.transaction(UserContext(person.user_id)) as session:
        email = await session.scalar(text("SELECT email FROM users WHERE id = :id"), {"id": person.user_id})
    inviting = await admission(db, tenant_id, owner)
    assert inviting is not None
    async with db.transaction(inviting) as session:
        issued = await InvitationService(session, inviting).create(InvitationCreate(email=email, roles=[role]))
    context = TenantContext(tenant_id, person.user_id)
    async with db.transaction(context) as session:
        await accept(session, context, issued.token, CompaniesAdapter())
    return Member(person, tenant_id)
