"""The gate: whether whoever asks is a member, and whether a member may do what they ask for."""

from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar.connection import ASGIConnection
from sqlalchemy import text

from backend.kernel.audit.recording import record
from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import CONTEXT, denied
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound, PermissionDenied, TenantRequired, ValidationFailed
from backend.kernel.http.validation import field_error
from backend.kernel.limits.policies import charge_tenant

Connection = ASGIConnection[Any, Principal, Any, Any]

_ADMISSION: Final = "SELECT util.admission($1)"
# Whoever may give roles and holds the permission can grant it.
_WHO_CAN_GRANT: Final = text(
    """SELECT p.title, ARRAY(
         SELECT r.name FROM roles r JOIN role_permissions g ON g.tenant_id = r.tenant_id AND g.role_key = r.key
         WHERE g.permission = p.key ORDER BY r.rank, r.name) AS roles, ARRAY(
         SELECT u.full_name FROM util.tenant_people() u
         WHERE u.user_id <> :user_id AND (
           SELECT array_agg(g.permission) FROM member_roles m
             JOIN role_permissions g ON g.tenant_id = m.tenant_id AND g.role_key = m.role_key
           WHERE m.user_id = u.user_id) @> ARRAY[p.key, 'members.update']
         ORDER BY u.full_name LIMIT 5) AS people
       FROM permissions p WHERE p.key = :permission"""
)


async def admission(
    db: Database, tenant_id: UUID, user_id: UUID, api_key_id: UUID | None = None
) -> TenantContext | None:
    """What a member may do at this moment, in one query; ``None`` for whoever is not a member."""
    asking = TenantContext(tenant_id, user_id, api_key_id=api_key_id)
    found: list[str] | None = await db.read_value(asking, _ADMISSION)
    if found is None:
        return None
    end = found.index("")
    return TenantContext(tenant_id, user_id, tuple(found[end + 1 :]), frozenset(found[:end]), api_key_id)


class AccessGatekeeper:
    """The product's :class:`~backend.kernel.auth.permissions.Gatekeeper`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def admit(self, connection: Connection, permission: str | None) -> None:
        """See :class:`~backend.kernel.auth.permissions.Gatekeeper`."""
        principal = connection.user
        tenant_id, key = _tenant_of(connection), principal.api_key
        if key is not None and key.tenant_id != tenant_id:
            raise NotFound
        context = await admission(self._db, tenant_id, principal.user_id, key.id if key else None)
        if context is None:
            raise NotFound
        structlog.contextvars.bind_contextvars(tenant_id=str(tenant_id))
        await charge_tenant(connection.scope, principal.user_id, tenant_id)
        if permission is not None and permission not in context.permissions:
            raise await self._refusal(context, permission, connection)
        connection.scope["state"][CONTEXT] = context

    async def still_permitted(self, context: TenantContext, permission: str) -> bool:
        """Whether whoever was admitted with ``context`` still may; raises what the database raises."""
        if context.user_id is None:
            return False
        now = await admission(self._db, context.tenant_id, context.user_id, context.api_key_id)
        return now is not None and permission in now.permissions

    async def _refusal(self, context: TenantContext, permission: str, connection: Connection) -> PermissionDenied:
        """The problem, once the refusal is on record."""
        operation = getattr(connection.scope["route_handler"], "operation_id", None)
        async with self._db.transaction(context) as session:
            values = {"user_id": context.user_id, "permission": permission}
            found = (await session.execute(_WHO_CAN_GRANT, values)).one()
            resource = f"operation:{operation}"
            await record(session, "access.refused", resource, {"permission": permission}, outcome="refused")
        return denied(permission, found.title, found.roles, found.people)


def _tenant_of(connection: Connection) -> UUID:
    """The tenant that the path, ``X-Tenant-Id`` or the API key names, in this order."""
    from_path = connection.path_params.get("tenant_id")
    if isinstance(from_path, UUID):
        return from_path
    given = connection.headers.get("x-tenant-id")
    if given is None:
        if connection.user.api_key is None:
            raise TenantRequired
        return connection.user.api_key.tenant_id
    try:
        return msgspec.convert(given, UUID)
    except msgspec.ValidationError as error:
        raise ValidationFailed(errors=[field_error(error, "header.X-Tenant-Id")]) from None
