"""E-mail addresses as people type them: what is none, and what was probably meant."""

from typing import Final

#: The one sentence about an address that is none, in the API's words.
NO_ADDRESS: Final = "Must be an e-mail address, such as ada@example.com."
#: Where many people have their mail; one that is a letter away from another of them is still meant as it stands.
_COMMON: Final = (
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com",
    "icloud.com", "me.com", "mac.com", "aol.com", "mail.com", "gmx.com", "gmx.net", "gmx.de", "gmx.at", "gmx.ch",
    "web.de", "t-online.de", "freenet.de", "posteo.de", "proton.me", "protonmail.com", "fastmail.com", "zoho.com",
    "yandex.com", "yahoo.co.uk", "hotmail.co.uk", "hotmail.fr", "yahoo.fr", "orange.fr", "wanadoo.fr", "free.fr",
    "libero.it", "hotmail.it", "hotmail.es", "yahoo.co.in", "rediffmail.com", "qq.com", "163.com", "126.com",
)  # fmt: skip
_SHORTEST: Final = 6


def odd_address(address: str) -> str:
    """Why ``address`` is none, or ``""``."""
    local, at, domain = address.rpartition("@")
    whole = local and at and "." in domain.strip(".") and not any(part.isspace() for part in address)
    return "" if whole else NO_ADDRESS


def suggestion(address: str) -> str:
    """The address that was probably meant, or ``""``: its domain is one slip away from one that many people use."""
    local, _, domain = address.strip().rpartition("@")
    domain = domain.lower()
    if not local or domain in _COMMON or len(domain) < _SHORTEST:
        return ""
    meant = next((known for known in _COMMON if len(known) > _SHORTEST and _one_slip(domain, known)), "")
    return f"{local}@{meant}" if meant else ""


def _one_slip(typed: str, known: str) -> bool:
    """Whether one letter is missing, too many or another, or two have changed places."""
    if abs(len(typed) - len(known)) > 1:
        return False
    start = next(
        (at for at, (a, b) in enumerate(zip(typed, known, strict=False)) if a != b), min(len(typed), len(known))
    )
    rest, wanted = typed[start:], known[start:]
    swapped = len(rest) > 1 and rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]
    return swapped or rest[1:] == wanted[1:] or rest[1:] == wanted or rest == wanted[1:]
