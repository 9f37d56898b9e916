"""A person's own account: addresses that are proven, single-use links, where one is signed in."""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that owns it."""


def downgrade() -> None:
    """Filled by the part that owns it."""
