"""The session cookie, and the check that no other site makes a browser use it."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler

from backend.kernel.errors import Forbidden

NAME: Final = "ocsuite_session"
COOKIE_SECONDS: Final = 400 * 86_400
"""As long as browsers keep any cookie. When a session ends is for the server to say: after 30 days without use."""


class SessionCookies:
    """Makes the cookie. ``secure`` keeps it off plain HTTP: everywhere but on a developer's machine."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    def carrying(self, token: str) -> Cookie:
        """The cookie of a session that was opened or extended."""
        return self._cookie(token, COOKIE_SECONDS)

    def removed(self) -> Cookie:
        """Tells the browser to forget the cookie."""
        return self._cookie("", 0)

    def _cookie(self, value: str, max_age: int) -> Cookie:
        return Cookie(NAME, path="/", value=value, max_age=max_age, httponly=True, secure=self._secure, samesite="lax")


class Origins:
    """A guard: a browser names the page that sends a request, and only the web app's may use these operations.

    Programs send no ``Origin``; a browser that sends none does not attach the cookie across sites either (SameSite).
    """

    def __init__(self, allowed: frozenset[str], fallback: str) -> None:
        self._allowed = allowed
        self._fallback = fallback

    def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Raise ``Forbidden`` for a foreign origin."""
        if any(origin not in self._allowed for origin in connection.headers.getall("origin", [])):
            raise Forbidden("This page may not sign people in or out")

    def party(self, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
        """Who gets the access token: the origin, or the API itself for programs."""
        return connection.headers.get("origin") or self._fallback
