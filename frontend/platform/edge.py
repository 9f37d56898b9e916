"""The edge of the web server: direct answers for page addresses, caching, and headers that browsers enforce."""

import base64
import hashlib
import re
import secrets
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE: Final = re.compile(rb"<script(?:\s[^>]*)?>(.*?)</script>", re.DOTALL)
_FOREVER: Final = "public, max-age=31536000, immutable"
_A_DAY: Final = "public, max-age=86400"
#: The longest address with its query that any page of ours has.
_MAX_ADDRESS: Final = 4096
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
    """Wraps the whole app.

    Args:
        app: The app.
        static_dir: Where the built pages are.
        clerk_host: Where Clerk's script comes from, ``""`` without Clerk.
        tls: Whether browsers come by HTTPS.
        hosts: Names without port that are answered to, ``None`` for any.
        browser_cookie: The cookie by which a browser is to be told from others, ``""`` for none.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        static_dir: Path,
        clerk_host: str,
        tls: bool,
        hosts: frozenset[str] | None,
        browser_cookie: str = "",
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._cookie = browser_cookie
        self._attributes = f"Path=/; HttpOnly; SameSite=Lax{'; Secure' if tls else ''}"
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
        """Answer one request or socket."""
        if (status := self._refusal(scope)) is not None:
            await _refuse(scope, receive, send, status)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        # The static files would redirect to the folder first, a round trip on every page load.
        inner = self._moved(scope, f"{path}/") if path != "/" and path in self._policies else scope
        nameless = path in self._policies and self._is_nameless(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=_headers_of(message))
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", self._policies.get(path, self._other))
                if caching := _caching(path, message["status"]):
                    headers.setdefault("Cache-Control", caching)
                if nameless:
                    headers.append("Set-Cookie", f"{self._cookie}={secrets.token_urlsafe(32)}; {self._attributes}")
            await send(message)

        await self._app(inner, receive, send_with_headers)

    def _is_nameless(self, scope: Scope) -> bool:
        name = f"{self._cookie}=".encode()
        return bool(self._cookie) and not any(key == b"cookie" and name in value for key, value in scope["headers"])

    def _refusal(self, scope: Scope) -> int | None:
        if scope["type"] not in ("http", "websocket"):
            return None
        named = {_host_name(value) for name, value in scope["headers"] if name == b"host"}
        if self._hosts is not None and not named <= self._hosts:
            return 421
        return 414 if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MAX_ADDRESS else None

    @staticmethod
    def _moved(scope: Scope, path: str) -> Scope:
        return {**scope, "path": path, "raw_path": path.encode()}


def _host_name(host: bytes) -> str:
    """Without its port; an IPv6 address keeps its brackets."""
    text = host.decode("latin-1").lower()
    end = text.find("]")
    return text[: end + 1] if end >= 0 else text.partition(":")[0]


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int) -> None:
    """Answer with a line of text; to a socket before it is one."""
    words = {414: b"This address is too long.\n", 421: b"This server is not the host that was asked for.\n"}[status]
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    kind = "http" if scope["type"] == "http" else "websocket.http"
    if kind != "http":
        await receive()
    await send({"type": f"{kind}.response.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": words})


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
