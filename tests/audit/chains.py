"""Chains of made-up entries, and their signers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from backend.domains.audit.chain import Entry, Seal, SealSigner, seal_batch
from crypto import SealingKey

TENANT = UUID("0198c0de-0000-7000-8000-00000000000a")
OTHER_TENANT = UUID("0198c0de-0000-7000-8000-00000000000b")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SIGNER = SealSigner("aud_1", SealingKey(bytes(range(32))))
ATTACKER = SealingKey(bytes(range(32, 64)))
KEYS = {SIGNER.key_id: SIGNER.key.public}


def an_entry(number: int, *, tenant_id: UUID = TENANT) -> Entry:
    return Entry(
        action="role.updated",
        actor_api_key_id=None,
        actor_kind="user",
        actor_name="Ada Lovelace",
        actor_user_id=UUID(int=7),
        created_at=NOW + timedelta(milliseconds=number),
        id=UUID(int=1000 + number),
        meta={"number": number, "added": ["chat.use"], "was": None},
        outcome="succeeded",
        request_id=f"req-{number}",
        resource=f"role:{number}",
        tenant_id=tenant_id,
    )


def sealed(entries: Sequence[Entry], *, batch: int, head: Seal | None = None, now: datetime = NOW) -> list[Seal]:
    """Seal in batches, a second apart."""
    seals: list[Seal] = []
    for index, start in enumerate(range(0, len(entries), batch)):
        when = now + timedelta(seconds=index)
        part = entries[start : start + batch]
        seals += seal_batch(TENANT, seals[-1] if seals else head, part, signer=SIGNER, keys=KEYS, now=when)
    return seals
