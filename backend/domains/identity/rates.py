"""What may be tried from one address without signing in."""

from typing import Final

from backend.domains.identity.ports import AUTH
from backend.kernel.limits.limiter import Limit
from backend.kernel.limits.policies import Policy

JUDGING: Final = Policy("judging", address=Limit("judging", 60, 60))
RATES: Final = (AUTH, JUDGING)
