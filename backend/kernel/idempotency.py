"""``Idempotency-Key``: a POST that is sent again is answered as it was the first time, and acts once.

The middleware serves handlers with ``opt={"idempotent": True}``. Answers that stream are not captured: such handlers
(``opt={"idempotent": "stream"}``) call :func:`claim` and :func:`finish` in their own transactions, and so may any that
wants its effect and the kept answer to commit together.

Kept for a day: every answer of a handler that acted or decided. Not kept, so that the key is free again: server errors,
429, and refusals from before the handler (400, 401, 413, 415, 422). A process that dies while working leaves a lock
that gives way after 60 seconds.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kernel.auth import Principal
from backend.kernel.db import Database
from backend.kernel.errors import IdempotencyKeyReused, RequestInFlight, ValidationFailed
from backend.kernel.tenancy import UserContext
from module_sdk.wire.problems import FieldError

OPT: Final = "idempotent"
HEADER: Final = b"idempotency-key"
LOCK_SECONDS: Final = 60
KEEP_HOURS: Final = 24
MAX_KEPT_BYTES: Final = 1024 * 1024

_INSTEAD: Final = "kept_instead"
_KEY: Final = re.compile(rb"[\x21-\x7e]{8,255}")
_NOT_KEPT: Final = frozenset({400, 401, 413, 415, 422, 429})
_KEPT_HEADERS: Final = frozenset({b"content-type", b"location", b"content-language"})

_CLAIM: Final = text(
    f"""INSERT INTO idempotency_keys AS k (user_id, key, fingerprint, locked_until, expires_at)
    VALUES (:user_id, :key, :fingerprint, clock_timestamp() + interval '{LOCK_SECONDS} seconds',
            clock_timestamp() + interval '{KEEP_HOURS} hours')
    ON CONFLICT (user_id, key) DO UPDATE
      SET fingerprint = excluded.fingerprint, status = NULL, body = NULL, headers = '{{}}',
          locked_until = excluded.locked_until, expires_at = excluded.expires_at
      WHERE k.expires_at < clock_timestamp()
         OR (k.status IS NULL AND k.locked_until < clock_timestamp() AND k.fingerprint = excluded.fingerprint)
    RETURNING locked_until"""  # noqa: S608  # two constants of this file
)
_READ: Final = text(
    "SELECT fingerprint, status, headers, body, locked_until FROM idempotency_keys "
    "WHERE user_id = :user_id AND key = :key"
)
_KEEP: Final = text(
    "UPDATE idempotency_keys "
    "SET status = :status, headers = CAST(:headers AS jsonb), body = :body, locked_until = NULL "
    "WHERE user_id = :user_id AND key = :key AND locked_until = :lock"
)
_RELEASE: Final = text(
    "DELETE FROM idempotency_keys WHERE user_id = :user_id AND key = :key AND status IS NULL AND locked_until = :lock"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a request. ``lock`` fences off a claimant whose lock has given way to another's."""

    user_id: UUID
    key: str
    lock: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A first answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def valid_key(raw: bytes) -> str:
    """The header's value; raises ``ValidationFailed`` unless it is 8 to 255 visible ASCII characters."""
    if not _KEY.fullmatch(raw):
        message = "Must be 8 to 255 visible ASCII characters"
        raise ValidationFailed(errors=[FieldError(path="header.Idempotency-Key", message=message)])
    return raw.decode("ascii")


def fingerprint_of(scope: Scope, body: bytes) -> bytes:
    """SHA-256 over what makes two requests the same: method, path, query, tenant and body, each with its length."""
    tenant = b",".join(value for name, value in scope["headers"] if name == b"x-tenant-id")
    digest = hashlib.sha256()
    for part in (str(scope.get("method")).encode(), scope["path"].encode(), scope["query_string"], tenant, body):
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()


def keep_instead(scope: Scope, status: int, media_type: str, body: bytes) -> None:
    """Keep another answer than the one that is sent, for a handler whose answer has a secret to be stored nowhere."""
    scope["state"][_INSTEAD] = Kept(status, {"content-type": media_type}, body)


async def claim(session: AsyncSession, user_id: UUID, key: str, fingerprint: bytes) -> Claim | Kept:
    """Take the key for this request, or the answer that it had before.

    ``session`` is in a context of ``user_id``. Raises ``IdempotencyKeyReused`` if the key belongs to another request,
    ``RequestInFlight`` while the same one is being worked on.
    """
    parameters = {"user_id": user_id, "key": key, "fingerprint": fingerprint}
    lock = (await session.execute(_CLAIM, parameters)).scalar()
    if lock is not None:
        return Claim(user_id, key, lock)
    row = (await session.execute(_READ, {"user_id": user_id, "key": key})).one_or_none()
    if row is None:  # released by the other request a moment ago
        raise RequestInFlight(headers={"Retry-After": "1"})
    if bytes(row.fingerprint) != fingerprint:
        raise IdempotencyKeyReused
    if row.status is None:
        wait = max(1, min(LOCK_SECONDS, int((row.locked_until - datetime.now(UTC)).total_seconds())))
        raise RequestInFlight(headers={"Retry-After": str(wait)})
    return Kept(row.status, row.headers, bytes(row.body or b""))


async def finish(session: AsyncSession, held: Claim, answer: Kept | None) -> None:
    """Keep ``answer`` for the key, or free the key if there is none worth keeping."""
    parameters: dict[str, Any] = {"user_id": held.user_id, "key": held.key, "lock": held.lock}
    if answer is None or answer.status >= 500 or answer.status in _NOT_KEPT or len(answer.body) > MAX_KEPT_BYTES:
        await session.execute(_RELEASE, parameters)
        return
    headers = msgspec.json.encode(answer.headers).decode()
    await session.execute(_KEEP, {**parameters, "status": answer.status, "headers": headers, "body": answer.body})


@dataclass(slots=True)
class _Capture:
    """Holds an answer back until it is kept, so that nobody who has seen it can find it not kept."""

    messages: list[Message] = field(default_factory=list)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode(): value.decode("latin-1")
                for name, value in message["headers"]
                if name.lower() in _KEPT_HEADERS
            }
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def kept(self) -> Kept | None:
        return Kept(self.status, self.headers, bytes(self.body)) if self.status else None


class Idempotency:
    """Litestar middleware, inside of authentication and rate limits."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap ``app``."""

        async def idempotency(scope: Scope, receive: Receive, send: Send) -> None:
            principal = scope.get("user")
            raw = None
            if scope["route_handler"].opt.get(OPT) is True and isinstance(principal, Principal):
                raw = next((value for name, value in scope["headers"] if name == HEADER), None)
            if raw is None or not isinstance(principal, Principal):
                await app(scope, receive, send)
                return
            key, body = valid_key(raw), await _body(receive)
            async with self._db.transaction(UserContext(principal.user_id)) as session:
                held = await claim(session, principal.user_id, key, fingerprint_of(scope, body))
            if isinstance(held, Kept):
                await _replay(held, send)
            else:
                await self._work(app, scope, _replayed_body(body, receive), send, held)

        return idempotency

    async def _work(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, held: Claim) -> None:
        capture = _Capture()
        try:
            await app(scope, receive, capture.send)
        finally:
            answer = capture.kept()
            if answer is not None and answer.status < 300:
                answer = scope["state"].get(_INSTEAD, answer)
            await self._finish(held, answer)
        for message in capture.messages:
            await send(message)

    async def _finish(self, held: Claim, answer: Kept | None) -> None:
        """A failure here must not turn an answer that was earned into an error; the lock gives way by itself."""
        try:
            async with self._db.transaction(UserContext(held.user_id)) as session:
                await finish(session, held, answer)
        except (SQLAlchemyError, OSError) as error:
            structlog.get_logger(__name__).warning("idempotency_answer_not_kept", error=type(error).__name__)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replayed_body(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> HTTPReceiveMessage:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()  # type: ignore[return-value]  # the scope is HTTP, so the message is too

    return replayed


async def _replay(kept: Kept, send: Send) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in kept.headers.items()]
    headers += [(b"content-length", str(len(kept.body)).encode()), (b"idempotency-replayed", b"true")]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body, "more_body": False})
