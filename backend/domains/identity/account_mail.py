"""What people are sent about their accounts, after the answer: it tells neither by words nor by time who exists."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from backend.kernel.db.database import DATABASE_AWAY
from backend.kernel.errors import Unavailable
from backend.kernel.mail.mailer import Mail, Mailer

WAITING_MAX: Final = 200
_CLOSE_SECONDS: Final = 5.0

_FOOT: Final = "\nThis mail was sent by OCSuite at {site}.\n"
_RESET: Final = """\
Hello {name},

somebody, probably you, asked for a new password for your OCSuite account. To choose one, open this link:

{link}

It works once, within 30 minutes. Afterwards you are signed out everywhere, and sign in with the new password.

If it was not you, ignore this mail: your password stays as it is.
"""
_CONFIRM: Final = """\
Hello {name},

please confirm that this is your address, by opening this link:

{link}

It works once, within 24 hours. If you have no account at OCSuite, ignore this mail.
"""
_CHANGE: Final = """\
Hello {name},

you asked to use this address for your OCSuite account from now on. To make the change, open this link:

{link}

It works once, within 24 hours. Until then everything stays as it is. If it was not you, ignore this mail.
"""
_CHANGE_NOTICE: Final = """\
Hello {name},

somebody, probably you, asked to change the address of your OCSuite account to {email}. The change is made once the
link that was sent there is opened; from then on you sign in with that address.

If it was not you, somebody knows your password: sign in and change it now, which signs everybody else out.
"""
_TAKEN: Final = """\
Hello,

somebody asked to use this address for their OCSuite account, but it belongs to another account already, which is
probably yours. Sign in with it, or choose "Forgot password?" there. Nothing was changed.
"""
_CHANGED: Final = """\
Hello {name},

the password of your OCSuite account was changed just now, and every other session was ended.

If it was not you, open {site}/forgot-password now and choose another one.
"""
_FAREWELL: Final = """\
Hello {name},

your OCSuite account was deleted as you asked: your name, address, password, sessions and conversations are gone.
{companies}
Thank you for having been here.
"""


class AccountPost:
    """Sends mails in the background, a bounded number at a time. ``configured`` tells whether any leaves at all."""

    def __init__(self, mailer: Mailer, site: str, *, configured: bool) -> None:
        self._mailer = mailer
        self._site = site
        self.configured = configured
        self._running: set[asyncio.Task[None]] = set()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` after the answer; raises ``Unavailable`` if too much waits already."""
        if len(self._running) >= WAITING_MAX:
            work.close()
            raise Unavailable
        task = asyncio.create_task(_noted(work), name="account-mail")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Once all that waits was done."""
        await asyncio.gather(*self._running)

    async def close(self) -> None:
        """Give what waits a few seconds, then drop it."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def reset(self, to: str, name: str, link: str) -> None:
        """The link of *forgot password*."""
        await self._send(to, "Choose a new password", _RESET, name=name, link=link)

    async def confirm(self, to: str, name: str, link: str) -> None:
        """The link that proves an address."""
        await self._send(to, "Confirm your e-mail address", _CONFIRM, name=name, link=link)

    async def change(self, to: str, name: str, link: str) -> None:
        """The link that makes an address the account's."""
        await self._send(to, "Confirm your new e-mail address", _CHANGE, name=name, link=link)

    async def change_notice(self, to: str, name: str, email: str) -> None:
        """Tells the present address that another was asked for."""
        await self._send(to, "Your e-mail address is about to change", _CHANGE_NOTICE, name=name, email=email)

    async def taken(self, to: str) -> None:
        """Tells the owner of an address that somebody wanted it."""
        await self._send(to, "This address has an account already", _TAKEN)

    async def password_changed(self, to: str, name: str) -> None:
        """Tells that the password is another one."""
        await self._send(to, "Your password was changed", _CHANGED, name=name)

    async def farewell(self, to: str, name: str, companies: list[str]) -> None:
        """The last mail; ``companies`` are sentences on what becomes of them."""
        told = "".join(f"\n- {sentence}" for sentence in companies)
        await self._send(to, "Your account was deleted", _FAREWELL, name=name, companies=told + "\n" if told else "")

    async def _send(self, to: str, subject: str, text: str, **values: str) -> None:
        if self.configured:
            words = (text + _FOOT).format(site=self._site, **values)
            await self._mailer.send(Mail(to=to, subject=subject, text=words))


async def _noted(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except DATABASE_AWAY as error:
        # Nobody waits for it any more: whoever misses the mail asks again.
        structlog.get_logger("ocsuite.identity").warning("account_mail_failed", error=type(error).__name__)
