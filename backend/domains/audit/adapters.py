"""What the audit log offers to other domains."""

from collections.abc import Sequence
from uuid import UUID

from redis.asyncio import Redis

from backend.domains.audit.keys import NoSigningKey, open_keys
from backend.domains.audit.sealer import Sealer
from backend.domains.audit.witness import Witness
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS
from backend.kernel.errors import Unavailable
from crypto import Keyring


class AuditLogAdapter:
    """Implements the tenants domain's ``AuditLog`` and ``ReceiptSigner``."""

    def __init__(self, db: Database, keyring: Keyring, redis: Redis) -> None:
        self._db = db
        self._keyring = keyring
        self.witness = Witness(redis)
        self.sealer = Sealer(db, keyring, self.witness)

    async def seal_waiting(self) -> int:
        """Seal every entry that waits for it, of whichever tenant; how many."""
        return await self.sealer.seal_waiting()

    async def forget(self, tenant_id: UUID) -> None:
        """Remove what is kept of a tenant's log outside the database; raises what Redis raises."""
        await self.witness.forget(tenant_id)

    async def sign(self, messages: Sequence[bytes]) -> tuple[str, list[bytes]]:
        """The key's id, and of each message an Ed25519 signature, 64 bytes. Raises ``Unavailable``."""
        async with self._db.transaction(ANONYMOUS) as session:
            keys = await open_keys(session, self._keyring)
        try:
            signer = keys.signer
        except NoSigningKey:
            raise Unavailable("The key that signs is missing") from None
        return signer.key_id, [signer.key.sign(message) for message in messages]
