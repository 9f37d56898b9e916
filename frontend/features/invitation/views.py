"""An invitation in words."""

from dataclasses import dataclass, field
from datetime import datetime

from frontend import words
from frontend.platform.session import initials
from module_sdk.api.access import InvitationPreview

#: What the API puts in place of most of an address where nobody proves that it is theirs.
MASK = "***@"


@dataclass(frozen=True)
class PreviewView:
    """An invitation as whoever was invited sees it; ``proposed`` is the address to sign in with, ``""`` if masked."""

    company: str = ""
    initials: str = ""
    email: str = ""
    proposed: str = ""
    roles: list[str] = field(default_factory=list)
    invited_by: str = ""
    expires: str = ""
    expires_iso: str = ""
    expires_exact: str = ""


def preview_view(preview: InvitationPreview, now: datetime) -> PreviewView:
    """``preview`` in words."""
    return PreviewView(
        company=preview.tenant.name,
        initials=initials(preview.tenant.name)[:1],
        email=preview.email,
        proposed="" if MASK in preview.email else preview.email,
        roles=[role.name for role in preview.roles],
        invited_by=preview.invited_by or "",
        expires=words.ago(preview.expires_at, now),
        expires_iso=preview.expires_at.isoformat(),
        expires_exact=words.exact(preview.expires_at),
    )
