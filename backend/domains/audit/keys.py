"""The Ed25519 key of checkpoints: made by ``migrate``, kept sealed in the database, opened by who seals or verifies.

Public keys that count are derived from opened private halves: the owner of the database can overwrite the column
``public_key``, but cannot seal a private key of their own without the master key.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from backend.domains.audit.chain import SealSigner
from backend.domains.audit.models import AuditKeyRow
from backend.kernel.db.orm import new_id
from backend.kernel.observe.logging import Complaints
from crypto import Binding, DecryptionError, Keyring, SealingKey, VerifyKey
from module_sdk.api.audit import AuditKey

_complaints = Complaints("ocsuite.audit")


class NoSigningKey(Exception):
    """No key in use opens: ``ocsuite migrate`` makes one where there is none."""


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """The keys that opened: ``public`` by id, the oldest first, and the one to sign with, ``None`` if it is missing."""

    public: Mapping[str, VerifyKey]
    newest: SealSigner | None

    @property
    def signer(self) -> SealSigner:
        """The key in use; raises ``NoSigningKey``."""
        if self.newest is None:
            raise NoSigningKey
        return self.newest

    @property
    def published(self) -> list[AuditKey]:
        """The public keys as they are handed out, the oldest first."""
        return [AuditKey(id=key_id, algorithm="Ed25519", public_key=key.base64) for key_id, key in self.public.items()]


def _binding(key_id: str) -> Binding:
    return Binding(None, AuditKeyRow.__tablename__, "sealed_private", key_id)


async def ensure_audit_key(owner_connection: AsyncConnection, keyring: Keyring) -> None:
    """Make the key unless one is in use, or there is no table yet. In ``migrate``'s transaction, as the owner role."""
    if await owner_connection.scalar(text("SELECT to_regclass('public.audit_keys') IS NULL")):
        return
    in_use = select(func.count()).select_from(AuditKeyRow).where(AuditKeyRow.retired_at.is_(None))
    if not await owner_connection.scalar(in_use):
        key, key_id = SealingKey.generate(), f"aud_{new_id().hex}"
        row = {
            "id": key_id,
            "sealed_private": key.sealed(keyring, _binding(key_id)),
            "public_key": bytes(key.public),
        }
        await owner_connection.execute(insert(AuditKeyRow).values(**row))


async def reseal_audit_keys(owner_connection: AsyncConnection, keyring: Keyring) -> int:
    """Seal every key under the first master key; returns how many were under another. A rerun is harmless."""
    rows = await owner_connection.execute(select(AuditKeyRow.id, AuditKeyRow.sealed_private))
    stale = [(key_id, sealed) for key_id, sealed in rows if keyring.needs_reseal(sealed)]
    for key_id, sealed in stale:
        resealed = keyring.reseal_system(sealed, _binding(key_id))
        change = update(AuditKeyRow).where(AuditKeyRow.id == key_id).values(sealed_private=resealed)
        await owner_connection.execute(change)
    return len(stale)


async def open_keys(session: AsyncSession | AsyncConnection, keyring: Keyring) -> OpenedKeys:
    """Every key that one of the master keys opens, in any context; the others are logged and do not count."""
    public: dict[str, VerifyKey] = {}
    newest: SealSigner | None = None
    rows = await session.execute(
        select(AuditKeyRow.id, AuditKeyRow.sealed_private, AuditKeyRow.public_key, AuditKeyRow.retired_at).order_by(
            AuditKeyRow.id
        )
    )
    for row in rows:
        try:
            key = SealingKey.open(keyring, row.sealed_private, _binding(row.id))
        except (DecryptionError, ValueError):
            _complaints.tell(row.id, "audit_key_does_not_open", key_id=row.id)
            continue
        public[row.id] = key.public
        if bytes(key.public) != row.public_key:
            stored = b64encode(row.public_key or b"").decode()
            _complaints.tell(row.id, "audit_key_replaced", key_id=row.id, stored=stored)
        else:
            _complaints.settled(row.id)
        if row.retired_at is None:
            newest = SealSigner(row.id, key)
    return OpenedKeys(public, newest)
