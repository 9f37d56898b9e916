"""``Idempotency-Key``: a POST that is sent again is answered as it was the first time, and acts once.

A repetition goes the way of a first request: who asks, limits, membership and permission come before the kept answer
(:meth:`Idempotency.before_request` runs after a route's guards). Whoever was removed meanwhile gets nothing.

A key belongs to one person, one company and one credential: to their sessions, or to one API key of theirs. Elsewhere
the same words are another key, so that an API key never repeats what only a broader credential was shown. The signed
context says which it is, and the table's policies hold it. Why: docs/decisions/0013-repeated-requests.md.

The middleware serves operations that are ``idempotent``. Answers that stream are not captured: such handlers
(``idempotent="stream"``) call :func:`claim` and :func:`finish` in their own transactions, and so may any that
wants its effect and the kept answer to commit together.

Kept for a day: every answer of a handler that acted or decided. Not kept, so that the key is free again: server errors,
429, and refusals that the same request may not meet again (400, 401, 403, 404, 413, 415, 422). A process that dies
while working leaves a lock that gives way after 60 seconds.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import CONTEXT
from backend.kernel.db.database import DATABASE_AWAY, Database
from backend.kernel.db.tenancy import TenantContext, UserContext
from backend.kernel.errors import IdempotencyKeyReused, RequestInFlight, ValidationFailed
from backend.kernel.http.traits import traits_of
from module_sdk.api.problems import FieldError

HEADER: Final = b"idempotency-key"
LOCK_SECONDS: Final = 60
KEEP_HOURS: Final = 24
MAX_KEPT_BYTES: Final = 1024 * 1024

_INSTEAD: Final = "kept_instead"
_KEY: Final = re.compile(rb"[\x21-\x7e]{8,255}")
_ATTEMPT: Final = "idempotent_attempt"
_NOT_KEPT: Final = frozenset({400, 401, 403, 404, 413, 415, 422, 429})
_KEPT_HEADERS: Final = frozenset({b"content-type", b"location", b"content-language"})

_CLAIM: Final = text(
    f"""INSERT INTO idempotency_keys AS k (user_id, key, fingerprint, locked_until, expires_at)
    VALUES (:user_id, :key, :fingerprint, clock_timestamp() + interval '{LOCK_SECONDS} seconds',
            clock_timestamp() + interval '{KEEP_HOURS} hours')
    ON CONFLICT (user_id, key, acting_tenant, acting_api_key) DO UPDATE
      SET fingerprint = excluded.fingerprint, status = NULL, body = NULL, headers = '{{}}',
          locked_until = excluded.locked_until, expires_at = excluded.expires_at
      WHERE k.expires_at < clock_timestamp()
         OR (k.status IS NULL AND k.locked_until < clock_timestamp() AND k.fingerprint = excluded.fingerprint)
    RETURNING locked_until"""  # noqa: S608  # two constants of this file
)
_READ: Final = text(
    "SELECT fingerprint, status, headers, body, locked_until - clock_timestamp() AS left_of_lock FROM idempotency_keys "
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


def acting_context(request: Request[Principal, Any, Any]) -> TenantContext | UserContext:
    """Whom and what the request acts for, as its gate admitted it."""
    admitted = request.scope["state"].get(CONTEXT)
    return admitted if isinstance(admitted, TenantContext) else request.user.context


async def fingerprint_of(request: Request[Principal, Any, Any]) -> bytes:
    """SHA-256 over what makes two requests the same: method, path, query, tenant and body, each with its length.

    The tenant is the one that the request acts in, whether a header, the path or an API key named it.
    """
    scope, context = request.scope, acting_context(request)
    if isinstance(context, TenantContext):
        tenant = context.tenant_id.bytes
    else:
        tenant = b",".join(value for name, value in scope["headers"] if name == b"x-tenant-id")
    digest = hashlib.sha256()
    parts = (str(scope.get("method")).encode(), scope["path"].encode(), scope["query_string"], tenant)
    for part in (*parts, await request.body()):
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()


def keep_instead(scope: Scope, status: int, media_type: str, body: bytes) -> None:
    """Keep another answer than the one that is sent, for a handler whose answer has a secret to be stored nowhere."""
    scope["state"][_INSTEAD] = Kept(status, {"content-type": media_type}, body)


async def claim(session: AsyncSession, user_id: UUID, key: str, fingerprint: bytes) -> Claim | Kept:
    """Take the key for this request, or the answer that it had before.

    ``session`` is in the context that the request acts in. Raises ``IdempotencyKeyReused`` if the key belongs to
    another request, ``RequestInFlight`` while the same one is being worked on.
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
        wait = max(1, min(LOCK_SECONDS, int(row.left_of_lock.total_seconds())))
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
class _Attempt:
    """A request with a key. Holds its answer back until it is kept, so that nobody who saw it can find it not kept."""

    key: str
    held: Claim | None = None
    context: TenantContext | UserContext | None = None
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
    """A Litestar middleware, inside of authentication and rate limits, with its hook behind the guards."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap ``app``."""

        async def idempotency(scope: Scope, receive: Receive, send: Send) -> None:
            raw = None
            if traits_of(scope["route_handler"]).idempotent is True and isinstance(scope.get("user"), Principal):
                raw = next((value for name, value in scope["headers"] if name == HEADER), None)
            if raw is None:
                await app(scope, receive, send)
            else:
                attempt = scope["state"][_ATTEMPT] = _Attempt(valid_key(raw))
                await self._work(app, scope, receive, send, attempt)

        return idempotency

    async def before_request(self, request: Request[Any, Any, Any]) -> Response[bytes] | None:
        """Litestar's hook between a route's guards and its handler: the kept answer, or the claim on the key."""
        attempt: _Attempt | None = request.scope["state"].get(_ATTEMPT)
        if attempt is None:
            return None
        attempt.context, fingerprint = acting_context(request), await fingerprint_of(request)
        async with self._db.transaction(attempt.context) as session:
            held = await claim(session, request.user.user_id, attempt.key, fingerprint)
        if isinstance(held, Kept):
            headers = {name: value for name, value in held.headers.items() if name != "content-type"}
            return Response(
                held.body,
                status_code=held.status,
                media_type=held.headers.get("content-type"),
                headers={**headers, "Idempotency-Replayed": "true"},
            )
        attempt.held = held
        return None

    async def _work(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, attempt: _Attempt) -> None:
        try:
            await app(scope, receive, attempt.send)
        finally:
            if attempt.held is not None:
                answer = attempt.kept()
                if answer is not None and answer.status < 300:
                    answer = scope["state"].get(_INSTEAD, answer)
                await self._finish(attempt.held, attempt.context, answer)
        for message in attempt.messages:
            await send(message)

    async def _finish(self, held: Claim, context: TenantContext | UserContext | None, answer: Kept | None) -> None:
        """A failure here must not turn an answer that was earned into an error; the lock gives way by itself."""
        try:
            async with self._db.transaction(context or UserContext(held.user_id)) as session:
                await finish(session, held, answer)
        except DATABASE_AWAY as error:
            structlog.get_logger(__name__).warning("idempotency_answer_not_kept", error=type(error).__name__)
