"""Permissions: what domains declare, and the gate that every route stands behind.

A domain lists its permissions in ``permissions.py``; ``backend.registry`` collects them and ``ocsuite migrate`` brings
the database's catalogue in line. An operation says ``gate=requires_permission("chat.use")``.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from backend.kernel.auth.authentication import Principal
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import PermissionDenied

OWNER: Final = "owner"
ADMINS: Final = (OWNER, "admin")
MEMBERS: Final = (*ADMINS, "member")
STAFF: Final = (*MEMBERS, "support")
EVERYBODY: Final = (*STAFF, "viewer")

GATEKEEPER: Final = "gatekeeper"
"""Key of the application's state under which the :class:`Gatekeeper` is."""
CONTEXT: Final = "tenant_context"
"""Key of a request's state under which the gate leaves the admitted :class:`TenantContext`."""


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A role that every tenant has. ``rank`` orders roles, the highest first, beginning with 1."""

    key: str
    name: str
    description: str
    rank: int


BUILT_IN_ROLES: Final = (
    BuiltInRole(OWNER, "Owner", "Everything, including handing the company over and deleting it.", 1),
    BuiltInRole("admin", "Admin", "Runs the company: team, roles, keys, audit and settings.", 2),
    BuiltInRole("member", "Member", "Works with the executives.", 3),
    BuiltInRole("support", "Support", "Asks the executives to help others; no board meetings.", 4),
    BuiltInRole("viewer", "Viewer", "Looks on: figures, team and settings, without changing anything.", 5),
)


@dataclass(frozen=True, slots=True)
class Permission:
    """What one may be allowed to do; ``roles`` are the built-in roles that hold it.

    Raises ``ValueError`` if owners do not, or for a role that does not exist.
    """

    key: str
    title: str
    description: str
    roles: tuple[str, ...]

    def __post_init__(self) -> None:
        if OWNER not in self.roles:
            raise ValueError(f"nobody could grant {self.key}: owners must hold it")
        if unknown := set(self.roles) - {role.key for role in BUILT_IN_ROLES}:
            raise ValueError(f"{self.key} names roles that do not exist: {sorted(unknown)}")

    @property
    def area(self) -> str:
        """What it is about, as shown."""
        return self.key.partition(".")[0]


StillPermitted = Callable[[TenantContext, str], Awaitable[bool]]
"""Whether the context's person still holds a permission; asked again by what goes on for long, such as a stream."""


class Gatekeeper(Protocol):
    """Decides at the gate; the access domain does."""

    async def admit(self, connection: ASGIConnection[Any, Principal, Any, Any], permission: str | None) -> None:
        """Leave the tenant's context in the connection's state; without ``permission`` whoever is a member passes.

        Raises ``TenantRequired``, ``NotFound`` for whoever is not a member, ``PermissionDenied`` after recording it.
        """


class Gate:
    """A Litestar guard of a company's route: members who hold ``permission`` pass, all of them for ``None``.

    Their API keys pass too, unless told otherwise.
    """

    def __init__(self, permission: str | None, *, api_keys: bool) -> None:
        self.permission = permission
        self.api_keys = api_keys

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Let the request pass or raise a problem."""
        if not self.api_keys:
            _refuse_api_key(connection)
        gatekeeper: Gatekeeper = connection.app.state[GATEKEEPER]
        await gatekeeper.admit(connection, self.permission)


class PersonGate:
    """A Litestar guard of a person's own route: everybody who signed in passes, and their API keys if told so."""

    def __init__(self, *, api_keys: bool) -> None:
        self.api_keys = api_keys

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Let the request pass or raise ``PermissionDenied``."""
        if not self.api_keys:
            _refuse_api_key(connection)


def _refuse_api_key(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    if connection.user.api_key is not None:
        raise PermissionDenied("An API key acts in its company alone; sign in to do this.")


def requires_permission(key: str, *, api_keys: bool = True) -> Gate:
    """The gate of a route of a company."""
    return Gate(key, api_keys=api_keys)


def requires_membership(*, api_keys: bool = True) -> Gate:
    """The gate of what every member may do, whatever their roles hold."""
    return Gate(None, api_keys=api_keys)


def requires_person(*, api_keys: bool = False) -> PersonGate:
    """The gate of a route of a person rather than of a company."""
    return PersonGate(api_keys=api_keys)


def denied(permission: str, title: str, roles: Sequence[str], people: Sequence[str]) -> PermissionDenied:
    """The problem of a refusal: which permission is missing, which roles hold it, and who can grant it."""
    who = f" Ask {_one_of(people)}." if people else " Nobody in the company can grant it at the moment."
    return PermissionDenied(
        f"This needs the permission {permission} ({title}).{who}",
        extra={"permission": permission, "title": title, "roles": list(roles), "people": list(people)},
    )


def _one_of(people: Sequence[str]) -> str:
    return people[0] if len(people) == 1 else f"{', '.join(people[:-1])} or {people[-1]}"
