"""How mail leaves: the parts of ``SMTP_URL`` and ``MAIL_FROM``, and what an address may look like."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final, Literal, cast
from urllib.parse import SplitResult, unquote, urlsplit

import idna

Security = Literal["tls", "starttls", "plain"]

_SCHEMES: Final[dict[str, tuple[Security, int]]] = {
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
    "smtp": ("plain", 25),
}
_FORM: Final = "must look like smtp+starttls://user:password@host:587, special characters in user or password as %XX"
_DOMAIN: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*", re.IGNORECASE)
_ATOM: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server and who writes. ``username`` is empty for a server that wants none."""

    security: Security
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    sender_name: str
    sender: str


def parse_address(text: str) -> str:
    """An address as it goes into an envelope, its domain in ASCII; raises :class:`ValueError`, which does not name it.

    The part before the @ is what needs no quotes: letters of any script, digits and ``!#$%&'*+/=?^_`{|}~-.``.
    """
    local, at, domain = text.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            raise ValueError("the domain of the address is none") from None
    fits = at and _DOMAIN.fullmatch(domain) and len(local.encode(errors="replace")) <= 64 and len(domain) <= 253
    plain = all(
        _ATOM.fullmatch(letter) or (not letter.isascii() and letter.isprintable())
        for part in local.split(".")
        for letter in part or " "
    )
    if not (fits and plain) or "=?" in local:  # which the library that writes headers takes for encoded words
        raise ValueError("this is no mail address")
    return f"{local}@{domain}"


def parse_sender(text: str) -> tuple[str, str]:
    """Name (or '') and address of ``Name <address>``, on one line; raises :class:`ValueError`."""
    name, bracket, address = text.rpartition("<") if text.endswith(">") else ("", "", text)
    try:
        if "=?" in name or not name.isprintable():  # an encoded word could hide a line end
            raise ValueError("the name is no line of text")
        return name.strip().strip('"'), parse_address(address.removesuffix(bracket and ">"))
    except ValueError:
        raise ValueError("must be an address, or look like OCSuite <no-reply@example.com>") from None


def parse_mail(smtp_url: str, sender: tuple[str, str]) -> MailSettings:
    """Read ``SMTP_URL``; raises :class:`ValueError`, whose message shows nothing of it."""
    try:
        parts = urlsplit(smtp_url)
        port = parts.port
    except ValueError:  # its message quotes what stands where a port should, which may be a password's end
        raise ValueError(_FORM) from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"must start with {', '.join(f'{scheme}://' for scheme in _SCHEMES)}")
    security, usual = _SCHEMES[parts.scheme]
    if not _is_complete(parts) or port == 0:
        raise ValueError(_FORM)
    host = cast("str", parts.hostname)
    if security == "plain":
        if not _is_private(host):
            raise ValueError("smtp:// is for a server on this machine or a private network; use smtp+starttls or smtps")
        if parts.username:
            raise ValueError("a password goes over TLS alone; use smtp+starttls:// or smtps://")
    return MailSettings(
        security=security,
        host=host,
        port=port or usual,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender_name=sender[0],
        sender=sender[1],
    )


def _is_complete(parts: SplitResult) -> bool:
    """A host, a user only with a password and the reverse, and nothing behind the port."""
    return bool(
        parts.hostname
        and bool(parts.username) == bool(parts.password)
        and parts.path in {"", "/"}
        and not (parts.query or parts.fragment)
    )


def _is_private(host: str) -> bool:
    """Whether an IP address is not public, or a name is one that only a private network knows: ``mailpit``."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))
