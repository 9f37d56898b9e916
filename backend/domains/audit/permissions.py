"""What the audit domain declares."""

from typing import Final

from backend.kernel.auth.permissions import ADMINS, Permission

READ: Final = "audit.read"
EXPORT: Final = "audit.export"

PERMISSIONS: Final = (
    Permission(READ, "Read the audit log", "Who did what and when, and whether the log is intact.", ADMINS),
    Permission(EXPORT, "Export the audit log", "Download entries with their seals.", ADMINS),
)
