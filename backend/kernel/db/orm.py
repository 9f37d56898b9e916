"""The declarative base of every table and the columns that most of them share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, MetaData, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


#: What a statement returns replaces what the session knew of the row; nothing is expired behind its back.
FRESH: Final[Mapping[str, Any]] = {"execution_options": {"synchronize_session": False, "populate_existing": True}}


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {UUID: Uuid(), datetime: DateTime(timezone=True)}  # noqa: RUF012  # SQLAlchemy's own hook


class Timestamps:
    """Audit timestamps; the database keeps both, ``updated_at`` by a trigger."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), server_onupdate=FetchedValue())


class TenantOwned:
    """First half of the primary key of every tenant table."""

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique, and ordered by time of creation."""
    return uuid7()
