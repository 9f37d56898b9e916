"""Moves everything that is under an older master key to the first one, as the owner role.

Each batch is a transaction of its own and touches stale rows alone, so that a run which was killed is completed by the
next, and two at once share the work: the second waits for a row and finds it done. Rows are only ever updated, so that
a tenant erased meanwhile stays erased.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from backend.domains.audit.keys import reseal_audit_keys
from backend.domains.identity.signing import reseal_signing_keys
from backend.domains.tenants.models import TenantKeyRow
from backend.kernel.db.database import driver_url
from backend.migrate import synchronise_context_keys
from backend.operations.errors import Echo, OperationFailed, database_problems
from backend.settings import Settings
from crypto import DecryptionError, Keyring

BATCH: Final = 200
_FIRST: Final = UUID(int=0)
_REPLACE: Final = text("UPDATE tenant_keys SET wrapped = :wrapped WHERE tenant_id = :tenant_id")


@dataclass(slots=True)
class Rotation:
    """What one run found and did."""

    checked: int = 0
    rewrapped: int = 0
    unreadable: int = 0
    resealed: int = 0

    @property
    def idle(self) -> bool:
        """Whether everything was under the first master key already."""
        return not (self.rewrapped or self.resealed)


async def rotate(settings: Settings, echo: Echo, *, batch: int = BATCH) -> Rotation:
    """Re-wrap tenant keys, reseal signing keys, and let the database verify contexts of exactly the live master keys.

    Raises :class:`OperationFailed`; nothing that any key still needs has been removed then.
    """
    keyring = Keyring(settings.master_keys)
    engine = create_async_engine(driver_url(settings.database_owner_url))
    try:
        with database_problems():
            rotation = await _rewrap_tenant_keys(engine, keyring, echo, batch)
            if rotation.unreadable:
                raise OperationFailed(
                    f"{rotation.unreadable} tenant keys open with none of {', '.join(keyring.key_ids)}; "
                    "put the master key that is missing behind the others and repeat, and remove none until then"
                )
            rotation.resealed = await _product_keys(engine, keyring)
    finally:
        await engine.dispose()
    _report(rotation, keyring, echo)
    return rotation


async def _rewrap_tenant_keys(engine: AsyncEngine, keyring: Keyring, echo: Echo, batch: int) -> Rotation:
    rotation, after = Rotation(), _FIRST
    async with engine.connect() as connection:
        total = (await connection.execute(select(func.count()).select_from(TenantKeyRow))).scalar_one()
    while True:
        async with engine.begin() as connection:
            last = await _rewrap_batch(connection, keyring, after, batch, rotation)
        if last is None:
            return rotation
        after = last
        # Tenants may come and go meanwhile: the total is that of the beginning unless more were found.
        echo(f"tenant keys: {rotation.checked} of {max(total, rotation.checked)}, {rotation.rewrapped} re-wrapped")


async def _rewrap_batch(
    connection: AsyncConnection, keyring: Keyring, after: UUID, batch: int, rotation: Rotation
) -> UUID | None:
    """One batch behind the tenant ``after``; the last tenant of it, ``None`` if there was none."""
    key = TenantKeyRow
    query = select(key.tenant_id, key.wrapped).where(key.tenant_id > after).order_by(key.tenant_id).limit(batch)
    rows = (await connection.execute(query.with_for_update())).all()
    changes = []
    for tenant_id, wrapped in rows:
        try:
            if keyring.needs_rewrap(wrapped):
                changes.append({"tenant_id": tenant_id, "wrapped": keyring.rewrap(tenant_id, wrapped)})
        except DecryptionError:
            rotation.unreadable += 1
    if changes:
        await connection.execute(_REPLACE, changes)
    rotation.checked += len(rows)
    rotation.rewrapped += len(changes)
    return rows[-1].tenant_id if rows else None


async def _product_keys(engine: AsyncEngine, keyring: Keyring) -> int:
    """Signing, audit and context keys, in one transaction that another rotation waits for; how many were resealed."""
    async with engine.begin() as connection:
        await connection.execute(
            text("LOCK TABLE signing_keys, audit_keys, util.context_keys IN SHARE ROW EXCLUSIVE MODE")
        )
        try:
            resealed = await reseal_signing_keys(connection, keyring) + await reseal_audit_keys(connection, keyring)
        except DecryptionError:
            raise OperationFailed(
                "a signing or audit key opens with none of the master keys; "
                "put the one that is missing behind the others"
            ) from None
        await synchronise_context_keys(connection, keyring)
    return resealed


def _report(rotation: Rotation, keyring: Keyring, echo: Echo) -> None:
    first, *older = keyring.key_ids
    echo(
        f"Everything is under {first}: {rotation.checked} tenant keys ({rotation.rewrapped} re-wrapped now), "
        f"signing keys ({rotation.resealed} resealed now), database contexts."
    )
    if not older:
        return
    names = ", ".join(older)
    if rotation.idle:
        echo(f"Nothing was left to do. Remove {names} from OCSUITE_MASTER_KEYS, run `ocsuite migrate`, then restart.")
    else:
        # A process that still runs with the old order may wrap a new tenant's key under the old one.
        echo(f"Restart every process with this OCSUITE_MASTER_KEYS and run this again; then {names} can be removed.")
