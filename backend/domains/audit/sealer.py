"""Seals what requests appended: in order, in batches, one sealer at a time for each tenant.

A batch is one transaction: its seals are stored and its entries leave the outbox together, so that a sealer killed at
any point loses nothing and seals nothing twice.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from backend.domains.audit.chain import (
    CHECKPOINT_EVERY,
    Entry,
    ForgedHead,
    NotCanonical,
    Seal,
    canonical,
    checkpoint_of,
    seal_batch,
)
from backend.domains.audit.keys import NoSigningKey, OpenedKeys, open_keys
from backend.domains.audit.repository import AuditRepository
from backend.domains.audit.witness import Witness
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS, TenantContext
from crypto import Keyring
from module_sdk.api.audit import AuditCheckpoint

BATCH: Final = CHECKPOINT_EVERY
TENANTS_AT_ONCE: Final = 1000
STUCK_SECONDS: Final = 60.0
"""How long a tenant is left alone whose chain cannot be continued."""
RETRY_SECONDS: Final = 5.0
"""How long one is whose entries could not be read or written, which may be the database's fault."""
log = structlog.stdlib.get_logger("ocsuite.audit")


class Sealer:
    """Seals the entries of every tenant. ``monotonic`` returns seconds."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        witness: Witness,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._witness = witness
        self._monotonic = monotonic
        self._stuck: dict[UUID, float] = {}

    async def seal_waiting(self) -> int:
        """Seal until nothing waits that can be sealed; how many entries were. One tenant's fault holds up no other.

        Raises what the database raises when it is asked for whom entries wait.
        """
        sealed = 0
        while True:
            async with self._db.transaction(ANONYMOUS) as session:
                tenants = await AuditRepository(session).tenants_to_seal(TENANTS_AT_ONCE)
                keys = await open_keys(session, self._keyring) if tenants else None
            if keys is None:
                return sealed
            # A batch of each in turn: a busy tenant does not keep the others waiting.
            done = sum([await self._seal_tenant(tenant_id, keys) for tenant_id in self._tried(tenants)])
            sealed += done
            if not done:
                return sealed

    def _tried(self, tenants: Sequence[UUID]) -> list[UUID]:
        now = self._monotonic()
        self._stuck = {tenant_id: until for tenant_id, until in self._stuck.items() if until > now}
        return [tenant_id for tenant_id in tenants if tenant_id not in self._stuck]

    async def _seal_tenant(self, tenant_id: UUID, keys: OpenedKeys) -> int:
        """Seal a batch; 0 if there is nothing to seal, another sealer is at it, or the chain cannot be continued."""
        try:
            seals = await self._seal_batch(tenant_id, keys)
            if seals:
                await self._announce(checkpoint_of(tenant_id, seals[-1]), keys)
        except (ForgedHead, NoSigningKey) as error:
            self._stuck[tenant_id] = self._monotonic() + STUCK_SECONDS
            reason = str(error) or "no audit key opens"
            log.error("audit_sealing_halted", tenant_id=str(tenant_id), reason=reason)
            return 0
        except Exception:
            # Whatever is wrong with one tenant's rows, the others' entries are to be sealed.
            self._stuck[tenant_id] = self._monotonic() + RETRY_SECONDS
            log.exception("audit_not_sealed", tenant_id=str(tenant_id))
            return 0
        return len(seals)

    async def _seal_batch(self, tenant_id: UUID, keys: OpenedKeys) -> list[Seal]:
        signer, now = keys.signer, datetime.now(UTC)
        async with self._db.transaction(TenantContext(tenant_id, None)) as session:
            repository = AuditRepository(session)
            if not await repository.lock_chain(tenant_id):
                return []
            entries = await repository.pending(tenant_id, BATCH)
            # Signing takes 50 ms for a full batch, during which answers are being streamed elsewhere in the process.
            fit = await asyncio.to_thread(_fit, entries)
            if len(fit) < len(entries):
                self._stuck[tenant_id] = self._monotonic() + STUCK_SECONDS
            if not fit:
                return []
            head = await repository.head()
            seals = await asyncio.to_thread(seal_batch, tenant_id, head, fit, signer=signer, keys=keys.public, now=now)
            await repository.store(tenant_id, seals)
        return seals

    async def _announce(self, checkpoint: AuditCheckpoint, keys: OpenedKeys) -> None:
        """Tell those who keep checkpoints elsewhere: the log, and the witness."""
        fields = {"seq": checkpoint.seq, "hash": checkpoint.hash, "sealed_at": checkpoint.sealed_at.isoformat()}
        signed = {"key_id": checkpoint.key_id, "signature": checkpoint.signature}
        log.info("audit_checkpoint", tenant_id=str(checkpoint.tenant_id), **fields, **signed)

        async def contains(kept: AuditCheckpoint) -> bool:
            async with self._db.transaction(TenantContext(kept.tenant_id, None)) as session:
                seal = await AuditRepository(session).seal_at(kept.seq)
            return seal is not None and seal.hash.hex() == kept.hash

        await self._witness.advance(checkpoint, keys.public, contains)


def _fit(entries: Iterable[Entry]) -> list[Entry]:
    """Those that can be sealed. ``kernel.audit.record`` stores no others, but the database's owner may."""
    fit = []
    for entry in entries:
        try:
            canonical(entry)
        except NotCanonical as error:
            log.error("audit_entry_unsealable", entry_id=str(entry.id), reason=str(error))
        else:
            fit.append(entry)
    return fit
