"""What the tenants domain declares."""

from typing import Final

from backend.kernel.auth.permissions import ADMINS, EVERYBODY, OWNER, Permission

PERMISSIONS: Final = (
    Permission("company.read", "See the company", "Name, business profile, limits and their use.", EVERYBODY),
    Permission("company.update", "Change the company", "Name, business profile and the set-up wizard.", ADMINS),
    Permission("company.delete", "Delete the company", "Ask for its erasure, and call that off.", (OWNER,)),
)
