"""Walking over a tenant's whole chain as it is stored, now or once a day."""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog

from backend.domains.audit.diagnosis import Row
from backend.domains.audit.keys import OpenedKeys, open_keys
from backend.domains.audit.pages import ChainPages
from backend.domains.audit.repository import AuditRepository, SealedEntry
from backend.domains.audit.verifying import ChainVerifier, Verdict, content_of
from backend.domains.audit.witness import Witness
from backend.kernel.db import Database
from backend.kernel.tenancy import ANONYMOUS, TenantContext
from crypto import Keyring
from module_sdk.wire.audit import AuditCheckpoint, AuditVerification

VERIFY_AFTER: Final = timedelta(days=1)
TENANTS_AT_ONCE: Final = 100
log = structlog.stdlib.get_logger("ocsuite.audit")

Progress = Callable[[int], object]
"""Told how many entries were looked at so far."""


class Verifications:
    """Walks over chains and keeps what they came to."""

    def __init__(self, db: Database, keyring: Keyring, witness: Witness) -> None:
        self._db = db
        self._keyring = keyring
        self._witness = witness
        self._running: dict[UUID, asyncio.Task[AuditVerification]] = {}

    async def keys(self) -> OpenedKeys:
        """The trusted keys."""
        async with self._db.transaction(ANONYMOUS) as session:
            return await open_keys(session, self._keyring)

    async def walk(
        self,
        tenant_id: UUID,
        keys: OpenedKeys,
        saved: Collection[AuditCheckpoint] = (),
        progress: Progress = lambda _: None,
    ) -> Verdict:
        """Verify a tenant's chain against the witness and ``saved`` checkpoints; stores nothing."""
        # Asked before the chain's end: a checkpoint is in the database before it is here.
        seen = await self._witness.seen(tenant_id)
        verifier = ChainVerifier(tenant_id, keys.public, saved=[*saved, *([seen] if seen else [])])
        pages, looked_at = await ChainPages.begin(self._db, tenant_id), 0
        async for page in pages.sealed():
            await asyncio.to_thread(_feed, verifier, page)
            looked_at += len(page)
            progress(looked_at)
        async for unsealed in pages.unsealed():
            for entry, waiting in unsealed:
                verifier.feed_unsealed(entry.id, waiting=waiting)
            looked_at += len(unsealed)
            progress(looked_at)
        return await asyncio.to_thread(verifier.finish)

    async def verify_now(self, tenant_id: UUID) -> AuditVerification:
        """Walk and keep the result; whoever asks while a walk is under way gets the result of that one."""
        running = self._running.get(tenant_id)
        if running is None:
            running = asyncio.create_task(self._verify(tenant_id), name="audit-verification")
            self._running[tenant_id] = running
            running.add_done_callback(lambda _: self._running.pop(tenant_id))
        return await asyncio.shield(running)

    async def verify_due(self) -> int:
        """Walk over the chains that were not looked at for a day; how many. Raises what the database raises."""
        async with self._db.transaction(ANONYMOUS) as session:
            due = await AuditRepository(session).tenants_to_verify(datetime.now(UTC) - VERIFY_AFTER, TENANTS_AT_ONCE)
        for tenant_id in due:
            await self.verify_now(tenant_id)
        return len(due)

    async def _verify(self, tenant_id: UUID) -> AuditVerification:
        verified_at = datetime.now(UTC)
        verdict = await self.walk(tenant_id, await self.keys())
        fault = verdict.fault
        if fault is not None:
            found = {"kind": fault.kind, "seq": fault.seq, "entry_id": str(fault.entry_id), "detail": fault.detail}
            log.error("audit_chain_broken", tenant_id=str(tenant_id), **found)
        values = {
            "verified_at": verified_at,
            "entries": verdict.entries,
            "sealed_seq": verdict.sealed_seq,
            "waiting": verdict.waiting,
            "fault": msgspec.to_builtins(fault),
        }
        async with self._db.transaction(TenantContext(tenant_id, None)) as session:
            await AuditRepository(session).save_verification(tenant_id, values)
        return AuditVerification(
            verified_at=verified_at,
            entries=verdict.entries,
            sealed_seq=verdict.sealed_seq,
            waiting=verdict.waiting,
            intact=fault is None,
            fault=fault,
        )


def _feed(verifier: ChainVerifier, page: list[SealedEntry]) -> None:
    for entry, seal, _ in page:
        verifier.feed_row(Row(None, None, seal) if entry is None else Row(entry.id, content_of(entry), seal))
