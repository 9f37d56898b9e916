"""E-mail addresses as they are compared."""

import unicodedata


def fold(email: str) -> str:
    """The form in which addresses are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).lower())


def masked(email: str) -> str:
    """An address by which its owner recognises it, and nobody else: ``a***@example.com``."""
    return f"{email[:1]}***@{email.rpartition('@')[2]}"
