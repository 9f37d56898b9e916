"""A second witness of where each chain ends: the newest checkpoint, kept in Redis beside the database.

Whoever cuts off the end of a chain in the database leaves a checkpoint here that the chain does not reach. The hash
``ocsuite:audit:heads`` holds a checkpoint as JSON by tenant. It is signed, so that one put there by somebody else is
told from ours. It only ever moves on to checkpoints whose chain contains the one that stood there before.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from module_sdk.wire.audit import AuditCheckpoint

HEADS: Final = "ocsuite:audit:heads"
# Replaces what was read before, and nothing else: another sealer may be further by now.
_REPLACE: Final = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
log = structlog.stdlib.get_logger("ocsuite.audit")
_decoder: Final = msgspec.json.Decoder(AuditCheckpoint)

Contains = Callable[[AuditCheckpoint], Awaitable[bool]]
"""Whether the chain as it is stored has this checkpoint's hash at its place."""


class Witness:
    """The newest checkpoints in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def seen(self, tenant_id: UUID) -> AuditCheckpoint | None:
        """The checkpoint of a tenant; ``None``, and a warning in the log, if there is none that can be read."""
        try:
            return _read(tenant_id, await self._get(tenant_id))
        except (RedisError, OSError) as error:
            log.warning("audit_witness_away", error=type(error).__name__)
            return None

    async def advance(self, checkpoint: AuditCheckpoint, contains: Contains) -> None:
        """Keep a checkpoint that was committed, unless the chain does not contain the one kept so far."""
        try:
            await self._advance(checkpoint, contains)
        except (RedisError, OSError) as error:  # the next checkpoint says as much as this one
            log.warning("audit_witness_away", error=type(error).__name__)

    async def forget(self, tenant_id: UUID) -> None:
        """Keep nothing of a tenant any more; raises what Redis raises."""
        await cast("Awaitable[int]", self._redis.hdel(HEADS, str(tenant_id)))

    async def _advance(self, checkpoint: AuditCheckpoint, contains: Contains) -> None:
        while True:
            stored = await self._get(checkpoint.tenant_id)
            kept = _read(checkpoint.tenant_id, stored)
            if kept is not None and not await contains(kept):
                log.error("audit_chain_contradicts_witness", tenant_id=str(kept.tenant_id), seq=kept.seq)
                return
            if kept is not None and kept.seq >= checkpoint.seq:
                return  # another sealer was faster
            if await self._replace(checkpoint, stored):
                return

    async def _get(self, tenant_id: UUID) -> bytes:
        # The client's annotations are those of its synchronous twin too.
        return await cast("Awaitable[bytes | None]", self._redis.hget(HEADS, str(tenant_id))) or b""

    async def _replace(self, checkpoint: AuditCheckpoint, stored: bytes) -> bool:
        values: list[Any] = [str(checkpoint.tenant_id), stored, msgspec.json.encode(checkpoint)]
        return bool(await cast("Awaitable[int]", self._redis.eval(_REPLACE, 1, HEADS, *values)))


def _read(tenant_id: UUID, stored: bytes) -> AuditCheckpoint | None:
    if not stored:
        return None
    try:
        found = _decoder.decode(stored)
    except msgspec.DecodeError:
        found = None
    if found is None or found.tenant_id != tenant_id or found.sealed_at.tzinfo is None:
        log.error("audit_witness_unreadable", tenant_id=str(tenant_id))
        return None
    return found
