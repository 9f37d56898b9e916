"""What other domains meet of access."""

from backend.kernel.errors import Conflict


class LastOwner(Conflict):
    """The change would leave the company without an owner."""

    default_code, default_title = "last_owner", "A company keeps at least one owner"
