"""What an answer was preceded by (a thought), and whether it was cut off."""

from typing import Final

from migrations import rls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS: Final = {
    "thought": "text",
    "thought_seconds": "double precision CONSTRAINT ck_messages_thought_seconds CHECK (thought_seconds >= 0)",
    "cut_off": "text CONSTRAINT ck_messages_cut_off CHECK (cut_off IN ('length', 'content_filter'))",
}


def upgrade() -> None:
    rls.execute(*(f"ALTER TABLE messages ADD {name} {kind}" for name, kind in COLUMNS.items()))


def downgrade() -> None:
    rls.execute(*(f"ALTER TABLE messages DROP {name}" for name in reversed(COLUMNS)))
