"""The session cookie, read from a reply so that a server-side caller can hand it on to the browser."""

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

import msgspec


class SessionCookie(msgspec.Struct, frozen=True, kw_only=True):
    """The cookie that renews access tokens. ``header`` is the whole ``Set-Cookie`` value as the API sent it.

    ``max_age`` is in seconds, 0 for a cookie that is being removed, ``None`` where the browser's session bounds it.
    The value is a secret: it is left out of ``repr``.
    """

    name: str
    value: str
    max_age: int | None
    header: str

    @property
    def pair(self) -> str:
        """``name=value``, what ``refresh`` and ``sign_out`` take."""
        return f"{self.name}={self.value}"

    def __repr__(self) -> str:
        return f"SessionCookie(name={self.name!r}, max_age={self.max_age!r})"


def session_cookie(set_cookie_headers: Iterable[str]) -> SessionCookie | None:
    """The first HttpOnly cookie among ``Set-Cookie`` values, ``None`` without one."""
    for header in set_cookie_headers:
        jar = SimpleCookie()
        try:
            jar.load(header)
        except CookieError:
            continue
        for name, morsel in jar.items():
            if morsel["httponly"]:
                age = morsel["max-age"]
                return SessionCookie(
                    name=name,
                    value=morsel.coded_value,
                    max_age=int(age) if age.isascii() and age.isdigit() else None,
                    header=header,
                )
    return None
