"""A typed asynchronous client of the OCSuite API.

    async with ApiClient("https://api.example.com") as api:
        session = await api.sign_in(SignIn(email="ada@example.com", password="…"))
        mine = await api.with_token(session.signed_in.access_token).tenants()
        acme = api.with_token(session.signed_in.access_token).for_tenant(mine.items[0].id)
        async with aclosing(acme.chat(ChatRequest(message="Where do we stand?"))) as answer:
            async for item in answer:
                ...

Every operation takes and returns the contracts of :mod:`module_sdk.api` and raises :class:`ApiError` when the API
refuses, :class:`ApiUnavailable` when it cannot be reached, :class:`UnexpectedReplyError` when the answer breaks the
contract.
"""

try:
    import httpx as _httpx  # noqa: F401  # imported to tell the reader of a traceback what is missing
except ImportError as error:
    raise ImportError("module_sdk.api.client needs httpx: pip install 'ocsuite-module-sdk[client]'") from error

from module_sdk.api.client.account import ApiClient
from module_sdk.api.client.cookies import SessionCookie
from module_sdk.api.client.errors import ApiError, ApiUnavailable, ClientError, UnexpectedReplyError
from module_sdk.api.client.sessions import Renewal, Session
from module_sdk.api.client.stream import ChatEvent, Reconnecting, StreamItem
from module_sdk.api.client.tenant import TenantClient
from module_sdk.api.client.transport import TokenProvider

__all__ = [
    "ApiClient",
    "ApiError",
    "ApiUnavailable",
    "ChatEvent",
    "ClientError",
    "Reconnecting",
    "Renewal",
    "Session",
    "SessionCookie",
    "StreamItem",
    "TenantClient",
    "TokenProvider",
    "UnexpectedReplyError",
]
