"""The edge of the web server: direct answers for page addresses, caching, and headers that browsers enforce."""

import base64
import hashlib
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE: Final = re.compile(rb"<script(?:\s[^>]*)?>(.*?)</script>", re.DOTALL)
_FOREVER: Final = "public, max-age=31536000, immutable"
_A_DAY: Final = "public, max-age=86400"
#: Where Clerk's bot check comes from.
_CHALLENGES: Final = "https://challenges.cloudflare.com"


def script_hashes(page: bytes) -> list[str]:
    """The CSP sources of the inline scripts in a built page: React Router's state and Reflex's theme."""
    scripts = {script for script in _INLINE.findall(page) if script}
    return sorted(f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in scripts)


def content_security_policy(page: bytes, *, clerk_host: str, tls: bool) -> str:
    """The policy of a built page. Scripts are those that were built; nothing is evaluated from strings.

    Clerk's own script and its API come from ``clerk_host``, ``""`` where Clerk is not used.
    """
    clerk = bool(clerk_host)
    extra = f" https://{clerk_host} {_CHALLENGES}" if clerk else ""
    directives = {
        "default-src": "'none'",
        "script-src": f"'self' {' '.join(script_hashes(page))}{extra}",
        # React writes widths and positions as style attributes, Emotion its rules as style elements.
        "style-src": "'self' 'unsafe-inline'",
        "font-src": "'self'",
        "img-src": f"'self' data:{' https://img.clerk.com' if clerk else ''}",
        "connect-src": f"'self'{extra}",
        "frame-src": _CHALLENGES if clerk else "'none'",
        "worker-src": "'self' blob:" if clerk else "'none'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    policy = "; ".join(f"{name} {value}" for name, value in directives.items())
    return f"{policy}; upgrade-insecure-requests" if tls else policy


class Edge:
    """Wraps the whole app."""

    def __init__(self, app: ASGIApp, *, static_dir: Path, clerk_host: str, tls: bool) -> None:
        self._app = app
        policies = {
            f"/{page.parent.relative_to(static_dir).as_posix()}".removesuffix("."): content_security_policy(
                page.read_bytes(), clerk_host=clerk_host, tls=tls
            )
            for page in static_dir.rglob("index.html")
        }
        # What is served for every address that is no page.
        fallback = static_dir / "404.html"
        self._other = content_security_policy(
            fallback.read_bytes() if fallback.is_file() else b"", clerk_host=clerk_host, tls=tls
        )
        self._policies = policies
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            # Clerk opens other identity providers in windows of their own.
            "Cross-Origin-Opener-Policy": "same-origin-allow-popups" if clerk_host else "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }
        if tls:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        # The static files would redirect to the folder first, a round trip on every page load.
        inner = self._moved(scope, f"{path}/") if path != "/" and path in self._policies else scope

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=_headers_of(message))
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", self._policies.get(path, self._other))
                if caching := _caching(path, message["status"]):
                    headers.setdefault("Cache-Control", caching)
            await send(message)

        await self._app(inner, receive, send_with_headers)

    @staticmethod
    def _moved(scope: Scope, path: str) -> Scope:
        return {**scope, "path": path, "raw_path": path.encode()}


def _headers_of(message: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    message.setdefault("headers", [])
    return message


def _caching(path: str, status: int) -> str:
    if status != 200:
        return ""
    if path.startswith("/assets/"):
        # Named by their content.
        return _FOREVER
    if path.startswith("/fonts/"):
        return _A_DAY
    return "no-cache"
