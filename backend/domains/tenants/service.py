"""Rules of tenants. A service works inside the caller's transaction and never commits."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.tenants.models import ProfileRow, TenantRow
from backend.domains.tenants.repository import DAILY, TenantRepository, highest
from backend.kernel.audit.recording import MetaValue, record
from backend.kernel.auth.permissions import OWNER
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import LimitReached, NotFound, SlugTaken, ValidationFailed
from backend.settings import Allowances
from crypto import Keyring
from module_sdk.api.problems import FieldError
from module_sdk.api.tenants import (
    Metric,
    Onboarding,
    OnboardingPatch,
    Profile,
    ProfileReply,
    Tenant,
    TenantCreate,
    TenantPatch,
    Usage,
    UsageLine,
)

SLUG_LENGTH: Final = 40
PROFILE_FIELDS: Final = Profile.__struct_fields__


class TenantService:
    """What one person may do in one tenant."""

    def __init__(self, session: AsyncSession, context: TenantContext) -> None:
        self._session = session
        self._repository = TenantRepository(session)
        self._context = context
        self._tenant_id = context.tenant_id

    async def create(self, body: TenantCreate, keyring: Keyring, allowances: Allowances) -> Tenant:
        """Make the context's tenant with its person as owner.

        Raises ``SlugTaken`` for a chosen slug that exists, ``LimitReached`` (402) for a person who owns too many.
        """
        if self._context.user_id is None:
            raise ValueError("a tenant is created by a person")
        owned = await self._repository.owned_for_update(self._context.user_id)
        if owned >= allowances.companies:
            detail = f"You own {owned} companies, which is as many as one person may."
            raise LimitReached(detail, metric="companies", limit=allowances.companies, used=owned)
        for slug in [body.slug] if body.slug else proposed_slugs(body.name, self._tenant_id):
            row = {
                "id": self._tenant_id,
                "name": body.name,
                "slug": slug,
                "messages_per_day": allowances.messages_per_day,
                "tasks_per_day": allowances.tasks_per_day,
                "members_max": allowances.members,
            }
            if await self._repository.insert_tenant(row):
                break
        else:
            raise SlugTaken
        wrapped = keyring.new_tenant_key(self._tenant_id)
        await self._repository.insert_belongings(self._tenant_id, wrapped)
        await self._record("company.created", {"name": body.name, "slug": slug})
        return await self.tenant()

    async def tenant(self) -> Tenant:
        """The tenant with the person's role."""
        row = await self._row()
        return Tenant(
            id=row.id,
            name=row.name,
            slug=row.slug,
            role=highest(self._context.roles),
            created_at=row.created_at,
            updated_at=row.updated_at,
            erase_after=await self._repository.erase_after(self._tenant_id),
        )

    async def change(self, body: TenantPatch) -> Tenant:
        """Rename."""
        changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
        if changes and not await self._repository.change_tenant(self._tenant_id, changes):
            raise SlugTaken
        await self._record("company.renamed", changes)
        return await self.tenant()

    async def profile(self) -> ProfileReply:
        """The business profile, or an empty one that was never saved."""
        row = await self._repository.profile(self._tenant_id)
        return ProfileReply(profile=profile_of(row), updated_at=row.updated_at if row else None)

    async def put_profile(self, profile: Profile) -> ProfileReply:
        """Replace the business profile."""
        if profile.time_zone not in available_timezones():
            raise ValidationFailed(errors=[FieldError(path="$.time_zone", message="Not an IANA time zone")])
        before = (await self.profile()).profile
        await self._repository.put_profile(self._tenant_id, msgspec.structs.asdict(profile))
        changed = [name for name in PROFILE_FIELDS if getattr(before, name) != getattr(profile, name)]
        await self._record("company.profile_saved", {"changed": changed})
        return await self.profile()

    async def onboarding(self) -> Onboarding:
        """Where the wizard stands."""
        row = await self._repository.onboarding(self._tenant_id)
        if row is None:
            raise NotFound
        return msgspec.convert(row, Onboarding, from_attributes=True)

    async def move_onboarding(self, body: OnboardingPatch) -> Onboarding:
        """Show another step next; ``done`` completes the wizard, once."""
        row = await self._repository.onboarding(self._tenant_id, lock=True)
        if row is None:
            raise NotFound
        row.step = body.step
        if body.skipped and body.skipped not in row.skipped:
            row.skipped = [*row.skipped, body.skipped]
        if body.step == "done" and row.completed_at is None:
            row.completed_at = datetime.now(UTC)
        await self._record("company.onboarding_moved", {"step": body.step, "skipped": body.skipped})
        return msgspec.convert(row, Onboarding, from_attributes=True)

    async def usage(self) -> Usage:
        """Every limit with its use today."""
        row, today = await self._row(), datetime.now(UTC).date()
        used = await self._repository.used(self._tenant_id, today)
        limits: list[tuple[Metric, int]] = [
            ("messages_per_day", row.messages_per_day),
            ("tasks_per_day", row.tasks_per_day),
        ]
        daily = [
            UsageLine(metric=metric, limit=limit, used=used.get(metric, 0), resets_at=next_day())
            for metric, limit in limits
        ]
        members = await self._repository.member_count(self._tenant_id)
        return Usage(
            tenant_id=self._tenant_id,
            lines=[*daily, UsageLine(metric="members", limit=row.members_max, used=members, resets_at=None)],
        )

    async def spend(self, metric: str) -> None:
        """Use one of a daily limit; raises ``LimitReached`` (429) telling when it resets."""
        if metric not in DAILY:
            raise ValueError(metric)
        spent = await self._repository.spend(self._tenant_id, metric, datetime.now(UTC).date())
        if not spent.granted:
            resets_at = next_day()
            wait = max(1, int((resets_at - datetime.now(UTC)).total_seconds()))
            raise LimitReached(
                f"All {spent.limit} of today are used; the count starts again at {resets_at:%H:%M} UTC.",
                metric=metric,
                limit=spent.limit,
                used=spent.used,
                resets_at=resets_at,
                headers={"Retry-After": str(wait)},
            )

    async def _row(self) -> TenantRow:
        row = await self._repository.tenant(self._tenant_id)
        if row is None:
            raise NotFound
        return row

    async def _record(self, action: str, meta: Mapping[str, MetaValue]) -> None:
        await record(self._session, action, f"company:{self._tenant_id}", meta)


def profile_of(row: ProfileRow | None) -> Profile:
    """The stored profile, or an empty one."""
    if row is None:
        return Profile()
    values: dict[str, Any] = {name: getattr(row, name) for name in PROFILE_FIELDS}
    return msgspec.convert(values, Profile)


#: Letters that are spelled out where they are missing, not stripped of their marks.
_SPELLED_OUT: Final = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "oe",
        "å": "aa",
        "þ": "th",
        "ð": "d",
        "ł": "l",
    }
)


def proposed_slugs(name: str, tenant_id: UUID) -> list[str]:
    """Slugs to try for a name: itself in ASCII, then with endings taken from the id's random part."""
    spelled = unicodedata.normalize("NFC", name).lower().translate(_SPELLED_OUT)
    ascii_name = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:SLUG_LENGTH].strip("-")
    endings = [f"{base or 'company'}-{tenant_id.hex[-length:]}" for length in (4, 7)]
    return [base, *endings] if len(base) >= 3 else endings


def next_day() -> datetime:
    """When daily limits start again: the next midnight in UTC."""
    return datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time(), UTC)


def new_tenant_context(user_id: UUID) -> TenantContext:
    """The context in which a person's new tenant is created."""
    return TenantContext(new_id(), user_id, (OWNER,))
