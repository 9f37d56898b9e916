"""The two addresses that set and clear the session cookie on the web app's own origin."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from frontend.runtime import SESSION_COOKIE, Runtime

ADOPT_PATH: Final = "/session/adopt"
END_PATH: Final = "/session/end"
SIGN_IN_PATH: Final = "/sign-in"


def relative_path(path: str) -> str:
    """``path`` if it stays on this site, else the start page."""
    stays = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if stays else "/"


def session_routes(runtime: Runtime) -> list[Route]:
    """``/session/adopt`` and ``/session/end``; both do nothing without a ticket of this process."""

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

    return [Route(ADOPT_PATH, adopt, methods=["GET"]), Route(END_PATH, end, methods=["GET"])]


def _from_here(request: Request) -> bool:
    # A foreign page must not sign a visitor in or out, even with a ticket of its own making.
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
