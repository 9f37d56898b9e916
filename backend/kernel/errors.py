"""Errors that carry their HTTP status: what services raise, and what becomes a problem document.

::

    ProblemError
    ├── BadRequest             400  bad_request
    │   ├── MalformedJSON      400  malformed_json
    │   └── TenantRequired     400  tenant_required
    ├── Unauthenticated        401  unauthenticated
    │   ├── SessionExpired     401  session_expired
    │   └── WrongCredentials   401  wrong_credentials
    ├── LimitReached           402  limit_reached          (429 for limits that reset every day)
    ├── Forbidden              403  forbidden
    │   └── PermissionDenied   403  permission_denied
    ├── NotFound               404  not_found              (also: a foreign id, not a member)
    ├── MethodNotAllowed       405  method_not_allowed
    ├── NotAcceptable          406  not_acceptable
    ├── Conflict               409  conflict
    │   ├── EmailTaken         409  email_taken
    │   ├── SlugTaken          409  slug_taken
    │   ├── RequestInFlight    409  request_in_flight
    │   └── ShownOnce          409  shown_once
    ├── PayloadTooLarge        413  payload_too_large
    ├── UnsupportedMediaType   415  unsupported_media_type
    ├── WrongHost              421  wrong_host
    ├── ValidationFailed       422  validation_failed
    ├── IdempotencyKeyReused   422  idempotency_key_reused
    ├── RateLimited            429  rate_limited
    ├── Internal               500  internal
    ├── ProviderUnavailable    502  provider_unavailable
    ├── Unavailable            503  unavailable
    └── ProviderTimeout        504  provider_timeout

A domain adds its own by subclassing the nearest of these with another ``code`` and ``title``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from module_sdk.api.problems import FieldError


class ProblemError(Exception):
    """An error a client is told about. Class attributes give the defaults, keyword arguments replace them.

    ``detail`` and ``extra`` are shown to the client as they are: nothing secret and nothing of another tenant in them.
    """

    default_status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal"
    default_title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str | None = None,
        *,
        status: int | None = None,
        code: str | None = None,
        title: str | None = None,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status or self.default_status
        self.code = code or self.default_code
        self.title = title or self.default_title
        self.detail = detail
        self.errors = list(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        super().__init__(detail or self.title)


class BadRequest(ProblemError):
    """The request cannot be understood."""

    default_status, default_code, default_title = 400, "bad_request", "The request is malformed"


class MalformedJSON(BadRequest):
    """The body is not JSON."""

    default_code, default_title = "malformed_json", "The body is not valid JSON"


class TenantRequired(BadRequest):
    """The operation belongs to a tenant and none was named."""

    default_code, default_title = "tenant_required", "Name a company with the X-Tenant-Id header"


class Unauthenticated(ProblemError):
    """No valid credentials came with the request."""

    default_status, default_code, default_title = 401, "unauthenticated", "Sign in to continue"

    def __init__(self, detail: str | None = None, **options: Any) -> None:
        super().__init__(detail, **options)
        self.headers.setdefault("WWW-Authenticate", "Bearer")


class SessionExpired(Unauthenticated):
    """The session has ended; signing in again is the only way on."""

    default_code, default_title = "session_expired", "Your session has ended, sign in again"


class WrongCredentials(Unauthenticated):
    """Unknown address or wrong password, on purpose indistinguishable."""

    default_code, default_title = "wrong_credentials", "The e-mail address or the password is wrong"


class LimitReached(ProblemError):
    """A tenant's usage limit. 402 where only a larger plan helps, 429 where waiting until ``resets_at`` does."""

    default_status, default_code, default_title = 402, "limit_reached", "This company has reached a limit"

    def __init__(
        self,
        detail: str | None = None,
        *,
        metric: str,
        limit: int,
        used: int,
        resets_at: datetime | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        extra = {
            "metric": metric,
            "limit": limit,
            "used": used,
            "resets_at": resets_at.isoformat() if resets_at is not None else None,
        }
        super().__init__(detail, status=402 if resets_at is None else 429, extra=extra, headers=headers)


class Forbidden(ProblemError):
    """Known to exist for the caller, not allowed to them."""

    default_status, default_code, default_title = 403, "forbidden", "You are not allowed to do this"


class PermissionDenied(Forbidden):
    """A permission is missing; ``extra`` has ``permission``, ``title``, ``roles``, and ``people`` who can grant it."""

    default_code, default_title = "permission_denied", "You do not have the permission for this"


class NotFound(ProblemError):
    """Unknown, foreign, or not visible: always raised without ``detail``, so that the three cannot be told apart."""

    default_status, default_code, default_title = 404, "not_found", "Not found"


class MethodNotAllowed(ProblemError):
    """The path exists, the method does not; ``Allow`` lists those that do."""

    default_status, default_code, default_title = 405, "method_not_allowed", "This method is not allowed here"


class NotAcceptable(ProblemError):
    """No representation that the client accepts."""

    default_status, default_code, default_title = 406, "not_acceptable", "No acceptable representation"


class Conflict(ProblemError):
    """The request collides with the present state."""

    default_status, default_code, default_title = 409, "conflict", "This conflicts with the present state"


class EmailTaken(Conflict):
    """An account with this address exists."""

    default_code, default_title = "email_taken", "An account with this e-mail address already exists"


class SlugTaken(Conflict):
    """A company with this short name exists."""

    default_code, default_title = "slug_taken", "This short name is already taken"


class RequestInFlight(Conflict):
    """The first request with this ``Idempotency-Key`` is still being worked on."""

    default_code, default_title = "request_in_flight", "The same request is still being worked on"


class ShownOnce(Conflict):
    """The request was carried out before; its answer had a secret that is kept nowhere."""

    default_code, default_title = "shown_once", "This was done before, and its secret was shown that once"


class PayloadTooLarge(ProblemError):
    """The body is larger than accepted."""

    default_status, default_code, default_title = 413, "payload_too_large", "The body is too large"


class UnsupportedMediaType(ProblemError):
    """The body's content type is not one the operation reads."""

    default_status, default_code, default_title = 415, "unsupported_media_type", "This content type is not supported"


class WrongHost(ProblemError):
    """The ``Host`` header names a server that this is not."""

    default_status, default_code, default_title = 421, "wrong_host", "This server does not answer for that host"


class ValidationFailed(ProblemError):
    """Well-formed, but not what the contract asks for; ``errors`` name the places."""

    default_status, default_code, default_title = 422, "validation_failed", "Some values are not valid"


class IdempotencyKeyReused(ProblemError):
    """The ``Idempotency-Key`` was used before for another request."""

    default_status, default_code, default_title = (
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request",
    )


class RateLimited(ProblemError):
    """Too many requests; ``Retry-After`` says when the next is welcome."""

    default_status, default_code, default_title = 429, "rate_limited", "Too many requests, try again shortly"


class Internal(ProblemError):
    """A fault of ours. Details go to the log, never to the client."""


class ProviderUnavailable(ProblemError):
    """The language model or another upstream service failed."""

    default_status, default_code, default_title = 502, "provider_unavailable", "The model provider is not available"


class Unavailable(ProblemError):
    """A part that we need (database, Redis) is away; the request may be repeated after ``Retry-After``."""

    default_status, default_code, default_title = 503, "unavailable", "The service is not available right now"

    def __init__(self, detail: str | None = None, **options: Any) -> None:
        super().__init__(detail, **options)
        self.headers.setdefault("Retry-After", "2")


class ProviderTimeout(ProblemError):
    """The language model or another upstream service did not answer in time."""

    default_status, default_code, default_title = 504, "provider_timeout", "The model provider did not answer in time"


def catalogue() -> dict[str, type[ProblemError]]:
    """Every code of this tree and of the domains' own subclasses that are imported, with its class."""
    found: dict[str, type[ProblemError]] = {}
    pending: list[type[ProblemError]] = [ProblemError]
    while pending:
        kind = pending.pop(0)
        found.setdefault(kind.default_code, kind)
        pending.extend(kind.__subclasses__())
    return found
