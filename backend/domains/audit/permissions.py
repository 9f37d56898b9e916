"""What the audit domain declares."""

from typing import Final

from backend.kernel.permissions import ADMINS, Permission

PERMISSIONS: Final = (
    Permission("audit.read", "Read the audit log", "Who did what and when, and whether the log is intact.", ADMINS),
    Permission("audit.export", "Export the audit log", "Download entries with their seals.", ADMINS),
)
