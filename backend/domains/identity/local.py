"""Access tokens of local accounts: issued and accepted by this product, in the shape of Clerk's."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from jwt.api_jws import PyJWS

from backend.domains.identity.signing import SigningKeys
from backend.domains.identity.tokens import ALGORITHM, LEEWAY_SECONDS, TokenVerifier
from backend.kernel.auth.authentication import Principal, invalid_token

LOCAL_ISSUER: Final = "urn:ocsuite:local"
"""Does not depend on host or port, so that accounts outlive a change of either."""
TOKEN_SECONDS: Final = 60
REVOCATION_SECONDS: Final = TOKEN_SECONDS + 2 * LEEWAY_SECONDS
"""Outlives every token of a session that ends now, one issued in the same instant included."""

_JWS: Final = PyJWS(algorithms=[ALGORITHM])
_USER: Final = "user_"
_SESSION: Final = "sess_"


def subject_of(user_id: UUID) -> str:
    """A person's ``sub``."""
    return _USER + user_id.hex


def session_name(session_id: UUID) -> str:
    """A session's ``sid``."""
    return _SESSION + session_id.hex


def session_id_of(name: str) -> UUID | None:
    """The session of a ``sid``, ``None`` for one that is not ours."""
    try:
        return UUID(hex=name.removeprefix(_SESSION))
    except ValueError:
        return None


class LocalTokens:
    """Issues access tokens. ``now`` returns Unix seconds."""

    def __init__(self, keys: SigningKeys, *, now: Callable[[], float]) -> None:
        self._keys = keys
        self._now = now

    async def issue(self, user_id: UUID, session_id: UUID, party: str) -> str:
        """A token of ``TOKEN_SECONDS`` for the origin ``party``."""
        signer = await self._keys.signer()
        now = int(self._now())
        payload = {
            "azp": party, "exp": now + TOKEN_SECONDS, "iat": now, "iss": LOCAL_ISSUER, "nbf": now,
            "sid": session_name(session_id), "sts": "active", "sub": subject_of(user_id), "v": 2,
        }  # fmt: skip
        return _JWS.encode(msgspec.json.encode(payload), signer.key, ALGORITHM, headers={"kid": signer.kid})


class LocalAuthenticator:
    """Accepts the tokens of :class:`LocalTokens`."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def authenticate(self, token: str) -> Principal:
        """The principal of a valid token; see ``backend.kernel.auth.authentication.Authenticator``."""
        claims = await self._verifier.verify(token)
        try:
            user_id = UUID(hex=claims.subject.removeprefix(_USER))
        except ValueError:
            raise invalid_token() from None
        return Principal(user_id, claims.session_id, datetime.fromtimestamp(claims.expires_at, UTC))
