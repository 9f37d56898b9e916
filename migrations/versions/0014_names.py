"""No two local accounts have addresses that look alike."""

from alembic import op

from backend.kernel.look_alikes import look_alikes

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index over addresses as the eye reads them: built in the database alone, so that no writer can forget it."""
    table = look_alikes()
    letters, read_as = ("".join(side).replace("'", "''") for side in (map(chr, table), table.values()))
    # Not `op.execute`, which would take a colon among the letters for a parameter.
    op.get_bind().exec_driver_sql(
        "CREATE UNIQUE INDEX uq_user_credentials_alike ON user_credentials "
        f"(normalize(translate(normalize(lower(normalize(email, NFKC)), NFKC), '{letters}', '{read_as}'), NFKC))"
    )


def downgrade() -> None:
    """Without it."""
    op.execute("DROP INDEX uq_user_credentials_alike")
