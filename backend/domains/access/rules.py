"""Rules that several services share: nobody gives, takes or manages more than they hold."""

from collections.abc import Iterable, Sequence

from backend.domains.access.errors import exceeds
from backend.domains.access.role_repository import RoleRepository
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import ValidationFailed
from module_sdk.api.problems import FieldError


def must_hold(context: TenantContext, needed: Iterable[str]) -> None:
    """Raises ``PermissionDenied`` that names what is missing."""
    if missing := set(needed) - context.permissions:
        raise exceeds(missing)


async def must_grant(roles: RoleRepository, context: TenantContext, keys: Sequence[str], field: str) -> None:
    """Raises ``ValidationFailed`` for unknown roles, ``PermissionDenied`` for what the caller does not hold."""
    found = await roles.permissions_of(keys)
    unknown = [
        FieldError(path=f"$.{field}[{index}]", message="Is not a role of this company")
        for index, key in enumerate(keys)
        if key not in found
    ]
    if unknown:
        raise ValidationFailed(errors=unknown)
    must_hold(context, set().union(*found.values()))


async def must_be_permissions(roles: RoleRepository, keys: Sequence[str], field: str) -> None:
    """Raises ``ValidationFailed`` for permissions that nobody declares."""
    unknown = await roles.unknown_permissions(keys)
    if unknown:
        places = [index for index, key in enumerate(keys) if key in unknown]
        raise ValidationFailed(
            errors=[FieldError(path=f"$.{field}[{index}]", message="Is not a permission") for index in places]
        )
