"""Walking over a tenant's whole chain as it is stored, now or once a day.

What a walk came to is kept with a signature: the owner of the database can neither have a log pass for verified nor
have it left out by a date of their own. What is not signed, or of a time to come, counts as never verified.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from backend.domains.audit.chain_verifier import ChainVerifier, Verdict, content_of
from backend.domains.audit.diagnosis import Row
from backend.domains.audit.keys import OpenedKeys, open_keys
from backend.domains.audit.pages import ChainPages
from backend.domains.audit.repository import AuditRepository, SealedEntry
from backend.domains.audit.witness import Witness
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS, TenantContext
from crypto import Keyring
from module_sdk.api.audit import AuditCheckpoint, AuditFault, AuditVerification

VERIFY_AFTER: Final = timedelta(days=1)
TENANTS_AT_ONCE: Final = 1000
NEVER: Final = AuditVerification(verified_at=None, entries=0, sealed_seq=0, waiting=0, intact=False, fault=None)
_STATEMENT: Final = b"ocsuite.audit.verification/1\n"
_encoder: Final = msgspec.json.Encoder(order="deterministic")
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
        seen = await self._witness.seen(tenant_id, keys.public)
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
        """Walk over the chains that were not looked at for a day; how many. One that cannot be holds up no other.

        Raises what the database raises when it is asked whose chains there are.
        """
        verified = 0
        async for tenant_id in self._tenants():
            try:
                if await self._is_due(tenant_id):
                    await self.verify_now(tenant_id)
                    verified += 1
            except Exception:
                # Whatever is wrong with one company's log or row, the others' are to be verified.
                log.exception("audit_not_verified", tenant_id=str(tenant_id))
        return verified

    async def last(self, tenant_id: UUID) -> AuditVerification:
        """What the last walk came to; before the first, or if it was not kept by us, nothing is known to be intact."""
        async with self._db.transaction(TenantContext(tenant_id, None)) as session:
            row = await AuditRepository(session).verification()
            keys = await open_keys(session, self._keyring) if row is not None else None
        if row is None or keys is None:
            return NEVER
        try:
            fault = msgspec.json.decode(row.fault or "null", type=AuditFault | None)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return NEVER
        numbers = {"entries": row.entries, "sealed_seq": row.sealed_seq, "waiting": row.waiting}
        found = AuditVerification(verified_at=row.verified_at, **numbers, intact=fault is None, fault=fault)
        key = keys.public.get(row.key_id)
        return found if key is not None and key.verify(_statement(tenant_id, found), row.signature) else NEVER

    async def _tenants(self) -> AsyncIterator[UUID]:
        after = UUID(int=0)
        while True:
            async with self._db.transaction(ANONYMOUS) as session:
                page = await AuditRepository(session).tenants_with_log(after, TENANTS_AT_ONCE)
            for tenant_id in page:
                yield tenant_id
            if len(page) < TENANTS_AT_ONCE:
                return
            after = page[-1]

    async def _is_due(self, tenant_id: UUID) -> bool:
        last, now = (await self.last(tenant_id)).verified_at, datetime.now(UTC)
        return last is None or not now - VERIFY_AFTER < last <= now

    async def _verify(self, tenant_id: UUID) -> AuditVerification:
        verified_at, keys = datetime.now(UTC), await self.keys()
        verdict = await self.walk(tenant_id, keys)
        fault = verdict.fault
        if fault is not None:
            found = {"kind": fault.kind, "seq": fault.seq, "entry_id": str(fault.entry_id), "detail": fault.detail}
            log.error("audit_chain_broken", tenant_id=str(tenant_id), **found)
        numbers = {"entries": verdict.entries, "sealed_seq": verdict.sealed_seq, "waiting": verdict.waiting}
        result = AuditVerification(verified_at=verified_at, **numbers, intact=fault is None, fault=fault)
        values: dict[str, Any] = {"verified_at": verified_at, **numbers, "fault": msgspec.to_builtins(fault)}
        if keys.newest is not None:
            values["key_id"] = keys.newest.key_id
            values["signature"] = keys.newest.key.sign(_statement(tenant_id, result))
        async with self._db.transaction(TenantContext(tenant_id, None)) as session:
            await AuditRepository(session).save_verification(tenant_id, values)
        return result


def _statement(tenant_id: UUID, result: AuditVerification) -> bytes:
    return _STATEMENT + tenant_id.bytes + _encoder.encode(result)


def _feed(verifier: ChainVerifier, page: list[SealedEntry]) -> None:
    for entry, seal, _ in page:
        verifier.feed_row(Row(None, None, seal) if entry is None else Row(entry.id, content_of(entry), seal))
