"""What can go wrong with the local stack, as one line that a person can act on."""

from backend.settings import OperatorError


class StackError(OperatorError):
    """The local stack cannot start or run; the message says what is wrong and what to do."""
