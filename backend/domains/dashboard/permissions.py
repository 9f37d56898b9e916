"""What the dashboard declares."""

from typing import Final

from backend.kernel.auth.permissions import EVERYBODY, Permission

PERMISSIONS: Final = (Permission("dashboard.read", "See the dashboard", "The company's key figures.", EVERYBODY),)
