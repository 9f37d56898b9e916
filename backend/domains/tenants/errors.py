"""What can go wrong with a company."""

from backend.kernel.errors import Conflict


class DeletionRequested(Conflict):
    """Somebody asked for the company's deletion before; it can be called off."""

    default_code, default_title = "deletion_requested", "The deletion of this company was requested already"
