"""The RSA keys of local access tokens: made by ``migrate``, kept sealed in the database, loaded by every process.

A key counts if a master key opens its private half, and its public half is derived from that: the owner of the database
can insert a row or overwrite ``public_jwk``, but cannot seal a private key of their own. The column serves processes of
earlier versions, as long as they still run beside this one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.domains.identity.models import SigningKeyRow
from backend.domains.identity.repository import IdentityRepository
from backend.kernel.db.database import DATABASE_AWAY, Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ANONYMOUS
from backend.kernel.errors import Unavailable
from crypto import Binding, DecryptionError, Keyring

KEY_BITS: Final = 2048
RELOAD_SECONDS: Final = 60.0
"""Age at which a process looks again, so that it stops signing with a retired key."""
UNKNOWN_SECONDS: Final = 0.25
"""Shortest time between two looks for ids that nobody knows."""
RETIRED_FOR: Final = timedelta(minutes=5)
"""How long a retired key still verifies: its last tokens, and those of a process that has not looked again yet."""


def _binding(key_id: str) -> Binding:
    return Binding(None, SigningKeyRow.__tablename__, "sealed_private", key_id)


async def ensure_signing_key(owner_connection: AsyncConnection, keyring: Keyring) -> None:
    """Make the first signing key unless one is in use. Run in ``migrate``'s transaction, as the owner role."""
    in_use = select(func.count()).select_from(SigningKeyRow).where(SigningKeyRow.retired_at.is_(None))
    if not await owner_connection.scalar(in_use):
        await _insert_key(owner_connection, keyring)


async def rotate_signing_key(owner_connection: AsyncConnection, keyring: Keyring) -> str:
    """Retire every key in use and make a new one; returns its id. Tokens that are out stay good."""
    retire = update(SigningKeyRow).where(SigningKeyRow.retired_at.is_(None)).values(retired_at=func.now())
    await owner_connection.execute(retire)
    return await _insert_key(owner_connection, keyring)


async def reseal_signing_keys(owner_connection: AsyncConnection, keyring: Keyring) -> int:
    """Seal every key under the first master key; returns how many were under another. A rerun is harmless."""
    rows = await owner_connection.execute(select(SigningKeyRow.id, SigningKeyRow.sealed_private))
    stale = [(key_id, sealed) for key_id, sealed in rows if keyring.needs_reseal(sealed)]
    for key_id, sealed in stale:
        resealed = keyring.reseal_system(sealed, _binding(key_id))
        change = update(SigningKeyRow).where(SigningKeyRow.id == key_id).values(sealed_private=resealed)
        await owner_connection.execute(change)
    return len(stale)


async def _insert_key(connection: AsyncConnection, keyring: Keyring) -> str:
    private = await asyncio.to_thread(rsa.generate_private_key, public_exponent=65_537, key_size=KEY_BITS)
    key_id = f"ins_{new_id().hex}"
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    sealed = keyring.seal_system(der, _binding(key_id))
    row = {"id": key_id, "sealed_private": sealed, "public_jwk": _public_jwk(key_id, private)}
    await connection.execute(insert(SigningKeyRow).values(**row))
    return key_id


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """A private key and its id."""

    kid: str
    key: rsa.RSAPrivateKey = field(repr=False)


class SigningKeys:
    """The keys as one process knows them. ``monotonic`` returns seconds, ``now`` Unix seconds."""

    def __init__(
        self, database: Database, keyring: Keyring, *, now: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._now = now
        self._monotonic = monotonic
        self._loading = asyncio.Lock()
        self._loaded_at = float("-inf")
        self._opened: dict[tuple[str, bytes], rsa.RSAPrivateKey | None] = {}
        self._public: dict[str, rsa.RSAPublicKey] = {}
        self._signer: TokenSigner | None = None

    async def key(self, kid: str) -> rsa.RSAPublicKey | None:
        """The public key of an id, looking again for one that is not known."""
        await self._look(RELOAD_SECONDS if kid in self._public else UNKNOWN_SECONDS)
        return self._public.get(kid)

    async def signer(self) -> TokenSigner:
        """The newest key in use; raises ``Unavailable`` if there is none."""
        await self._look(RELOAD_SECONDS)
        if self._signer is None:
            _log().error("no_signing_key", remedy="run `ocsuite migrate`")
            raise Unavailable
        return self._signer

    async def load(self) -> None:
        """Read the keys; raises what the database raises."""
        retired_after = datetime.fromtimestamp(self._now(), UTC) - RETIRED_FOR
        async with self._database.transaction(ANONYMOUS) as session:
            rows = await IdentityRepository(session).signing_keys(retired_after)
        self._loaded_at = self._monotonic()
        self._opened = {(row.id, row.sealed_private): await self._private(row) for row in rows}
        opened = [(row, key) for row, key in zip(rows, self._opened.values(), strict=True) if key is not None]
        self._public = {row.id: key.public_key() for row, key in opened}
        self._signer = next((TokenSigner(row.id, key) for row, key in opened if row.retired_at is None), None)

    async def _look(self, seconds: float) -> None:
        """Load again if the last time was at least ``seconds`` ago; the keys at hand serve while that fails."""
        if self._monotonic() - self._loaded_at < seconds:
            return
        async with self._loading:
            if self._monotonic() - self._loaded_at < seconds:
                return
            try:
                await self.load()
            except DATABASE_AWAY as error:
                if not self._public:
                    raise
                self._loaded_at = self._monotonic()
                _log().warning("signing_keys_unavailable", error=type(error).__name__)

    async def _private(self, row: SigningKeyRow) -> rsa.RSAPrivateKey | None:
        """The private half, ``None`` if it is not ours; each sealed text is opened once, and told of once."""
        place = row.id, row.sealed_private
        if place not in self._opened:
            # Checking the numbers of a key takes some 30 ms, during which answers are being streamed.
            return await asyncio.to_thread(self._open, row)
        return self._opened[place]

    def _open(self, row: SigningKeyRow) -> rsa.RSAPrivateKey | None:
        try:
            key = load_der_private_key(self._keyring.open_system(row.sealed_private, _binding(row.id)), password=None)
        except (DecryptionError, ValueError):
            _log().error("signing_key_does_not_open", key_id=row.id)
            return None
        assert isinstance(key, rsa.RSAPrivateKey)
        if row.public_jwk != _public_jwk(row.id, key):
            _log().error("signing_key_replaced", key_id=row.id)
        return key


def _public_jwk(key_id: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    jwk = {"use": "sig", "alg": "RS256", "kid": key_id, **RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)}
    jwk.pop("key_ops", None)
    return jwk


def _log() -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger("ocsuite.identity")
