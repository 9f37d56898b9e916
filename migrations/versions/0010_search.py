"""One tokenizer for what is written and what is searched for."""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that owns it."""


def downgrade() -> None:
    """Filled by the part that owns it."""
