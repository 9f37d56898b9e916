"""Every query on tenant tables. The signed context limits each of them to one tenant."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple
from typing import cast as cast_type
from uuid import UUID

from sqlalchemy import Date, Text, Uuid, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.models import (
    MemberRow,
    OnboardingRow,
    ProfileRow,
    TenantKeyRow,
    TenantRow,
    UsageRow,
)
from backend.kernel.db import Database
from backend.kernel.tenancy import TenantContext
from module_sdk.wire.identity import Role
from module_sdk.wire.tenants import Tenant

DAILY = {"messages_per_day": TenantRow.messages_per_day, "tasks_per_day": TenantRow.tasks_per_day}


# The limit's column is one of DAILY, never a caller's word.
SPEND = {
    metric: text(
        f"""WITH tenant AS (SELECT {metric} AS allowed FROM tenants WHERE id = :tenant_id)
        INSERT INTO usage_snapshots AS u (tenant_id, metric, day, used)
        SELECT :tenant_id, :metric, :day, 1 FROM tenant WHERE allowed > 0
        ON CONFLICT (tenant_id, metric, day) DO UPDATE SET used = u.used + 1
          WHERE u.used < (SELECT allowed FROM tenant)
        RETURNING used, (SELECT allowed FROM tenant) AS allowed"""  # noqa: S608
    ).bindparams(
        bindparam("tenant_id", type_=Uuid()), bindparam("metric", type_=Text()), bindparam("day", type_=Date())
    )
    for metric in DAILY
}
COMPANY = (
    select(TenantRow.name, ProfileRow)
    .outerjoin(ProfileRow, ProfileRow.tenant_id == TenantRow.id)
    .where(TenantRow.id == bindparam("tenant_id"))
)
ROLE = "SELECT role FROM tenant_members WHERE tenant_id = $1 AND user_id = $2"


async def role_in(db: Database, tenant_id: UUID, user_id: UUID) -> Role | None:
    """A person's role in a tenant, ``None`` if they are not a member; every request asks this."""
    context = TenantContext(tenant_id, user_id)
    return cast_type("Role | None", await db.read_value(context, ROLE, tenant_id, user_id))


class Spent(NamedTuple):
    """A daily limit after an attempt to use one more of it."""

    granted: bool
    limit: int
    used: int


class TenantRepository:
    """Queries of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def insert_tenant(self, row: Mapping[str, Any]) -> bool:
        """Insert a tenant; ``False`` if the slug is taken (by a tenant that this context need not see)."""
        statement = upsert(TenantRow).values(**row).on_conflict_do_nothing(index_elements=["slug"])
        return (await self._session.execute(statement.returning(TenantRow.id))).scalar() is not None

    async def insert_belongings(self, tenant_id: UUID, owner_id: UUID, wrapped: bytes) -> None:
        """The rows that every tenant has from its first moment."""
        execute = self._session.execute
        await self.insert_member(tenant_id, owner_id, "owner")
        await execute(insert(OnboardingRow).values(tenant_id=tenant_id, step="profile"))
        await execute(insert(TenantKeyRow).values(tenant_id=tenant_id, wrapped=wrapped))

    async def insert_member(self, tenant_id: UUID, user_id: UUID, role: Role) -> None:
        """Make a person a member."""
        await self._session.execute(insert(MemberRow).values(tenant_id=tenant_id, user_id=user_id, role=role))

    async def tenant(self, tenant_id: UUID) -> TenantRow | None:
        """The tenant."""
        return await self._session.scalar(select(TenantRow).where(TenantRow.id == tenant_id))

    async def memberships(self) -> list[Tenant]:
        """Every tenant of the context's person with their role, oldest first."""
        rows = await self._session.execute(text("SELECT * FROM util.my_memberships() ORDER BY tenant_id"))
        return [
            Tenant(
                id=row.tenant_id,
                name=row.name,
                slug=row.slug,
                role=row.role,
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
            for row in rows
        ]

    async def change_tenant(self, tenant_id: UUID, changes: Mapping[str, Any]) -> bool:
        """Rename a tenant; ``False``, and nothing changed, if the slug is taken by whichever tenant."""
        try:
            async with self._session.begin_nested():
                await self._session.execute(update(TenantRow).where(TenantRow.id == tenant_id).values(**changes))
        except IntegrityError:
            return False
        return True

    async def profile(self, tenant_id: UUID) -> ProfileRow | None:
        """The business profile, ``None`` until it was saved once."""
        return await self._session.scalar(select(ProfileRow).where(ProfileRow.tenant_id == tenant_id))

    async def owned_for_update(self, user_id: UUID) -> int:
        """How many companies the context's person owns; they can found no other until the transaction ends."""
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:user, 0))")
        await self._session.execute(lock, {"user": f"tenants/{user_id}"})
        return sum(tenant.role == "owner" for tenant in await self.memberships())

    async def company(self, tenant_id: UUID) -> tuple[str, ProfileRow | None] | None:
        """Name and profile in one query."""
        row = (await self._session.execute(COMPANY, {"tenant_id": tenant_id})).one_or_none()
        return None if row is None else (row[0], row[1])

    async def put_profile(self, tenant_id: UUID, values: Mapping[str, Any]) -> None:
        """Save the whole profile."""
        statement = upsert(ProfileRow).values(tenant_id=tenant_id, **values)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=dict(values)))

    async def onboarding(self, tenant_id: UUID, *, lock: bool = False) -> OnboardingRow | None:
        """The wizard's state; ``lock`` it for the change that follows."""
        query = select(OnboardingRow).where(OnboardingRow.tenant_id == tenant_id)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def wrapped_key(self, tenant_id: UUID) -> bytes | None:
        """The wrapped data key, ``None`` once it was erased."""
        return await self._session.scalar(select(TenantKeyRow.wrapped).where(TenantKeyRow.tenant_id == tenant_id))

    async def used(self, tenant_id: UUID, day: date) -> dict[str, int]:
        """What was used of the daily limits."""
        query = select(UsageRow.metric, UsageRow.used).where(UsageRow.tenant_id == tenant_id, UsageRow.day == day)
        return {metric: used for metric, used in await self._session.execute(query)}  # noqa: C416  # rows are no pairs to mypy

    async def member_count(self, tenant_id: UUID) -> int:
        """How many members the tenant has."""
        query = select(func.count()).select_from(MemberRow).where(MemberRow.tenant_id == tenant_id)
        return (await self._session.execute(query)).scalar_one()

    async def spend(self, tenant_id: UUID, metric: str, day: date) -> Spent:
        """Use one of a daily limit in one statement, so that parallel requests cannot overdraw it."""
        values = {"tenant_id": tenant_id, "metric": metric, "day": day}
        row = (await self._session.execute(SPEND[metric], values)).one_or_none()
        if row is not None:
            return Spent(True, row.allowed, row.used)
        allowed = (await self._session.execute(select(DAILY[metric]).where(TenantRow.id == tenant_id))).scalar_one()
        return Spent(False, allowed, (await self.used(tenant_id, day)).get(metric, 0))
