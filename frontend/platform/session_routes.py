"""The addresses that set and clear cookies on the web app's own origin: the session, and an invitation's secret."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from frontend.platform.runtime import SESSION_COOKIE, Runtime

ADOPT_PATH: Final = "/session/adopt"
END_PATH: Final = "/session/end"
SIGN_IN_PATH: Final = "/sign-in"
#: What invitations' links lead to, the page that shows them, and where the page goes once it was accepted.
INVITE_PATH: Final = "/invite"
INVITATION_PATH: Final = "/invitation"
INVITE_END_PATH: Final = "/invite/end"
INVITATION_COOKIE: Final = "ocsuite_invitation"
INVITATION_SECONDS: Final = 3600
#: The longest path that is come back to.
MAX_PATH: Final = 2048
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,128}")


def relative_path(path: str) -> str:
    """``path`` if it stays on this site and is no longer than one of ours, else the start page."""
    stays = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if stays and len(path) <= MAX_PATH else "/"


def session_routes(runtime: Runtime) -> list[Route]:
    """``/session/adopt`` and ``/session/end``, which do nothing without a ticket of this process, and those below."""

    async def adopt(request: Request) -> Response:
        ticket = runtime.tickets.redeem(request.query_params.get("ticket", "")) if _from_here(request) else None
        if ticket is None or ticket.cookie is None:
            return _go(f"{SIGN_IN_PATH}?reason=expired")
        response = _go(relative_path(ticket.next_path))
        response.set_cookie(
            SESSION_COOKIE,
            ticket.cookie.value,
            max_age=ticket.cookie.max_age,
            httponly=True,
            samesite="lax",
            secure=not runtime.settings.is_local,
        )
        return response

    async def end(request: Request) -> Response:
        ticket = runtime.tickets.redeem(request.query_params.get("ticket", "")) if _from_here(request) else None
        if ticket is None:
            return _go("/")
        response = _go(relative_path(ticket.next_path))
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=not runtime.settings.is_local)
        return response

    return [
        Route(ADOPT_PATH, adopt, methods=["GET"]),
        Route(END_PATH, end, methods=["GET"]),
        *_invitation_routes(runtime),
    ]


def _invitation_routes(runtime: Runtime) -> list[Route]:
    """``/invite`` and ``/invite/end``: an invitation's secret leaves the address for a cookie, and later the cookie."""
    secure = not runtime.settings.is_local

    def forget(response: Response) -> Response:
        response.delete_cookie(INVITATION_COOKIE, httponly=True, samesite="lax", secure=secure)
        return response

    async def invite(request: Request) -> Response:
        token = request.query_params.get("token", "")
        response = _go(INVITATION_PATH)
        if not _TOKEN.fullmatch(token):
            return forget(response)
        response.set_cookie(
            INVITATION_COOKIE, token, max_age=INVITATION_SECONDS, httponly=True, samesite="lax", secure=secure
        )
        return response

    async def end(request: Request) -> Response:
        response = _go("/dashboard")
        return forget(response) if _from_here(request) else response

    return [Route(INVITE_PATH, invite, methods=["GET"]), Route(INVITE_END_PATH, end, methods=["GET"])]


def _from_here(request: Request) -> bool:
    # A foreign page must not sign a visitor in or out, even with a ticket of its own making.
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
