"""Tables of people, their credentials and sessions, and of the keys that sign access tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.kernel.db.orm import Base, Timestamps


class UserRow(Timestamps, Base):
    """A person, named by who vouches for them (``issuer``) and their id there (``subject``).

    Their address is proven while ``confirmed_email`` is the same; ``closed_at`` is there once the account was deleted.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    full_name: Mapped[str] = mapped_column(Text)
    confirmed_email: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None]


class CredentialRow(Timestamps, Base):
    """A local account's folded address and argon2id hash."""

    __tablename__ = "user_credentials"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str] = mapped_column(Text)


class SessionRow(Timestamps, Base):
    """A browser's session; the token itself is in the browser alone, here is its SHA-256."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(Text, server_default="")
    address: Mapped[str] = mapped_column(Text, server_default="")
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AccountLinkRow(Timestamps, Base):
    """A single-use link, at most one of a purpose for a person; the token is in the link alone, here is its SHA-256.

    ``email`` is the address that it was sent to, and so proves; ``None`` for one that an operator handed over.
    """

    __tablename__ = "account_links"
    __table_args__ = (UniqueConstraint("user_id", "purpose"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    email: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SigningKeyRow(Base):
    """An RSA key of access tokens; its private half is sealed under a master key."""

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    sealed_private: Mapped[bytes]
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]
