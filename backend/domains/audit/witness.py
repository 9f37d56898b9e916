"""A second witness of where each chain ends: the newest checkpoint, kept in Redis beside the database.

Whoever cuts off the end of a chain in the database leaves a checkpoint here that the chain does not reach. The hash
``ocsuite:audit:heads`` holds a checkpoint as JSON by tenant. It only ever moves on to checkpoints whose chain contains
the one that stood there before. Redis itself is not believed: what is no checkpoint that we signed counts as missing,
is told of once, and makes room for the next one.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from backend.domains.audit.chain_verifier import checkpoint_is_ours
from backend.kernel.observe.logging import Complaints
from crypto import VerifyKey
from module_sdk.api.audit import AuditCheckpoint

HEADS: Final = "ocsuite:audit:heads"
MOST_BYTES: Final = 4096
# What is kept of a tenant; nothing that is longer than a checkpoint can be is sent, and a key of another type is none.
_KEPT: Final = f"""
local kind = redis.call('TYPE', KEYS[1]).ok
local kept = '?'
if kind == 'none' then
  kept = ''
elseif kind == 'hash' and redis.call('HSTRLEN', KEYS[1], ARGV[1]) <= {MOST_BYTES} then
  kept = redis.call('HGET', KEYS[1], ARGV[1]) or ''
end
"""
_READ: Final = f"{_KEPT} return kept"
# Replaces what was read before, and nothing else: another sealer may be further by now.
_REPLACE: Final = f"""{_KEPT}
if kept ~= ARGV[2] then return 0 end
if kind ~= 'hash' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
log = structlog.stdlib.get_logger("ocsuite.audit")
_decoder: Final = msgspec.json.Decoder(AuditCheckpoint)

Contains = Callable[[AuditCheckpoint], Awaitable[bool]]
"""Whether the chain as it is stored has this checkpoint's hash at its place."""
Keys = Mapping[str, VerifyKey]


class Witness:
    """The newest checkpoints in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._complaints = Complaints("ocsuite.audit")

    async def seen(self, tenant_id: UUID, keys: Keys) -> AuditCheckpoint | None:
        """The checkpoint of a tenant; ``None``, and a line in the log, if there is none that one of ``keys`` signed."""
        try:
            return self._read(tenant_id, await self._get(tenant_id), keys)
        except (RedisError, OSError) as error:
            self._away(error)
            return None

    async def advance(self, checkpoint: AuditCheckpoint, keys: Keys, contains: Contains) -> None:
        """Keep a checkpoint that was committed, unless the chain does not contain the one kept so far."""
        try:
            await self._advance(checkpoint, keys, contains)
        except (RedisError, OSError) as error:  # the next checkpoint says as much as this one
            self._away(error)

    async def forget(self, tenant_id: UUID) -> None:
        """Keep nothing of a tenant any more; raises what Redis raises."""
        try:
            await cast("Awaitable[int]", self._redis.hdel(HEADS, str(tenant_id)))
        except ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):  # in what is no hash there is nothing of anybody
                raise

    async def _advance(self, checkpoint: AuditCheckpoint, keys: Keys, contains: Contains) -> None:
        while True:
            stored = await self._get(checkpoint.tenant_id)
            kept = self._read(checkpoint.tenant_id, stored, keys)
            if kept is not None and not await contains(kept):
                log.error("audit_chain_contradicts_witness", tenant_id=str(kept.tenant_id), seq=kept.seq)
                return
            if kept is not None and kept.seq >= checkpoint.seq:
                return  # another sealer was faster
            if await self._replace(checkpoint, stored):
                return

    async def _get(self, tenant_id: UUID) -> bytes:
        # The client's annotations are those of its synchronous twin too.
        found = await cast("Awaitable[bytes]", self._redis.eval(_READ, 1, HEADS, str(tenant_id)))
        self._complaints.settled("redis")
        return found

    async def _replace(self, checkpoint: AuditCheckpoint, stored: bytes) -> bool:
        values: list[Any] = [str(checkpoint.tenant_id), stored, msgspec.json.encode(checkpoint)]
        return bool(await cast("Awaitable[int]", self._redis.eval(_REPLACE, 1, HEADS, *values)))

    def _read(self, tenant_id: UUID, stored: bytes, keys: Keys) -> AuditCheckpoint | None:
        try:
            found = _decoder.decode(stored) if stored else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = None
        if found is not None and found.tenant_id == tenant_id and checkpoint_is_ours(found, keys):
            self._complaints.settled(str(tenant_id))
            return found
        if stored:
            self._complaints.tell(str(tenant_id), "audit_witness_unreadable", tenant_id=str(tenant_id))
        return None

    def _away(self, error: Exception) -> None:
        self._complaints.tell("redis", "audit_witness_away", level=logging.WARNING, error=type(error).__name__)
