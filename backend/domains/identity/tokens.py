"""Verification of access tokens of Clerk's shape: one algorithm, one issuer, named parties, short lives."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidTokenError
from jwt.api_jws import PyJWS

from backend.kernel.auth.authentication import TOKEN_MAX_CHARS, invalid_token

ALGORITHM: Final = "RS256"
LEEWAY_SECONDS: Final = 5
"""How far the clocks of issuer and verifier may be apart."""

_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_JWS: Final = PyJWS(algorithms=[ALGORITHM])
Visible = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[!-~]+$(?!\n)")]
Moment = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]


class Organisation(msgspec.Struct, frozen=True):
    """The organisation active at Clerk. ``role`` is without Clerk's ``org:`` prefix."""

    id: str
    role: str | None
    slug: str | None


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: Visible
    typ: str = "JWT"
    # A key or an extension that the token brings along is a reason to refuse it, whatever it says.
    crit: Any = None
    b64: Any = None
    jku: Any = None
    jwk: Any = None
    x5u: Any = None
    x5c: Any = None


class _Active(msgspec.Struct, frozen=True):
    id: Visible
    rol: str | None = None
    slg: str | None = None


class _Payload(msgspec.Struct, frozen=True):
    iss: str
    sub: Visible
    sid: Visible
    azp: str
    iat: Moment
    nbf: Moment
    exp: Moment
    sts: str = "active"
    v: int = 1
    o: _Active | None = None
    org_id: Visible | None = None
    org_role: str | None = None
    org_slug: str | None = None
    email: Any = None
    name: Any = None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. ``expires_at`` is in Unix seconds; ``email`` and ``name`` are unchecked text."""

    issuer: str
    subject: str
    session_id: str
    expires_at: float
    organisation: Organisation | None
    email: str | None
    name: str | None


class KeySource(Protocol):
    """Public keys by id."""

    async def key(self, kid: str) -> RSAPublicKey | None:
        """The key, ``None`` if there is none of that id; raises ``Unavailable`` while that cannot be known."""
        ...


class TokenVerifier:
    """Checks signature and claims. ``now`` returns Unix seconds."""

    def __init__(
        self, keys: KeySource, *, issuer: str, authorized_parties: frozenset[str], now: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._parties = authorized_parties
        self._now = now

    async def verify(self, token: str) -> Claims:
        """The claims of a valid token; raises ``Unauthenticated``, or ``Unavailable`` without keys to check it."""
        kid = _key_id(token)
        key = await self._keys.key(kid)
        if key is None:
            raise invalid_token()
        try:
            # Only bytes that the signature covers are looked at from here on.
            signed = _JWS.decode_complete(token, key, algorithms=[ALGORITHM])
            payload = msgspec.json.decode(signed["payload"], type=_Payload)
        except (InvalidTokenError, msgspec.DecodeError, UnicodeDecodeError):
            raise invalid_token() from None
        self._check(payload)
        return Claims(
            issuer=payload.iss,
            subject=payload.sub,
            session_id=payload.sid,
            expires_at=payload.exp,
            organisation=_organisation(payload),
            email=payload.email if isinstance(payload.email, str) else None,
            name=payload.name if isinstance(payload.name, str) else None,
        )

    def _check(self, payload: _Payload) -> None:
        now = self._now()
        if payload.iss != self._issuer or payload.azp not in self._parties:
            raise invalid_token()
        if payload.exp <= now - LEEWAY_SECONDS:
            raise invalid_token("The access token has expired")
        if max(payload.nbf, payload.iat) > now + LEEWAY_SECONDS:
            raise invalid_token("The access token is not valid yet")
        if payload.sts != "active":
            raise invalid_token("The session is not active yet; finish signing in")


def _key_id(token: str) -> str:
    """The key id of a token whose header asks for nothing out of the ordinary."""
    match = _COMPACT.fullmatch(token) if len(token) <= TOKEN_MAX_CHARS else None
    if match is None:
        raise invalid_token()
    try:
        text = base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4))
        header = msgspec.json.decode(text, type=_Header)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        raise invalid_token() from None
    brought = (header.crit, header.b64, header.jku, header.jwk, header.x5u, header.x5c)
    if header.alg != ALGORITHM or header.typ.upper() != "JWT" or any(item is not None for item in brought):
        raise invalid_token()
    return header.kid


def _organisation(payload: _Payload) -> Organisation | None:
    """Version 2 nests the organisation under ``o``; version 1 spreads it over ``org_…``."""
    if payload.v >= 2:
        active = payload.o
        return None if active is None else Organisation(active.id, active.rol, active.slg)
    if payload.org_id is None:
        return None
    role = payload.org_role.removeprefix("org:") if payload.org_role is not None else None
    return Organisation(payload.org_id, role, payload.org_slug)
