"""No two local accounts have addresses that look alike."""

from backend.kernel.look_alikes import look_alikes
from migrations import rls

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index over addresses as the eye reads them: built in the database alone, so that no writer can forget it."""
    table = look_alikes()
    # A colon would be taken for the beginning of a parameter.
    letters, read_as = (
        "".join(side).replace("'", "''").replace(":", r"\:") for side in (map(chr, table), table.values())
    )
    rls.execute(
        "CREATE UNIQUE INDEX uq_user_credentials_alike ON user_credentials "
        f"(normalize(translate(normalize(lower(normalize(email, NFKC)), NFKC), '{letters}', '{read_as}'), NFKC))"
    )


def downgrade() -> None:
    """Without it."""
    rls.execute("DROP INDEX uq_user_credentials_alike")
