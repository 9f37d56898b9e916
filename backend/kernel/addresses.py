"""E-mail addresses as they are compared, and those that are refused because they look like others."""

import re
import unicodedata

from backend.kernel.errors import ValidationFailed
from backend.kernel.look_alikes import mixes_scripts
from module_sdk.api.problems import FieldError
from module_sdk.api.text import invisible


def fold(email: str) -> str:
    """The form in which addresses are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).lower())


def accepted(email: str, path: str = "$.email") -> str:
    """The folded form of an address that is new here; raises ``ValidationFailed`` for one that misleads the eye.

    Two accounts whose addresses look alike in one script are prevented by the database (``uq_user_credentials_alike``).
    """
    address = fold(email)
    if invisible(address):
        message = "Contains a mark that cannot be seen; type the address by hand"
    elif unicodedata.normalize("NFKC", address) != address:
        message = "Contains wide or styled letters; use plain ones"
    elif any(mixes_scripts(part) for part in re.split(r"[@.]", address)):
        message = "Mixes letters of several scripts, which look alike; use those of one"
    else:
        return address
    raise ValidationFailed(errors=[FieldError(path=path, message=message)])


def masked(email: str) -> str:
    """An address by which its owner recognises it, and nobody else: ``a***@example.com``."""
    return f"{email[:1]}***@{email.rpartition('@')[2]}"
