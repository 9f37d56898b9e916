"""What the links of mails about accounts lead to: their secret leaves the address for a cookie, and later the cookie.

The page that a link opens does nothing by itself: programs that look into mails follow links, people press buttons.
"""

import re
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from frontend.platform.runtime import Runtime
from frontend.platform.session_routes import relative_path

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,128}")
COOKIE_SECONDS: Final = 1800


class Landing(NamedTuple):
    """A link's path, the cookie that takes its secret, the page that uses it, and what clears the cookie."""

    path: str
    cookie: str
    page: str

    @property
    def end(self) -> str:
        """The address that clears the cookie and goes on to ``next``."""
        return f"{self.path}/end"


RESET: Final = Landing("/reset-password", "ocsuite_reset", "/new-password")
CONFIRM: Final = Landing("/confirm-email", "ocsuite_confirm", "/confirm")


def account_routes(runtime: Runtime) -> list[Route]:
    """The routes of both links."""
    return [route for landing in (RESET, CONFIRM) for route in _routes(landing, secure=not runtime.settings.is_local)]


def _routes(landing: Landing, *, secure: bool) -> list[Route]:
    def forget(response: Response) -> Response:
        response.delete_cookie(landing.cookie, httponly=True, samesite="lax", secure=secure)
        return response

    async def take(request: Request) -> Response:
        token = request.query_params.get("token", "")
        response = _go(landing.page)
        if not _TOKEN.fullmatch(token):
            return forget(response)
        response.set_cookie(landing.cookie, token, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure)
        return response

    async def end(request: Request) -> Response:
        response = _go(relative_path(request.query_params.get("next", "/")))
        ours = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        return forget(response) if ours else response

    return [Route(landing.path, take, methods=["GET"]), Route(landing.end, end, methods=["GET"])]


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
