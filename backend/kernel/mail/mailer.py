"""The mail port: plain-text mails to one person each, by SMTP or, where no server is configured, into the local log."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import Policy
from email.utils import localtime, make_msgid
from typing import Final, Protocol
from unicodedata import category

import aiosmtplib
import structlog

from backend.kernel.observe.logging import MAIL_LOGGER
from backend.mail_settings import MailSettings, parse_address
from backend.settings import Settings
from module_sdk.api.access import MailOutcome

_SECONDS: Final = 10.0
_GOODBYE_SECONDS: Final = 1.0
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of surrogate pairs, line and paragraph ends

_log = structlog.get_logger(MAIL_LOGGER)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address; ``repr`` shows none of it. A subject of several lines is sent as one."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)


class Mailer(Protocol):
    """Whatever delivers mail."""

    async def send(self, mail: Mail) -> MailOutcome:
        """Deliver a mail within seconds, or tell that it did not leave; raises nothing."""
        ...


class LogMailer:
    """For no mail server. With ``show`` mails are written to the log, which redacts them outside local mode."""

    def __init__(self, *, show: bool) -> None:
        self._show = show

    async def send(self, mail: Mail) -> MailOutcome:
        """Always ``not_configured``: whoever asked must hand over what the mail says."""
        if self._show:
            _log.info("mail", to=mail.to, subject=_one_line(mail.subject), text=mail.text)
        return "not_configured"


class SmtpMailer:
    """Hands mails to a server, over one connection each. Certificates are verified against ``tls``."""

    def __init__(self, settings: MailSettings, *, tls: ssl.SSLContext, seconds: float = _SECONDS) -> None:
        self._settings = settings
        self._tls = tls
        self._seconds = seconds

    async def send(self, mail: Mail) -> MailOutcome:
        """``sent`` once the server took the mail; ``failed`` is logged with its kind and the server's code alone."""
        try:
            message = _message(self._settings, mail)
            await self._deliver(message, parse_address(mail.to))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:  # OSError: TLS and time-outs, too
            _log.warning("mail_failed", error=type(error).__name__, code=_code(error))
            return "failed"
        _log.info("mail_sent", message_id=message["Message-ID"])
        return "sent"

    async def _deliver(self, message: EmailMessage, recipient: str) -> None:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            local_hostname=_domain(settings.sender),
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._tls,
            timeout=self._seconds,
        )
        try:
            async with asyncio.timeout(self._seconds):
                await client.connect()
                await client.send_message(message, sender=settings.sender, recipients=[recipient])
            # The server has the mail: how the goodbye goes changes nothing.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_GOODBYE_SECONDS)
        finally:
            client.close()


def create_mailer(settings: Settings) -> Mailer:
    """The mailer that the settings ask for."""
    if settings.mail is None:
        return LogMailer(show=settings.is_local)
    return SmtpMailer(settings.mail, tls=ssl.create_default_context())


def _message(settings: MailSettings, mail: Mail) -> EmailMessage:
    """Raises :class:`ValueError` for a recipient that is no address and for text that is no Unicode."""
    message = EmailMessage()
    message["From"] = _mailbox(settings.sender, settings.sender_name)
    message["To"] = _mailbox(parse_address(mail.to))
    message["Subject"] = _Subject(_one_line(mail.subject))
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid(domain=_domain(settings.sender))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note answers
    # Every server can carry it, whatever the length of its lines.
    message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
    return message


def _mailbox(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _one_line(text: str) -> str:
    """Text for a header: every run of blanks, line ends and control characters becomes one space."""
    return " ".join("".join(" " if category(letter) in _NO_TEXT else letter for letter in text).split())


class _Subject(str):
    """One line that EmailMessage takes as a finished header, by its ``name`` and ``fold``.

    Parsing it would decode ``=?utf-8?q?=0d=0aBcc:…?=`` in somebody's words and write the line end hidden there, and
    folding it as Python does loses a space now and then.
    """

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: Policy) -> str:
        """The header's lines, with encoded words for whatever is not plain ASCII."""
        charset = "us-ascii" if self.isascii() and "=?" not in self else "utf-8"
        return f"Subject: {Header(self, charset, header_name=self.name).encode(linesep=policy.linesep)}{policy.linesep}"


def _code(error: Exception) -> int | None:
    """What the server answered, without its words, which like to repeat the address."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return error.recipients[0].code
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None
