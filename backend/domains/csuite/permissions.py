"""What the C-suite declares."""

from typing import Final

from backend.kernel.auth.permissions import EVERYBODY, MEMBERS, STAFF, Permission

READ: Final = "chat.read"
USE: Final = "chat.use"
CONVENE: Final = "board.convene"

PERMISSIONS: Final = (
    Permission(READ, "Read one's own conversations", "Conversations and answers one asked for.", EVERYBODY),
    Permission(USE, "Talk to executives", "Ask, stop and repeat; rename and delete conversations.", STAFF),
    Permission(CONVENE, "Convene the board", "Hold board meetings.", MEMBERS),
)
