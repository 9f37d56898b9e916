"""Every query on tenant tables. The signed context limits each of them to one tenant."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from typing import cast as cast_type
from uuid import UUID

from sqlalchemy import Date, Row, Text, Uuid, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.models import (
    OnboardingRow,
    ProfileRow,
    TenantKeyRow,
    TenantRow,
    UsageRow,
)
from backend.kernel.auth.permissions import OWNER
from module_sdk.api.identity import Membership, TenantRef
from module_sdk.api.tenants import Tenant

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

    async def insert_belongings(self, tenant_id: UUID, wrapped: bytes) -> None:
        """What every tenant has from its first moment: roles, the context's person as owner, wizard, key."""
        execute = self._session.execute
        await execute(text("SELECT util.establish_tenant()"))
        await execute(insert(OnboardingRow).values(tenant_id=tenant_id, step="profile"))
        await execute(insert(TenantKeyRow).values(tenant_id=tenant_id, wrapped=wrapped))

    async def tenant(self, tenant_id: UUID) -> TenantRow | None:
        """The tenant."""
        return await self._session.scalar(select(TenantRow).where(TenantRow.id == tenant_id))

    async def memberships(self) -> list[tuple[Membership, Tenant]]:
        """Every tenant of the context's person with what they may do there, oldest first; an API key's tenant alone."""
        rows = await self._session.execute(text("SELECT * FROM util.my_memberships() ORDER BY joined_at, tenant_id"))
        return [(_membership(row), _tenant(row)) for row in rows]

    async def erase_after(self, tenant_id: UUID) -> datetime | None:
        """When the tenant will be erased, ``None`` if nobody asked for it."""
        query = text("SELECT erase_after FROM tenant_deletions WHERE tenant_id = :tenant_id")
        return cast_type("datetime | None", await self._session.scalar(query, {"tenant_id": tenant_id}))

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
        return sum(OWNER in membership.roles for membership, _ in await self.memberships())

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
        query = text("SELECT count(*) FROM tenant_members WHERE tenant_id = :tenant_id")
        return int((await self._session.execute(query, {"tenant_id": tenant_id})).scalar_one())

    async def spend(self, tenant_id: UUID, metric: str, day: date) -> Spent:
        """Use one of a daily limit in one statement, so that parallel requests cannot overdraw it."""
        values = {"tenant_id": tenant_id, "metric": metric, "day": day}
        row = (await self._session.execute(SPEND[metric], values)).one_or_none()
        if row is not None:
            return Spent(True, row.allowed, row.used)
        allowed = (await self._session.execute(select(DAILY[metric]).where(TenantRow.id == tenant_id))).scalar_one()
        return Spent(False, allowed, (await self.used(tenant_id, day)).get(metric, 0))


def highest(roles: Sequence[str]) -> str:
    """The first of a member's roles, which stand in the order of their rank."""
    return roles[0] if roles else "none"


def _membership(row: Row[Any]) -> Membership:
    return Membership(
        tenant=TenantRef(id=row.tenant_id, name=row.name, slug=row.slug),
        role=highest(row.roles),
        roles=row.roles,
        permissions=row.permissions,
        erase_after=row.erase_after,
    )


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(
        id=row.tenant_id,
        name=row.name,
        slug=row.slug,
        role=highest(row.roles),
        created_at=row.created_at,
        updated_at=row.updated_at,
        erase_after=row.erase_after,
    )
