"""What the web app reads from the environment; the variables are described in the backend's settings."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: Clerk's React package, pinned like all others by the lock of the page builder.
CLERK_LIBRARY: Final = "@clerk/clerk-react@5.61.11"


class WebSettingsError(ValueError):
    """A variable is wrong; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The web app's settings. None of them is secret: Clerk's publishable key is meant to be seen."""

    env: str
    host: str
    port: int
    api_url: str
    data_dir: Path
    clerk_publishable_key: str
    trusted_proxies: tuple[str, ...]
    #: The origins that the pages have, where they are said.
    origins: tuple[str, ...] = ()

    @property
    def forward_client_address(self) -> bool:
        """Whether to tell the API whom a request came from: it believes that from trusted networks alone."""
        return bool(self.trusted_proxies)

    @property
    def is_local(self) -> bool:
        """Whether this is a developer's machine, served without TLS."""
        return self.env == "local"

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names this server answers to on a developer's machine, as the API does; ``None`` for any.

        A page elsewhere could rebind its own name to this machine. Hosted, names belong to the proxy in front.
        """
        if not self.is_local or self.host not in _LOOPBACK:
            return None
        return _LOOPBACK | {name for origin in self.origins if (name := urlsplit(origin).hostname)}

    @property
    def web_dir(self) -> Path:
        """Where pages are built and served from."""
        return self.data_dir / "web"

    @staticmethod
    def load(environ: Mapping[str, str]) -> "WebSettings":
        """Read the variables; raises :class:`WebSettingsError` for the first that is wrong."""
        api_port = _port(environ, "OCSUITE_API_PORT", 8000)
        return WebSettings(
            env=environ.get("OCSUITE_ENV") or "local",
            host=environ.get("OCSUITE_WEB_HOST") or "127.0.0.1",
            port=_port(environ, "OCSUITE_WEB_PORT", 3000),
            api_url=_url("OCSUITE_API_URL", environ.get("OCSUITE_API_URL") or f"http://127.0.0.1:{api_port}"),
            data_dir=Path(environ.get("OCSUITE_DATA_DIR") or ".ocsuite").resolve(),
            clerk_publishable_key=environ.get("CLERK_PUBLISHABLE_KEY", ""),
            trusted_proxies=_networks(environ, "OCSUITE_TRUSTED_PROXIES"),
            origins=_origins(environ, "OCSUITE_WEB_ORIGINS"),
        )


def clerk_host(publishable_key: str) -> str:
    """The host that Clerk's script comes from, which a publishable key carries. Raises :class:`WebSettingsError`."""
    encoded = publishable_key.rpartition("_")[2]
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("ascii")
    except ValueError:
        decoded = ""
    host = decoded.removesuffix("$")
    if not host or not all(part.replace("-", "").isalnum() for part in host.split(".")):
        raise WebSettingsError("CLERK_PUBLISHABLE_KEY: this is not a publishable key of Clerk")
    return host


def account_portal(publishable_key: str) -> str:
    """The page of Clerk's where people look after their accounts, at its usual address."""
    host = clerk_host(publishable_key)
    home = (
        host.replace(".clerk.", ".", 1)
        if host.endswith(".clerk.accounts.dev")
        else f"accounts.{host.removeprefix('clerk.')}"
    )
    return f"https://{home}/user"


def _networks(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    items = [item.strip() for item in environ.get(name, "").split(",")]
    try:
        return tuple(str(ip_network(item, strict=False)) for item in items if item)
    except ValueError as error:
        raise WebSettingsError(f"{name}: {error}") from None


def _origins(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(_url(name, item) for part in environ.get(name, "").split(",") if (item := part.strip()))


def _url(name: str, text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise WebSettingsError(f"{name}: give an address such as https://app.example.com, with a port up to 65535")
    return text.rstrip("/")


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536):
        raise WebSettingsError(f"{name}: give a port between 1 and 65535")
    return int(text)
