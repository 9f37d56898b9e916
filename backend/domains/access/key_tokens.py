"""API keys as bearer tokens.

A key reads ``ocs_<prefix>_<secret><mac>``: eight letters and digits to recognise it by, 43 characters of base64url for
256 random bits, and 16 more with which this installation knows its own keys again. Keys of before have no MAC. The
database has the SHA-256 of the whole alone.

The database is asked about a key at every request, so that one that was revoked is refused at once. What strangers
send costs it little: see :class:`KeyOrSession`.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import string
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from cachetools import LRUCache, TTLCache
from sqlalchemy import Row, text

from backend.kernel.auth.authentication import ApiKeyRef, Authenticator, Principal, invalid_token
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS
from backend.kernel.errors import Unavailable
from crypto import Keyring, hash_token, new_token

MARK: Final = "ocs_"
_PREFIX_CHARS: Final = string.ascii_lowercase + string.digits
_MAC_CHARS: Final = 16
_FORM: Final = re.compile(r"ocs_[a-z0-9]{8}_[A-Za-z0-9_-]{43}([A-Za-z0-9_-]{16})?")
_USE: Final = text("SELECT * FROM util.use_api_key(:hash)")

STRANGERS_AT_ONCE: Final = 2
"""Connections that tokens of strangers take up at most, of all that the process has."""
STRANGERS_WAITING: Final = 64
REFUSED_SECONDS: Final = 60.0
_REMEMBERED: Final = 10_000


class NewKey(NamedTuple):
    """A key that was just drawn."""

    prefix: str
    secret: str
    token_hash: bytes

    def __repr__(self) -> str:
        return f"NewKey({self.prefix!r})"


class KeyMaker:
    """Draws keys, and knows its own again as long as the master key lives under which they were drawn."""

    def __init__(self, keyring: Keyring) -> None:
        self._macs = [
            hmac.new(keyring.derive("ocsuite/api-key/v1", key_id), digestmod=hashlib.sha256)
            for key_id in keyring.key_ids
        ]

    def draw(self) -> NewKey:
        """A new random key."""
        prefix = MARK + "".join(secrets.choice(_PREFIX_CHARS) for _ in range(8))
        drawn = f"{prefix}_{new_token()}"
        secret = drawn + _mac(self._macs[0], drawn)
        return NewKey(prefix, secret, hash_token(secret))

    def made(self, token: str) -> bool:
        """Whether this installation made the key. ``False`` says little: it may be of before."""
        drawn, mac = token[:-_MAC_CHARS], token[-_MAC_CHARS:]
        return any(hmac.compare_digest(_mac(one, drawn), mac) for one in self._macs)


def _mac(keyed: hmac.HMAC, drawn: str) -> str:
    mac = keyed.copy()
    mac.update(drawn.encode())
    return base64.urlsafe_b64encode(mac.digest()[:12]).decode()


class KeyOrSession:
    """The authenticator of API keys; any other token goes to ``sessions``.

    A token that no key looks like is refused at sight, and one that was refused a minute ago without asking again.
    Keys that carry this installation's MAC, or were good once, are asked about freely. All others are of strangers:
    they share ``STRANGERS_AT_ONCE`` connections and, where :meth:`is_free` is asked before, are counted by address.
    """

    def __init__(
        self,
        db: Database,
        sessions: Authenticator,
        maker: KeyMaker,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._maker = maker
        self._good: LRUCache[bytes, None] = LRUCache(_REMEMBERED)
        self._refused: TTLCache[bytes, None] = TTLCache(_REMEMBERED, REFUSED_SECONDS, monotonic)
        self._turns = asyncio.Semaphore(STRANGERS_AT_ONCE)
        self._room = STRANGERS_AT_ONCE + STRANGERS_WAITING

    def is_free(self, token: str) -> bool:
        """Whether the token costs the database nothing, or is one that may."""
        return not token.startswith(MARK) or self._is_hopeless(token) or self._is_own(token)

    async def authenticate(self, token: str) -> Principal:
        """The maker of a live key, or the person of a session's token; see :class:`Authenticator`."""
        if not token.startswith(MARK):
            return await self._sessions.authenticate(token)
        found = None if self._is_hopeless(token) else await self._look_up(token)
        if found is None:
            raise invalid_token("The API key is unknown, was revoked or has expired")
        key = ApiKeyRef(found.id, found.tenant_id)
        return Principal(found.user_id, None, found.expires_at, api_key=key)

    def _is_hopeless(self, token: str) -> bool:
        return not _FORM.fullmatch(token) or hash_token(token) in self._refused

    def _is_own(self, token: str) -> bool:
        return self._maker.made(token) or hash_token(token) in self._good

    async def _look_up(self, token: str) -> Row[tuple[object, ...]] | None:
        hashed = hash_token(token)
        if self._is_own(token):
            found = await self._use(hashed)
        else:
            found = await self._use_in_turn(hashed)
        if found is None:
            self._good.pop(hashed, None)
            self._refused[hashed] = None
        else:
            self._good[hashed] = None
        return found

    async def _use_in_turn(self, hashed: bytes) -> Row[tuple[object, ...]] | None:
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        try:
            async with self._turns:
                return await self._use(hashed)
        finally:
            self._room += 1

    async def _use(self, hashed: bytes) -> Row[tuple[object, ...]] | None:
        async with self._db.transaction(ANONYMOUS) as session:
            return (await session.execute(_USE, {"hash": hashed})).one_or_none()
