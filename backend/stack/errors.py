"""What can go wrong with the local stack, as one line that a person can act on."""


class StackError(Exception):
    """The local stack cannot start or run; the message says what is wrong and what to do."""
