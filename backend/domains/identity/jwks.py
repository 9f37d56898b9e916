"""An identity provider's public keys, fetched in the background and kept while it is away."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidKeyError
from jwt.algorithms import RSAAlgorithm

from backend.domains.identity.tokens import ALGORITHM
from backend.kernel.egress.client import GuardedClient, OutboundError
from backend.kernel.errors import Unavailable

REFRESH_SECONDS: Final = 300.0
"""Age at which the keys are fetched again behind the requests."""
RETRY_SECONDS: Final = 5.0
"""Shortest time between two fetches, whoever asks: unknown key ids cannot turn requests into fetches."""
STALE_SECONDS: Final = 6 * 3600.0
"""How long keys are trusted while the provider is away."""
_KEYS_MAX: Final = 32
_BITS: Final = range(2048, 8193)


class _Document(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class JwksKeys:
    """Public keys of a JWKS document. ``monotonic`` returns seconds."""

    def __init__(self, url: str, client: GuardedClient, *, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._client = client
        self._monotonic = monotonic
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin fetching, so that the first request need not wait for it."""
        self._refresh()

    async def key(self, kid: str) -> RSAPublicKey | None:
        """The key of an id. One that is not known is looked for, by one fetch for all who ask meanwhile.

        Raises ``Unavailable`` if no key is known, since then nobody can be told apart.
        """
        found = self._usable().get(kid)
        if found is not None:
            if self._monotonic() - self._fetched_at > REFRESH_SECONDS:
                self._refresh()
            return found
        running = self._refresh()
        if running is not None:
            await asyncio.shield(running)
        keys = self._usable()
        if not keys:
            raise Unavailable("The sign-in service cannot be reached")
        return keys.get(kid)

    async def close(self) -> None:
        """Stop a fetch that is under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)

    def _usable(self) -> dict[str, RSAPublicKey]:
        return self._keys if self._monotonic() - self._fetched_at <= STALE_SECONDS else {}

    def _refresh(self) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one; ``None`` if the last began a moment ago."""
        if self._fetch is None or self._fetch.done():
            now = self._monotonic()
            if now - self._tried_at < RETRY_SECONDS:
                return None
            self._tried_at = now
            self._fetch = asyncio.create_task(self._load(), name="jwks")
        return self._fetch

    async def _load(self) -> None:
        try:
            reply = await self._client.get(self._url)
            if reply.status != 200:
                raise OutboundError(f"status {reply.status}")
            keys = parse_jwks(reply.body)
            if not keys:
                raise OutboundError("no usable key")
        except (OutboundError, msgspec.DecodeError, UnicodeDecodeError) as error:
            structlog.stdlib.get_logger("ocsuite.identity").warning("jwks_refresh_failed", error=str(error)[:200])
            return
        self._keys, self._fetched_at = keys, self._monotonic()


def parse_jwks(body: bytes) -> dict[str, RSAPublicKey]:
    """The RSA signature keys of a JWKS document by id; others are skipped. Raises ``msgspec.DecodeError``."""
    found: dict[str, RSAPublicKey] = {}
    for jwk in msgspec.json.decode(body, type=_Document).keys[:_KEYS_MAX]:
        kid = jwk.get("kid")
        fits = jwk.get("kty") == "RSA" and jwk.get("use", "sig") == "sig" and jwk.get("alg", ALGORITHM) == ALGORITHM
        if not (fits and isinstance(kid, str) and kid):
            continue
        try:
            key = RSAAlgorithm.from_jwk({name: jwk[name] for name in ("kty", "n", "e")})
        except (InvalidKeyError, KeyError, TypeError, ValueError, AttributeError):
            continue
        if isinstance(key, RSAPublicKey) and key.key_size in _BITS:
            found[kid] = key
    return found
