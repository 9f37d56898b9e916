"""Tables of access: the catalogue, roles and who holds them, invitations, API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from backend.kernel.db.orm import Base, TenantOwned, Timestamps


class PermissionRow(Timestamps, Base):
    """A permission that a domain declares."""

    __tablename__ = "permissions"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    position: Mapped[int]


class RoleRow(TenantOwned, Timestamps, Base):
    """A role of a tenant. ``rank`` orders roles, the highest first; the company's own come last.

    No two names of a tenant look alike: an index over them as the eye reads them, which migration 0012 makes.
    """

    __tablename__ = "roles"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    built_in: Mapped[bool] = mapped_column(server_default="false")
    rank: Mapped[int] = mapped_column(server_default="100")


class RolePermissionRow(TenantOwned, Base):
    """What a role allows."""

    __tablename__ = "role_permissions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "role_key"],
            ["roles.tenant_id", "roles.key"],
            name="fk_role_permissions_role",
            ondelete="CASCADE",
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    role_key: Mapped[str] = mapped_column(Text, primary_key=True)
    permission: Mapped[str] = mapped_column(Text, ForeignKey("permissions.key", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MemberRow(TenantOwned, Timestamps, Base):
    """A person's membership."""

    __tablename__ = "tenant_members"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    invitation_hash: Mapped[bytes | None]


class MemberRoleRow(TenantOwned, Base):
    """A role that a member holds."""

    __tablename__ = "member_roles"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["tenant_members.tenant_id", "tenant_members.user_id"],
            name="fk_member_roles_member",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["tenant_id", "role_key"], ["roles.tenant_id", "roles.key"], name="fk_member_roles_role"),
        Index("ix_member_roles_role", "tenant_id", "role_key"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    role_key: Mapped[str] = mapped_column(Text, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class InvitationRow(TenantOwned, Timestamps, Base):
    """An invitation that was not taken yet; the token itself is in its link alone, here is its SHA-256."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("tenant_id", "email", name="uq_invitations_email"),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(index=True)
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    expires_at: Mapped[datetime]


class InvitationRoleRow(TenantOwned, Base):
    """A role that an invitation gives."""

    __tablename__ = "invitation_roles"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "invitation_id"],
            ["invitations.tenant_id", "invitations.id"],
            name="fk_invitation_roles_invitation",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["tenant_id", "role_key"], ["roles.tenant_id", "roles.key"], name="fk_invitation_roles_role"
        ),
        Index("ix_invitation_roles_role", "tenant_id", "role_key"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    invitation_id: Mapped[UUID] = mapped_column(primary_key=True)
    role_key: Mapped[str] = mapped_column(Text, primary_key=True)


class ApiKeyRow(TenantOwned, Timestamps, Base):
    """An API key of a member; the secret itself is with them alone, here is its SHA-256."""

    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["tenant_members.tenant_id", "tenant_members.user_id"],
            name="fk_api_keys_member",
            ondelete="CASCADE",
        ),
        Index("ix_api_keys_member", "tenant_id", "user_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(index=True)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
