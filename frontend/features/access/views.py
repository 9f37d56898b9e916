"""Permissions and roles as pages show them: plain values, grouped by what they are about."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from frontend import words
from module_sdk.api.access import Permission, Role

#: Form fields of permissions are called this and the permission's key.
FIELD: Final = "permission:"
_AREAS: Final = {"api_keys": "API keys", "audit": "Audit log"}


@dataclass(frozen=True)
class PermissionView:
    """What one may be allowed to do. ``held`` tells whether the person may do it themselves."""

    key: str = ""
    title: str = ""
    description: str = ""
    held: bool = False


@dataclass(frozen=True)
class AreaView:
    """Permissions that are about one thing."""

    title: str = ""
    permissions: list[PermissionView] = field(default_factory=list)


@dataclass(frozen=True)
class RoleView:
    """A role. ``use`` says in words who has it, ``used`` whether anybody does."""

    key: str = ""
    name: str = ""
    description: str = ""
    built_in: bool = False
    permissions: list[str] = field(default_factory=list)
    members: int = 0
    use: str = ""
    used: bool = False


def areas(catalogue: Iterable[Permission], held: Collection[str]) -> list[AreaView]:
    """``catalogue`` by area, in its order."""
    found: dict[str, list[PermissionView]] = {}
    for one in catalogue:
        view = PermissionView(one.key, one.title, one.description, one.key in held)
        found.setdefault(one.area, []).append(view)
    return [AreaView(area_title(area), permissions) for area, permissions in found.items()]


def bare_areas(keys: Iterable[str]) -> list[AreaView]:
    """The same for somebody who may not read the catalogue: permissions by their keys alone."""
    bare = (Permission(key=key, title=key, description="", area=key.partition(".")[0], roles=[]) for key in keys)
    return areas(bare, frozenset(keys))


def area_title(area: str) -> str:
    """``api_keys`` as ``API keys``."""
    return _AREAS.get(area, area.replace("_", " ").capitalize())


def role_view(role: Role) -> RoleView:
    """``role`` in words."""
    parts = [
        words.count(number, thing)
        for number, thing in ((role.members, "member"), (role.invitations, "invitation"))
        if number
    ]
    return RoleView(
        key=role.key,
        name=role.name,
        description=role.description,
        built_in=role.built_in,
        permissions=list(role.permissions),
        members=role.members,
        use=" and ".join(parts) or "Nobody yet",
        used=bool(parts),
    )


def chosen(form: dict[str, Any]) -> set[str]:
    """The permissions that are ticked in a form."""
    return {name.removeprefix(FIELD) for name, value in form.items() if name.startswith(FIELD) and value}
