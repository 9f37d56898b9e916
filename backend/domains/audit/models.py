"""Tables of the audit log: entries, the sealer's outbox, seals, the keys that sign them, and the last verification."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.kernel.db.orm import Base, TenantOwned


class AuditLogRow(TenantOwned, Base):
    """One entry; ``util.append_audit`` writes it and nothing changes it."""

    __tablename__ = "audit_logs"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_user_id: Mapped[UUID | None]
    actor_api_key_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    resource: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    meta: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class AuditPendingRow(TenantOwned, Base):
    """An entry that the sealer has not seen yet."""

    __tablename__ = "audit_pending"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    audit_log_id: Mapped[UUID] = mapped_column(primary_key=True)


class AuditSealRow(TenantOwned, Base):
    """An entry's place in the chain, as ``chain.Seal``."""

    __tablename__ = "audit_seals"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    audit_log_id: Mapped[UUID]
    hash: Mapped[bytes]
    sealed_at: Mapped[datetime]
    key_id: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes]
    checkpoint: Mapped[bool]


class AuditKeyRow(Base):
    """A signing key of the installation, its private half sealed under a master key."""

    __tablename__ = "audit_keys"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    sealed_private: Mapped[bytes]
    public_key: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]


class AuditVerificationRow(TenantOwned, Base):
    """What the last walk over a tenant's chain came to, signed; ``fault`` is an ``AuditFault`` as JSON."""

    __tablename__ = "audit_verifications"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    verified_at: Mapped[datetime]
    entries: Mapped[int] = mapped_column(BigInteger)
    sealed_seq: Mapped[int] = mapped_column(BigInteger)
    waiting: Mapped[int] = mapped_column(BigInteger)
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    key_id: Mapped[str] = mapped_column(Text, server_default="")
    signature: Mapped[bytes] = mapped_column(server_default="")
