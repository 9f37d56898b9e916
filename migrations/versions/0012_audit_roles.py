"""Bookkeeping of audit that is believed only where it is sealed; rules of roles."""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that owns it."""


def downgrade() -> None:
    """Filled by the part that owns it."""
