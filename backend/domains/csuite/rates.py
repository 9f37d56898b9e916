"""How often one person may ask the executives."""

from typing import Final

from backend.kernel.limits.limiter import Limit
from backend.kernel.limits.policies import Policy

CHAT: Final = Policy("chat", user=Limit("chat", 60, 60))
RATES: Final = (CHAT,)
