"""Files that the browser downloads from the web app, which fetches them from the API with the session's cookie.

No token stands in the page or in an address. What the API refuses leads back to the page, which says why.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from frontend.platform.runtime import MAX_TOKEN_CHARS, Runtime
from frontend.platform.session_routes import SIGN_IN_PATH
from module_sdk.api.client import ApiClient, ApiError, ClientError, TenantClient
from module_sdk.api.client.audit import AuditFilter
from module_sdk.api.tenants import ErasureReceipt

EXPORT_PATH: Final = "/downloads/audit"
CHECKPOINTS_PATH: Final = "/downloads/audit-checkpoints.json"
RECEIPTS_PATH: Final = "/downloads/erasure-receipts"
ACCOUNT_PATH: Final = "/downloads/account.json"
YOU_PATH: Final = "/settings/you"
AUDIT_PATH: Final = "/audit"
SETTINGS_PATH: Final = "/settings"
#: Where Clerk's script keeps its session's token for the site's own server.
CLERK_COOKIE: Final = "__session"
PAGE_ROWS: Final = 100
_MEDIA: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv", "json": "application/json"}

File = tuple[str, AsyncGenerator[bytes, None]]
Fetch = Callable[[Request, ApiClient], File]


class _NotAsked(Exception):
    """The address is not one that a page of ours makes."""


def download_routes(runtime: Runtime) -> list[Route]:
    """Exports and checkpoints of the audit log, receipts of erased companies, and the person's own data."""

    def route(path: str, back: str, fetch: Fetch) -> Route:
        async def answer(request: Request) -> Response:
            return await _answer(runtime, request, back, fetch)

        return Route(path, answer, methods=["GET"])

    return [
        route(f"{EXPORT_PATH}.ndjson", AUDIT_PATH, lambda request, api: _export(request, api, "ndjson")),
        route(f"{EXPORT_PATH}.csv", AUDIT_PATH, lambda request, api: _export(request, api, "csv")),
        route(CHECKPOINTS_PATH, AUDIT_PATH, _checkpoints),
        route(ACCOUNT_PATH, YOU_PATH, lambda _request, api: (_dated("account", "json"), api.account.export())),
        route(f"{RECEIPTS_PATH}/{{receipt_id}}.json", SETTINGS_PATH, _receipt),
    ]


async def _answer(runtime: Runtime, request: Request, back: str, fetch: Fetch) -> Response:
    api = _api(runtime, request)
    # An export goes on record: no other site shall have a visitor make one.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _go(back)
    if api is None:
        return _go(f"{SIGN_IN_PATH}?{urlencode({'next': back})}")
    try:
        name, content = fetch(request, api)
        # Until the first piece is there, the answer can still be a page that says why there is none.
        first = await anext(content, b"")
    except _NotAsked:
        return _go(back)
    except ClientError as error:
        if isinstance(error, ApiError) and error.problem.status == 401:
            return _go(f"{SIGN_IN_PATH}?{urlencode({'reason': 'expired', 'next': back})}")
        return _go(f"{back}?{urlencode({'told': runtime.refusals.keep(error)})}")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_all(first, content), media_type=_MEDIA[name.rpartition(".")[2]], headers=headers)


def _api(runtime: Runtime, request: Request) -> ApiClient | None:
    """The API on behalf of the browser's session, ``None`` if nobody is signed in."""
    address = request.client.host if request.client else ""
    if runtime.settings.clerk_publishable_key:
        token = request.cookies.get(CLERK_COOKIE, "")
        return runtime.api_from(address).with_token(token) if 0 < len(token) <= MAX_TOKEN_CHARS else None
    session = runtime.session_of(request.headers.get("cookie", ""))
    return runtime.api_for(session, address) if session else None


async def _all(first: bytes, content: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(content):
        yield first
        async for piece in content:
            yield piece


def _export(request: Request, api: ApiClient, form: Literal["ndjson", "csv"]) -> File:
    try:
        wanted = msgspec.convert(dict(request.query_params), AuditFilter, strict=False)
    except msgspec.ValidationError as error:
        raise _NotAsked from error
    return _dated("audit", form), _company(request, api).audit.export(wanted, form)


def _checkpoints(request: Request, api: ApiClient) -> File:
    audit = _company(request, api).audit

    async def content() -> AsyncGenerator[bytes, None]:
        page = await audit.checkpoints(limit=PAGE_ROWS)
        keys = msgspec.json.encode((await audit.keys()).items)
        # The form of the API's own answer, so that `ocsuite audit verify --checkpoint` reads it.
        yield b'{"items":[' + b",".join(map(msgspec.json.encode, page.items))
        while page.next_cursor is not None:
            page = await audit.checkpoints(cursor=page.next_cursor, limit=PAGE_ROWS)
            yield b"".join(b"," + msgspec.json.encode(item) for item in page.items)
        yield b'],"next_cursor":null,"keys":' + keys + b"}\n"

    return _dated("audit-checkpoints", "json"), content()


def _receipt(request: Request, api: ApiClient) -> File:
    wanted = _uuid(request.path_params["receipt_id"])

    async def content() -> AsyncGenerator[bytes, None]:
        yield msgspec.json.format(msgspec.json.encode(await _found(api, wanted)), indent=2) + b"\n"

    return f"erasure-receipt-{wanted}.json", content()


async def _found(api: ApiClient, receipt_id: UUID) -> ErasureReceipt:
    cursor: str | None = None
    while True:
        page = await api.erasure_receipts(cursor=cursor, limit=PAGE_ROWS)
        for receipt in page.items:
            if receipt.id == receipt_id:
                return receipt
        if page.next_cursor is None:
            raise _NotAsked
        cursor = page.next_cursor


def _company(request: Request, api: ApiClient) -> TenantClient:
    return api.for_tenant(_uuid(request.query_params.get("company", "")))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _NotAsked from None


def _dated(name: str, form: str) -> str:
    return f"{name}-{datetime.now(UTC):%Y-%m-%d}.{form}"


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
