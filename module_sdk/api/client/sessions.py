"""What signing in and renewing a token give to a server-side caller: the reply and the cookie that came beside it."""

import msgspec

from module_sdk.api.client.cookies import SessionCookie
from module_sdk.api.identity import AccessToken, SignedIn


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session just opened."""

    signed_in: SignedIn
    cookie: SessionCookie


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh access token. ``cookie`` is the successor to store, ``None`` where the old one stays good."""

    token: AccessToken
    cookie: SessionCookie | None
