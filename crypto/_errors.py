"""The one error of decryption."""

from typing import Final

_MESSAGE: Final = "the value could not be decrypted"


class DecryptionError(Exception):
    """A value could not be opened.

    Deliberately without a cause: a wrong key, a changed bit, a truncation, a foreign binding, an unknown key id and an
    unknown version all look the same, so that neither a caller nor a log can be used as an oracle.
    """

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return _MESSAGE
