"""One HTTP exchange with the API: headers, time-outs, and errors turned into those of the client."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import msgspec

from module_sdk.api.client.errors import ApiError, ApiUnavailable, UnexpectedReplyError
from module_sdk.api.problems import Problem

T = TypeVar("T")
TokenProvider = Callable[[], Awaitable[str | None]]
"""Gives the access token for a request. It is asked again once after a 401, and a new token is tried then."""
Query = Mapping[str, str | int | None]

USER_AGENT = "ocsuite-module-sdk"
REQUEST_TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=5.0)
#: Streams are kept alive by comments, so that silence of this length means a dead connection.
STREAM_TIMEOUT = httpx.Timeout(45.0, connect=5.0, pool=5.0)
_REPEATABLE = frozenset({"GET", "PUT"})


def route(*segments: str | UUID) -> str:
    """``/a/b/c`` with every segment quoted."""
    return "".join("/" + quote(str(segment), safe="") for segment in segments)


def idempotency(key: str | None) -> dict[str, str]:
    """The header that makes a second attempt of the same request safe; a key of its own where the caller gives none."""
    return {"Idempotency-Key": str(uuid4()) if key is None else key}


def default_http() -> httpx.AsyncClient:
    """A client of the caller's own. Idle connections close before the five seconds after which uvicorn closes them."""
    return httpx.AsyncClient(limits=httpx.Limits(max_connections=100, keepalive_expiry=3.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request: a path below the base URL and what goes with it."""

    method: str
    path: str
    body: msgspec.Struct | None = None
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    authenticated: bool = True

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _REPEATABLE or "Idempotency-Key" in self.headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Transport:
    """Where the API is and who is asking. Shared by derived clients; the HTTP client belongs to whoever made it.

    Cookies are never taken from or kept for the HTTP client's jar, so that one HTTP client can serve many people.
    """

    http: httpx.AsyncClient = field(repr=False)
    base_url: str
    token: TokenProvider | None = field(default=None, repr=False)
    tenant_id: UUID | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def fetch(self, kind: type[T], call: Call) -> T:
        """Sends ``call`` and decodes the answer as ``kind``."""
        response = await self.exchange(call)
        return decode(kind, response)

    async def exchange(self, call: Call) -> httpx.Response:
        """Sends ``call`` and returns the successful answer, read whole; once more if a repeatable one got none."""
        try:
            return await self._exchange_once(call)
        except ApiUnavailable as error:
            if not (call.repeatable and isinstance(error.__cause__, httpx.RemoteProtocolError | httpx.ReadError)):
                raise
            # A kept-alive connection that the server closed at the same moment looks like this.
            return await self._exchange_once(call)

    async def _exchange_once(self, call: Call) -> httpx.Response:
        async with self.open(call, REQUEST_TIMEOUT) as response:
            await _read(response)
            return response

    @asynccontextmanager
    async def open(self, call: Call, limits: httpx.Timeout) -> AsyncIterator[httpx.Response]:
        """The successful answer with its body unread; a 401 is tried once more where the provider has a new token."""
        token = await self._access_token(call)
        response = await self._send(call, token, limits)
        try:
            if response.status_code == 401 and token is not None:
                fresh = await self._access_token(call)
                if fresh != token:
                    await response.aclose()
                    response = await self._send(call, fresh, limits)
            if not response.is_success:
                await _read(response)
                raise refusal(response)
            yield response
        finally:
            await response.aclose()

    async def download(self, call: Call) -> AsyncGenerator[bytes, None]:
        """The body of a successful answer piece by piece."""
        async with self.open(call, STREAM_TIMEOUT) as response:
            try:
                async for piece in response.aiter_bytes():
                    yield piece
            except httpx.TransportError as error:
                raise unavailable(error) from error

    async def _access_token(self, call: Call) -> str | None:
        return await self.token() if call.authenticated and self.token is not None else None

    async def _send(self, call: Call, token: str | None, limits: httpx.Timeout) -> httpx.Response:
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT, **self.headers, **call.headers}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if self.tenant_id is not None:
            headers["X-Tenant-Id"] = str(self.tenant_id)
        content = None
        if call.body is not None:
            content = msgspec.json.encode(call.body)
            headers["Content-Type"] = "application/json"
        # Not `http.build_request`, which would add the cookies of whoever used the HTTP client before.
        request = httpx.Request(
            call.method,
            self.base_url + call.path,
            params={key: value for key, value in call.query.items() if value is not None} or None,
            headers=headers,
            content=content,
            extensions={"timeout": limits.as_dict()},
        )
        try:
            return await self.http.send(request, stream=True, auth=None, follow_redirects=False)
        except httpx.TransportError as error:
            raise unavailable(error) from error


def unavailable(error: httpx.TransportError) -> ApiUnavailable:
    """``error`` in the client's words; it names neither addresses nor headers."""
    if isinstance(error, httpx.TimeoutException):
        reason = "the API did not answer in time"
    elif isinstance(error, httpx.ConnectError):
        reason = "the API cannot be reached"
    else:
        reason = "the connection to the API was lost"
    never_left = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return ApiUnavailable(reason, may_have_arrived=not never_left)


def decode(kind: type[T], response: httpx.Response) -> T:
    """The body of ``response`` as ``kind``; raises :class:`UnexpectedReplyError`."""
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedReplyError(f"the answer is not the contract's: {error}") from error


def refusal(response: httpx.Response) -> ApiError | ApiUnavailable | UnexpectedReplyError:
    """The error for an answer that is no success, its body already read."""
    if response.headers.get("Content-Type", "").partition(";")[0].strip() == "application/problem+json":
        try:
            problem = msgspec.json.decode(response.content, type=Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return UnexpectedReplyError(f"status {response.status_code} with a malformed problem document")
        wait = response.headers.get("Retry-After", "")
        return ApiError(problem, retry_after=float(wait) if wait.isascii() and wait.isdigit() else None)
    if response.status_code in (502, 503, 504):
        return ApiUnavailable(f"a gateway answered {response.status_code} in place of the API")
    return UnexpectedReplyError(f"status {response.status_code} without a problem document")


async def _read(response: httpx.Response) -> None:
    try:
        await response.aread()
    except httpx.TransportError as error:
        raise unavailable(error) from error
    except httpx.DecodingError as error:
        raise UnexpectedReplyError("the answer's compression is broken") from error
