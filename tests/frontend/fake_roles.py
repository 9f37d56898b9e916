"""Roles and API keys of the fake API."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from backend.kernel.auth.permissions import BUILT_IN_ROLES
from backend.registry import declarations
from module_sdk.api.access import (
    ApiKey,
    ApiKeyCreate,
    ApiKeyMade,
    Permission,
    PersonRef,
    Role,
    RoleCreate,
    RolePatch,
)
from module_sdk.api.base import Page
from tests.frontend.fake_api import NOW, Refused, World, body, company_of, who

ApiRequest = Request[Any, Any, Any]
DECLARED = declarations().permissions


def _built_in() -> dict[str, Role]:
    return {
        role.key: new_role(
            role.key,
            role.name,
            [one.key for one in DECLARED if role.key in one.roles],
            description=role.description,
            built_in=True,
            members=1 if role.key == "owner" else 0,
        )
        for role in BUILT_IN_ROLES
    }


def new_role(key: str, name: str, allowed: list[str], **more: Any) -> Role:
    values = {"description": "", "built_in": False, "members": 0, "invitations": 0, "grantable": True, **more}
    return Role(key=key, name=name, permissions=allowed, created_at=NOW, updated_at=NOW, **values)


def new_key(name: str, allowed: list[str], **more: Any) -> ApiKey:
    maker, now = PersonRef(id=uuid4(), full_name="Ada Lovelace"), datetime.now(UTC)
    values = {"status": "active", "expires_at": now + timedelta(days=90), "last_used_at": None, "revoked_at": None}
    return ApiKey(
        id=uuid4(),
        name=name,
        prefix=f"ocs_{uuid4().hex[:8]}",
        permissions=allowed,
        made_by=maker,
        created_at=now,
        **{**values, **more},
    )


@dataclass
class Access:
    """Roles and keys of every company, by its id; a company that was not heard of has the built-in roles.

    ``form_keys`` are the idempotency keys that came with requests for a key.
    """

    roles: dict[str, dict[str, Role]] = field(default_factory=dict)
    keys: dict[str, list[ApiKey]] = field(default_factory=dict)
    form_keys: list[str] = field(default_factory=list)


def _gate(request: ApiRequest, state: State, permission: str) -> tuple[Access, str]:
    """What the fake knows of access, and the company; refuses as the API's gate does."""
    world: World = state.world
    tenant_id = request.headers.get("x-tenant-id", "")
    company_of(request, state, tenant_id)
    held = world.held.get(who(request, state).email or "")
    if held is not None and permission not in held:
        title = next(one.title for one in DECLARED if one.key == permission)
        detail = f"This needs the permission {permission} ({title}). Ask Grace Hopper."
        extra = {"permission": permission, "title": title, "roles": ["Owner", "Admin"], "people": ["Grace Hopper"]}
        raise Refused(403, "permission_denied", "You may not do this", detail, extra=extra)
    state.access.roles.setdefault(tenant_id, _built_in())
    state.access.keys.setdefault(tenant_id, [])
    return state.access, tenant_id


@get("/permissions", sync_to_thread=False)
def list_permissions(request: ApiRequest, state: State) -> Page[Permission]:
    _gate(request, state, "roles.read")
    return Page(
        items=[
            Permission(key=one.key, title=one.title, description=one.description, area=one.area, roles=list(one.roles))
            for one in DECLARED
        ]
    )


@get("/roles", sync_to_thread=False)
def list_roles(request: ApiRequest, state: State) -> Page[Role]:
    access, tenant_id = _gate(request, state, "roles.read")
    return Page(items=list(access.roles[tenant_id].values()))


@post("/roles")
async def create_role(request: ApiRequest, state: State) -> Role:
    access, tenant_id = _gate(request, state, "roles.manage")
    data = await body(request, RoleCreate)
    roles = access.roles[tenant_id]
    if any(role.name.lower() == data.name.lower() for role in roles.values()):
        raise Refused(409, "role_taken", "The company has a role of this name already")
    key = data.name.lower().replace(" ", "-")
    roles[key] = new_role(key, data.name, data.permissions, description=data.description)
    return roles[key]


@patch("/roles/{role_key:str}")
async def change_role(request: ApiRequest, state: State, role_key: FromPath[str]) -> Role:
    access, tenant_id = _gate(request, state, "roles.manage")
    given = msgspec.structs.asdict(await body(request, RolePatch))
    roles = access.roles[tenant_id]
    changes = {name: value for name, value in given.items() if value is not msgspec.UNSET}
    roles[role_key] = msgspec.structs.replace(roles[role_key], **changes)
    return roles[role_key]


@delete("/roles/{role_key:str}", sync_to_thread=False)
def delete_role(request: ApiRequest, state: State, role_key: FromPath[str]) -> None:
    access, tenant_id = _gate(request, state, "roles.manage")
    del access.roles[tenant_id][role_key]


@get("/api-keys", sync_to_thread=False)
def list_keys(
    request: ApiRequest, state: State, cursor: FromQuery[int] = 0, limit: FromQuery[int] = 50
) -> Page[ApiKey]:
    access, tenant_id = _gate(request, state, "api_keys.read")
    keys = access.keys[tenant_id]
    return Page(
        items=keys[cursor : cursor + limit], next_cursor=str(cursor + limit) if len(keys) > cursor + limit else None
    )


@post("/api-keys")
async def create_key(request: ApiRequest, state: State) -> ApiKeyMade:
    state.access.form_keys.append(request.headers.get("idempotency-key", ""))
    access, tenant_id = _gate(request, state, "api_keys.manage")
    data = await body(request, ApiKeyCreate)
    expires = datetime.now(UTC) + timedelta(days=data.expires_in_days, minutes=1)
    key = new_key(data.name, data.permissions, expires_at=expires)
    access.keys[tenant_id].insert(0, key)
    return ApiKeyMade(api_key=key, secret=f"{key.prefix}_{uuid4().hex}")


@delete("/api-keys/{key_id:uuid}", sync_to_thread=False)
def revoke_key(request: ApiRequest, state: State, key_id: FromPath[UUID]) -> None:
    access, tenant_id = _gate(request, state, "api_keys.manage")
    access.keys[tenant_id] = [
        msgspec.structs.replace(key, status="revoked", revoked_at=datetime.now(UTC)) if key.id == key_id else key
        for key in access.keys[tenant_id]
    ]


ACCESS_HANDLERS = [
    list_permissions, list_roles, create_role, change_role, delete_role, list_keys, create_key, revoke_key,
]  # fmt: skip
