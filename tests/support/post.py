"""A mail server in a thread of its own, and what it took."""

import queue
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.kernel.mail_server import read
from tests.support.ports import reserved_port

PATIENCE = 30.0
LINK = re.compile(r"https?://\S+\?token=([\w-]+)")


@dataclass
class Post:
    """Mails by the address that they were sent to; what is asked for is waited for."""

    port: int
    _waiting: dict[str, "queue.Queue[EmailMessage]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What ``SMTP_URL`` has to be."""
        return f"smtp://127.0.0.1:{self.port}"

    def next(self, to: str) -> EmailMessage:
        """The oldest mail to an address that was not given yet."""
        return self._box(to).get(timeout=PATIENCE)

    def next_with(self, to: str, subject: str) -> EmailMessage:
        """The same, passing over those with other subjects."""
        while (mail := self.next(to))["Subject"] != subject:
            continue
        return mail

    def is_empty(self, to: str) -> bool:
        """Whether nothing came to an address that was not given yet."""
        return self._box(to).empty()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        for recipient in envelope.rcpt_tos:
            self._box(recipient).put(read(envelope))
        return "250 taken"

    def _box(self, to: str) -> "queue.Queue[EmailMessage]":
        return self._waiting.setdefault(to, queue.Queue())


def text_of(mail: EmailMessage) -> str:
    """What it says."""
    body = mail.get_body()
    assert body is not None
    return str(body.get_content())


def link_in(mail: EmailMessage) -> str:
    """The one link with a secret in it."""
    found = LINK.search(text_of(mail))
    assert found, text_of(mail)
    return found[0]


def token_in(mail: EmailMessage) -> str:
    """The secret of that link."""
    found = LINK.search(text_of(mail))
    assert found, text_of(mail)
    return found[1]


@contextmanager
def running_post() -> Iterator[Post]:
    """Take mails until the block ends."""
    post = Post(reserved_port())
    controller = Controller(post, hostname="127.0.0.1", port=post.port, enable_SMTPUTF8=True)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()
