"""API keys as bearer tokens.

A key reads ``ocs_<prefix>_<secret>``: eight letters and digits to recognise it by, then 43 characters of base64url for
256 random bits. The database has its SHA-256 alone.
"""

import secrets
import string
from typing import Final, NamedTuple

from sqlalchemy import text

from backend.kernel.auth import ApiKeyRef, Authenticator, Principal, invalid_token
from backend.kernel.db import Database
from backend.kernel.tenancy import ANONYMOUS
from crypto import hash_token, new_token

MARK: Final = "ocs_"
_PREFIX_CHARS: Final = string.ascii_lowercase + string.digits
_USE: Final = text("SELECT * FROM util.use_api_key(:hash)")


class NewKey(NamedTuple):
    """A key that was just drawn."""

    prefix: str
    secret: str
    token_hash: bytes

    def __repr__(self) -> str:
        return f"NewKey({self.prefix!r})"


def draw_key() -> NewKey:
    """A new random key."""
    prefix = MARK + "".join(secrets.choice(_PREFIX_CHARS) for _ in range(8))
    secret = f"{prefix}_{new_token()}"
    return NewKey(prefix, secret, hash_token(secret))


class KeyOrSession:
    """The authenticator of API keys; any other token goes to ``sessions``.

    Keys are asked about at every request, so that one that was revoked is refused at once.
    """

    def __init__(self, db: Database, sessions: Authenticator) -> None:
        self._db = db
        self._sessions = sessions

    async def authenticate(self, token: str) -> Principal:
        """The maker of a live key, or the person of a session's token; see :class:`Authenticator`."""
        if not token.startswith(MARK):
            return await self._sessions.authenticate(token)
        async with self._db.transaction(ANONYMOUS) as session:
            found = (await session.execute(_USE, {"hash": hash_token(token)})).one_or_none()
        if found is None:
            raise invalid_token("The API key is unknown, was revoked or has expired")
        key = ApiKeyRef(found.id, found.tenant_id)
        return Principal(found.user_id, None, found.expires_at, api_key=key)
