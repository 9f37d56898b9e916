"""Mails against a real SMTP server: how they look there, how they travel, and what is known of those that do not."""

import asyncio
import contextlib
import io
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from aiosmtpd.smtp import SMTP

from backend.kernel.mail.mailer import LogMailer, Mail, SmtpMailer, create_mailer
from backend.kernel.observe.logging import configure_logging
from backend.mail_settings import parse_mail, parse_sender
from backend.settings import Settings
from tests.kernel.mail_server import PASSWORD, USER, Box, account, read, self_signed

TO = "grace@example.com"
LINK = "https://app.example.com/join?token=Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA"
MAIL = Mail(to=TO, subject="Join Acme", text=f"Hello,\n\nfollow {LINK}\n")
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding",
}  # fmt: skip
LOCAL = {
    "DATABASE_URL": "postgresql://ocsuite_app:app-pass-word@db:5432/ocsuite",
    "REDIS_URL": "redis://:redis-pass-word@queue:6379/0",
    "OCSUITE_MASTER_KEYS": "one:" + "A" * 43,
}
HOSTED = {**LOCAL, "OCSUITE_ENV": "production", "OCSUITE_WEB_ORIGINS": "https://app.example.com"}


Serve = Callable[..., Awaitable[int]]
Lines = Callable[[str], io.BytesIO]


@pytest.fixture
async def box() -> Box:
    return Box()


@pytest.fixture
async def serve(box: Box) -> AsyncIterator[Serve]:
    """Starts a server that fills the box and tells its port."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as opened:

        async def start(*, tls: ssl.SSLContext | None = None, **options: Any) -> int:
            options = {"hostname": "mx.example.com", "enable_SMTPUTF8": True, **options}
            server = await loop.create_server(lambda: SMTP(box, loop=loop, **options), "127.0.0.1", 0, ssl=tls)
            opened.callback(server.close)
            port: int = server.sockets[0].getsockname()[1]
            return port

        yield start


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(self_signed())
    return path


@pytest.fixture(scope="module")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Sets logging up for an environment and gives what is written."""
    root = logging.getLogger()
    level, config = root.level, structlog.get_config()

    def start(env: str) -> io.BytesIO:
        stream = io.BytesIO()
        configure_logging(env, stream)
        return stream

    yield start
    structlog.configure(**config)
    root.handlers[:] = [one for one in root.handlers if type(one).__module__ != configure_logging.__module__]
    root.setLevel(level)


def ours(stream: io.BytesIO) -> list[dict[str, Any]]:
    """The mail port's own lines; the server of the test logs into the same stream."""
    return [line for line in map(json.loads, stream.getvalue().splitlines()) if line["logger"] == "ocsuite.mail"]


def mailer(
    url: str, *, trusting: Path | None = None, seconds: float = 10.0, sender: str = "OCSuite <no-reply@example.com>"
) -> SmtpMailer:
    """A mailer for a URL, trusting one certificate beside those of the machine."""
    tls = ssl.create_default_context()
    if trusting:
        tls.load_verify_locations(trusting)
    return SmtpMailer(parse_mail(url, parse_sender(sender)), tls=tls, seconds=seconds)


async def test_a_plain_mail_arrives_complete(box: Box, serve: Serve) -> None:
    port = await serve()
    text = MAIL.text + "\n.\n..\nFrom here on: 100 % ünïcødé 漢字 🙂\n" + "long " * 400 + "\n"
    assert await mailer(f"smtp://127.0.0.1:{port}").send(Mail(to=TO, subject="Join Acme", text=text)) == "sent"
    got = box.one()
    assert (box.envelopes[0].mail_from, box.envelopes[0].rcpt_tos) == ("no-reply@example.com", [TO])
    assert (got["From"], got["To"], got["Subject"]) == ("OCSuite <no-reply@example.com>", TO, "Join Acme")
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Message-ID"].startswith("<")
    assert got["Message-ID"].endswith("@example.com>")
    assert abs(parsedate_to_datetime(got["Date"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert got.get_content_type() == "text/plain"
    assert got.get_content().replace("\r\n", "\n") == text
    assert box.envelopes[0].content is not None
    assert max(map(len, box.envelopes[0].content.splitlines())) <= 78
    assert box.envelopes[0].content.isascii()


async def test_two_mails_do_not_share_their_id(box: Box, serve: Serve) -> None:
    sender = mailer(f"smtp://127.0.0.1:{await serve()}")
    assert await asyncio.gather(*(sender.send(MAIL) for _ in range(5))) == ["sent"] * 5
    seen = {read(envelope)["Message-ID"] for envelope in box.envelopes}
    assert len(seen) == 5


async def test_words_of_any_script(box: Box, serve: Serve) -> None:
    name, subject = "Œuvre, Süd «C»", "Für 株式会社アクメ — " + "ein sehr langer Betreff äöü " * 12 + "👩‍🚀"
    sender = mailer(f"smtp://127.0.0.1:{await serve()}", sender=f"{name} <no-reply@bücher.example>")
    assert await sender.send(Mail(to=TO, subject=subject, text="Grüße\n")) == "sent"
    got = box.one()
    assert (got["Subject"], got.get_content()) == (subject, "Grüße\r\n")
    (written_by,) = got["From"].addresses
    assert (written_by.display_name, written_by.addr_spec) == (name, "no-reply@xn--bcher-kva.example")
    assert not box.envelopes[0].smtp_utf8

    assert await sender.send(Mail(to="käte@Bücher.example", subject=subject, text="Grüße\n")) == "sent"
    raw = box.envelopes[1].content
    assert isinstance(raw, bytes)
    assert f'From: "{name}" <no-reply@xn--bcher-kva.example>'.encode() in raw
    assert "To: käte@xn--bcher-kva.example".encode() in raw
    assert box.envelopes[1].rcpt_tos == ["käte@xn--bcher-kva.example"]
    assert box.envelopes[1].smtp_utf8


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(box: Box, serve: Serve, lines: Lines) -> None:
    stream = lines("production")
    sender = mailer(f"smtp://127.0.0.1:{await serve(enable_SMTPUTF8=False)}")
    assert await sender.send(Mail(to="käte@example.com", subject="x", text="x")) == "failed"
    # A foreign domain is no reason: it has a form in ASCII.
    assert await sender.send(Mail(to="grace@bücher.example", subject="x", text="x")) == "sent"
    assert box.envelopes[0].rcpt_tos == ["grace@xn--bcher-kva.example"]
    assert [line["event"] for line in ours(stream)] == ["mail_failed", "mail_sent"]
    assert ours(stream)[0]["error"] == "SMTPNotSupported"


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_tls_is_verified_before_anything_is_said(
    box: Box, serve: Serve, certificate: Path, server_tls: ssl.SSLContext, lines: Lines, scheme: str
) -> None:
    stream = lines("production")
    options: dict[str, Any] = {"authenticator": account}
    if scheme == "smtps":  # aiosmtpd knows of the TLS that it started itself alone
        options |= {"tls": server_tls, "auth_require_tls": False}
    else:
        options |= {"tls_context": server_tls, "require_starttls": True}
    port = await serve(**options)
    url = f"{scheme}://{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
    assert await mailer(url, trusting=certificate).send(MAIL) == "sent"
    assert (box.secured, box.users) == ([True], [USER])

    assert await mailer(url).send(MAIL) == "failed"  # nobody vouches for the certificate
    assert await mailer(url.replace("127.0.0.1", "localhost"), trusting=certificate).send(MAIL) == "failed"
    wrong = url.replace("w%C3%B6rd", "wrong")
    assert await mailer(wrong, trusting=certificate).send(MAIL) == "failed"
    assert len(box.envelopes) == 1
    assert [line.get("code") for line in ours(stream)] == [None, None, None, 535]
    for secret in (PASSWORD, USER, TO, LINK, "Join Acme", "p%40ss"):
        assert secret not in json.dumps(ours(stream), ensure_ascii=False)


async def test_a_server_that_hides_its_tls_gets_nothing(box: Box, serve: Serve, lines: Lines) -> None:
    """Somebody in between can take STARTTLS out of the server's list."""
    stream = lines("production")
    port = await serve(authenticator=account, auth_require_tls=False)
    assert await mailer(f"smtp+starttls://user:secret-word@127.0.0.1:{port}").send(MAIL) == "failed"
    assert (box.envelopes, [line["event"] for line in ours(stream)]) == ([], ["mail_failed"])
    assert b"AUTH" not in stream.getvalue().replace(b"Available AUTH", b"")


async def test_a_refusal_is_told_and_logged_without_the_address(box: Box, serve: Serve, lines: Lines) -> None:
    stream = lines("local")
    sender = mailer(f"smtp://127.0.0.1:{await serve()}")
    assert await sender.send(Mail(to="nobody@example.com", subject="Join Acme", text=LINK)) == "failed"
    (line,) = ours(stream)
    assert (line["event"], line["level"], line["code"]) == ("mail_failed", "warning", 550)
    assert not any(part in json.dumps(line) for part in ("nobody", "Acme", LINK))
    assert await sender.send(MAIL) == "sent"
    assert TO not in json.dumps(ours(stream))
    assert len(box.envelopes) == 1


async def test_a_server_that_is_away_or_silent_or_stuck(box: Box, serve: Serve, lines: Lines) -> None:
    stream = lines("production")
    gone = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    away: int = gone.sockets[0].getsockname()[1]
    assert await mailer(f"smtp://127.0.0.1:{away}").send(MAIL) == "failed"
    gone.close()
    assert await mailer(f"smtp://127.0.0.1:{away}").send(MAIL) == "failed"
    assert await mailer("smtp://no-such-host.localhost:25").send(MAIL) == "failed"

    async def dawdling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes mails, each answer in time for the wait of its own, all of them too late together."""
        with contextlib.suppress(ConnectionError):
            writer.write(b"220 mx.example.com\r\n")
            while line := await reader.readline():
                if line.startswith((b"EHLO", b"MAIL", b"RCPT", b"DATA", b".\r\n", b"QUIT")):
                    await asyncio.sleep(0.2)
                    writer.write({b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(line[:4], b"250 fine\r\n"))
        writer.close()

    slow = await asyncio.start_server(dawdling, "127.0.0.1", 0)
    port = slow.sockets[0].getsockname()[1]
    assert await mailer(f"smtp://127.0.0.1:{port}", seconds=0.6).send(MAIL) == "failed"
    assert await mailer(f"smtp://127.0.0.1:{port}").send(MAIL) == "sent"
    slow.close()
    box.taking.clear()
    assert await mailer(f"smtp://127.0.0.1:{await serve()}", seconds=0.3).send(MAIL) == "failed"
    assert [line["event"] for line in ours(stream)] == [*["mail_failed"] * 4, "mail_sent", "mail_failed"]


async def test_whoever_stops_waiting_is_not_held(box: Box, serve: Serve) -> None:
    box.taking.clear()
    sending = asyncio.create_task(mailer(f"smtp://127.0.0.1:{await serve()}").send(MAIL))
    await box.offered.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(sending, 5)


@pytest.mark.parametrize(
    "address",
    [
        "", "grace", "@example.com", "grace@", "grace@exa mple.com", "grace@example.com\r\nBcc: eve@example.com",
        "grace@example.com\n", "grace\r\nRCPT TO:<eve@example.com>@example.com", "grace@example.com>\r\nDATA\r\n",
        "grace@example.com> SIZE=1 <", "grace@example.com,eve@example.com", "eve@example.com,grace@example.com",
        "Grace <grace@example.com>", "<grace@example.com>", '"a b"@example.com', "a..b@example.com", ".a@example.com",
        "gra\x00ce@example.com", "gra\u2028ce@example.com", "gra\udc00ce@example.com", "grace@-example.com",
        "grace@[127.0.0.1]", "grace@exa_mple.com", "grace@ex\u2028ample.com", "grace@é..com", "x" * 65 + "@example.com",
        "grace@" + "a.ü" * 500 + ".com", "=?utf-8?q?=0d=0aBcc=3aeve?=@example.com",
        "(comment)grace@example.com", "gr@ce@example.com",
    ],
)  # fmt: skip
async def test_no_address_carries_anything_else(box: Box, serve: Serve, address: str) -> None:
    sender = mailer(f"smtp://127.0.0.1:{await serve()}")
    assert await sender.send(Mail(to=address, subject="x", text="x")) == "failed"
    assert box.envelopes == []


async def test_no_subject_or_text_becomes_a_header_or_a_command(box: Box, serve: Serve) -> None:
    end = "\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\n"
    ends = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "\ud800"]
    subjects = {f"{start}{end}Bcc: eve@example.com": f"{start.strip()} Bcc: eve@example.com"
                for end in ends for start in ("Join", "long " * 30, "Grüße " * 30)}  # fmt: skip
    # Encoded words that hide a line end stay what they are: odd words.
    coded = ["=?utf-8?q?=0d=0aBcc:=20eve@example.com?=", "Join ü =?utf-8?b?DQpCY2M6IGV2ZUB4?= now"]
    subjects |= {subject: subject for subject in coded}
    sender = mailer(f"smtp://127.0.0.1:{await serve()}")
    for subject in subjects:
        assert await sender.send(Mail(to=TO, subject=subject, text=f"Hello{end}.\n{end}")) == "sent"
    assert await sender.send(Mail(to=TO, subject="x", text="half a pair \ud800")) == "failed"
    for envelope, seen in zip(box.envelopes, subjects.values(), strict=True):
        got = read(envelope)
        assert envelope.rcpt_tos == [TO]
        assert sorted(got.keys()) == sorted(HEADERS)
        assert isinstance(envelope.content, bytes)
        unfolded = "".join(message_from_bytes(envelope.content)["Subject"].splitlines())
        assert str(make_header(decode_header(unfolded))) == seen
        assert "MAIL FROM:<eve@example.com>" in got.get_content()


async def test_without_a_server_a_mail_is_shown_in_local_mode_alone(lines: Lines) -> None:
    settings = Settings.load(LOCAL)
    stream = lines("local")
    assert await create_mailer(settings).send(MAIL) == "not_configured"
    (line,) = ours(stream)
    assert (line["event"], line["to"], line["subject"], line["text"]) == ("mail", TO, MAIL.subject, MAIL.text)
    # Exactly this event of this logger: neighbours are redacted as ever.
    structlog.get_logger("ocsuite.mail").info("other", text=LINK)
    structlog.get_logger("ocsuite").info("mail", text=LINK)
    assert stream.getvalue().count(LINK.encode()) == 1

    stream = lines("production")
    hosted = Settings.load(HOSTED)
    assert await create_mailer(hosted).send(MAIL) == "not_configured"
    assert stream.getvalue() == b""
    # Even a mailer that is told to show: the log of a hosted environment keeps links to itself.
    await LogMailer(show=True).send(MAIL)
    assert LINK.partition("=")[2].encode() not in stream.getvalue()


async def test_settings_make_the_mailer() -> None:
    url = "smtp+starttls://mailer:hidden-word@mail.example.com"
    settings = Settings.load({**HOSTED, "SMTP_URL": url, "MAIL_FROM": "OCSuite <no-reply@example.com>"})
    made = create_mailer(settings)
    assert isinstance(made, SmtpMailer)
    assert "hidden" not in f"{made!r} {made} {settings.mail!r} {MAIL!r}"
    assert TO not in f"{MAIL!r} {MAIL}"
