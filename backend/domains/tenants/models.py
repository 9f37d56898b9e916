"""Tables of a tenant: itself, its profile, onboarding, wrapped key and use."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.kernel.db.orm import Base, TenantOwned, Timestamps


class TenantRow(Timestamps, Base):
    """A tenant and what it may use."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    messages_per_day: Mapped[int]
    tasks_per_day: Mapped[int]
    members_max: Mapped[int]


class ProfileRow(TenantOwned, Timestamps, Base):
    """The business profile."""

    __tablename__ = "tenant_profiles"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    industry: Mapped[str] = mapped_column(Text)
    size: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)
    goals: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str] = mapped_column(Text)


class OnboardingRow(TenantOwned, Timestamps, Base):
    """Where the onboarding wizard stands."""

    __tablename__ = "tenant_onboarding"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(Text)
    skipped: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    completed_at: Mapped[datetime | None]


class TenantKeyRow(TenantOwned, Timestamps, Base):
    """The tenant's data key, wrapped under a master key; without this row its sealed values are gone for good."""

    __tablename__ = "tenant_keys"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    wrapped: Mapped[bytes]


class UsageRow(TenantOwned, Timestamps, Base):
    """What was used of a daily limit on one UTC day."""

    __tablename__ = "usage_snapshots"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    metric: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int]


class DeletionRow(TenantOwned, Base):
    """A deletion that was asked for and not carried out yet."""

    __tablename__ = "tenant_deletions"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    requested_by: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    erase_after: Mapped[datetime] = mapped_column(index=True)


class ReceiptRow(Timestamps, Base):
    """What was erased of a tenant, kept by the person who asked for it."""

    __tablename__ = "erasure_receipts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    erased_tenant_id: Mapped[UUID]
    erased_tenant_name: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]
    erased_at: Mapped[datetime]
    rows: Mapped[dict[str, int]] = mapped_column(JSONB)
    audit_seq: Mapped[int] = mapped_column(BigInteger)
    audit_hash: Mapped[bytes]
