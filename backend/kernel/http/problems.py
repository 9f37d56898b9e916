"""Every error as ``application/problem+json`` (RFC 9457), from handlers, from routing and from outside Litestar."""

import errno
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import asyncpg
import msgspec
import redis.exceptions
import sqlalchemy.exc
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap, Scope, Send

from backend.kernel import errors as e
from backend.kernel.http.validation import field_error
from module_sdk.api.problems import FieldError, Problem

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:ocsuite:problem:"

_BY_STATUS: Final[Mapping[int, type[e.ProblemError]]] = {
    400: e.BadRequest,
    401: e.Unauthenticated,
    403: e.Forbidden,
    404: e.NotFound,
    405: e.MethodNotAllowed,
    406: e.NotAcceptable,
    409: e.Conflict,
    413: e.PayloadTooLarge,
    415: e.UnsupportedMediaType,
    422: e.ValidationFailed,
    429: e.RateLimited,
    503: e.Unavailable,
}
# 08 connection, 40 rollback (deadlock, serialisation), 53 resources, 57 operator intervention, 58 system;
# 55P03: a lock that was not to be had in time.
_TRANSIENT_SQLSTATES: Final = ("08", "40", "53", "57", "58", "55P03")
# Text that the database cannot hold: a NUL or a broken escape that no contract caught.
_UNSTORABLE_SQLSTATES: Final = ("22021", "22P05")
# A number or a moment beyond what the database holds, where the server says so; the driver may before it asks.
_OUT_OF_RANGE_SQLSTATES: Final = ("22003", "22008")
# A row that points at a person who is no more.
_DANGLING_SQLSTATE: Final = "23503"
_PEOPLE: Final = "_users"
# A policy refused what the gate had let through: the permission was lost in between.
_REFUSED_SQLSTATE: Final = "42501"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
# What Redis answers when its memory or disk is full, or while it is not the one to write to.
_REDIS_UNABLE: Final = ("OOM ", "MISCONF ", "READONLY ", "LOADING ", "NOREPLICAS ")
_CONNECTIVITY: Final = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,
    ConnectionError,
    TimeoutError,
)
_MISSING: Final = re.compile(r"^Missing required (?P<source>\w+) parameter '(?P<name>[^']*)'")


def problem_of(error: Exception) -> e.ProblemError:
    """The problem that an exception is reported as; anything unknown is ``internal`` and says nothing of itself."""
    match error:
        case e.ProblemError():
            return error
        case ValidationException():
            return _from_validation(error)
        case HTTPException():
            return _from_http(error)
        case msgspec.ValidationError():
            return e.ValidationFailed(errors=[field_error(error)])
        case _:
            return _from_infrastructure(error)


def _from_validation(error: ValidationException) -> e.ProblemError:
    """Litestar's complaints about parameters; bodies are checked by ``ApiRequest`` before it sees them."""
    details = [item for item in error.extra if isinstance(item, dict)] if isinstance(error.extra, list) else []
    if any(str(item.get("source", "")) == "path" for item in details):
        return e.NotFound()
    fields: list[FieldError] = []
    for item in details:
        source, key = str(getattr(item.get("source"), "value", item.get("source"))), str(item.get("key", ""))
        if source == "body":
            fields.append(FieldError(path="$", message="A JSON body is required"))
        else:
            fields.append(field_error(msgspec.ValidationError(str(item.get("message", ""))), f"{source}.{key}"))
    if missing := _MISSING.match(error.detail):
        fields.append(FieldError(path=f"{missing['source']}.{missing['name']}", message="Is required"))
    return e.ValidationFailed(errors=fields)


def _from_http(error: HTTPException) -> e.ProblemError:
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() in {"allow", "retry-after"}}
    kind = _BY_STATUS.get(error.status_code)
    if kind is not None:
        return kind(headers={name.title(): value for name, value in headers.items()})
    if error.status_code >= 500:
        return e.Internal()
    phrase = HTTPStatus(error.status_code).phrase
    return e.ProblemError(status=error.status_code, code=phrase.lower().replace(" ", "_"), title=phrase)


def _from_infrastructure(error: Exception) -> e.ProblemError:
    origin = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    sqlstate = getattr(origin, "sqlstate", None) or ""
    if sqlstate.startswith(_UNSTORABLE_SQLSTATES):
        return e.ValidationFailed("Text contains a character that cannot be stored")
    if sqlstate.startswith(_OUT_OF_RANGE_SQLSTATES) or _is_out_of_range(_cause(origin)):
        return e.ValidationFailed("A number or a date is out of range")
    if sqlstate == _DANGLING_SQLSTATE and str(getattr(_cause(origin), "constraint_name", "")).endswith(_PEOPLE):
        return e.SessionExpired()
    if sqlstate == _REFUSED_SQLSTATE:
        return e.PermissionDenied()
    unable = isinstance(error, redis.exceptions.ResponseError) and str(error).startswith(_REDIS_UNABLE)
    full = isinstance(error, OSError) and error.errno in _NO_ROOM
    transient = unable or full or isinstance(error, _CONNECTIVITY) or sqlstate.startswith(_TRANSIENT_SQLSTATES)
    if transient or (isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated):
        return e.Unavailable()
    return e.Internal()


def _is_out_of_range(error: BaseException | None) -> bool:
    """Whether the driver could not write a value down; one of a wrong kind is a fault of ours."""
    return isinstance(error, asyncpg.DataError) and isinstance(error.__cause__ or error.__context__, OverflowError)


def _cause(error: BaseException | None) -> BaseException | None:
    """What the driver raised, which the dialect's own errors carry as their cause."""
    return error.__cause__ if error is not None and error.__cause__ is not None else error


def body_of(problem: e.ProblemError, request_id: str) -> bytes:
    """The document; identical for equal problems but for the request id."""
    return msgspec.json.encode(
        Problem(
            type=TYPE_PREFIX + problem.code,
            title=problem.title,
            status=problem.status,
            code=problem.code,
            request_id=request_id,
            detail=problem.detail,
            errors=problem.errors,
            extra=problem.extra,
        )
    )


def request_id_of(scope: Scope) -> str:
    """The request's id, or '' where the outermost layer has not run."""
    return str(scope.get("state", {}).get("request_id", ""))


def handle_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar exception handler for everything; server errors are logged here, once, with their traceback."""
    problem = problem_of(error)
    if problem.status >= 500 or (isinstance(problem, e.PermissionDenied) and problem is not error):
        _log(problem, error)  # a refusal by the database is rare enough to be told from a privilege that was forgotten
    request.scope["state"]["problem_code"] = problem.code
    return Response(
        content=body_of(problem, request_id_of(request.scope)),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def _log(problem: e.ProblemError, error: Exception) -> None:
    log = structlog.get_logger("ocsuite.errors")
    if problem.code == e.Internal.default_code:
        log.error("unhandled_error", error=type(error).__name__, exc_info=error)
    else:
        log.warning("request_failed", code=problem.code, error=type(error).__name__)


async def send_problem(scope: Scope, send: Send, problem: e.ProblemError) -> None:
    """Answers with a problem from outside Litestar's exception handling."""
    body = body_of(problem, request_id_of(scope))
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()]
    headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    scope["state"]["problem_code"] = problem.code
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def exception_handlers() -> ExceptionHandlersMap:
    """One handler for every exception, whether raised by a handler, a middleware or the router."""
    return {Exception: handle_exception}
