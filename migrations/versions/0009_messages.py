"""What an answer was preceded by (a thought), and whether it was cut off."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that owns it."""


def downgrade() -> None:
    """Filled by the part that owns it."""
