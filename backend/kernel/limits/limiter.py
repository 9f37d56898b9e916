"""Rate limits that are exact across processes: never more than ``quota`` requests in any ``window`` seconds.

Each subject (a tenant, a user, an address) has one small value in Redis: counts of the last eleven tenths of the
window. A script reads all subjects of a request and counts the request in all of them or in none, in one round trip,
together with the question whether the session was revoked; a refused request uses nothing up. Capacity comes back in
tenths of the window. Why not the ``limits`` library: docs/decisions/0006-rate-limits.md.

While Redis is away the limits hold per process (n processes together admit up to n times the quota), nothing is known
to be revoked (access tokens live at most 60 seconds), ``ocsuite_rate_limit_degraded`` is 1 and one warning is logged.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import structlog
from cachetools import LRUCache
from redis.exceptions import NoScriptError, RedisError, ResponseError

from backend.kernel.db.redis import Argument, RedisBatcher
from backend.kernel.observe.metrics import RATE_LIMIT_DEGRADED

SLOTS: Final = 10
_LOCAL_SUBJECTS: Final = 20_000

# KEYS: the subjects, then keys that refuse the request by existing. ARGV: quota and window in seconds per subject.
# A value is {slot number, sum, newest count, …, oldest count}; a slot is a tenth of the window, TIME is Redis' own.
# One that is no such thing, or of a time to come, counts as missing: whoever can write it can delete it as well.
# Returns {0 | index of the exhausted subject | -1 refused, then per subject: what remains, ms until some comes back}.
_SCRIPT: Final = """
local call, floor = redis.call, math.floor
local subjects = #ARGV / 2
local function unpacked(raw)
  local read, state = pcall(cmsgpack.unpack, raw)
  if not read or type(state) ~= 'table' then return nil end
  for j = 1, 13 do
    local number = state[j]
    if type(number) ~= 'number' or number < 0 or number > 9007199254740992 or number ~= floor(number) then
      return nil
    end
  end
  return state
end
for i = subjects + 1, #KEYS do
  if call('EXISTS', KEYS[i]) == 1 then return {-1} end
end
local clock = call('TIME')
local now = clock[1] * 1000 + floor(clock[2] / 1000)
local states, reply, blocked = {}, {0}, 0
for i = 1, subjects do
  local quota, span = tonumber(ARGV[2 * i - 1]), ARGV[2 * i] * 100
  local slot, state = floor(now / span), nil
  local raw = redis.pcall('GETRANGE', KEYS[i], 0, 255)  -- what is longer is no value of ours
  if type(raw) == 'string' then
    state = unpacked(raw)
  end
  if state then
    local shift = slot - state[1]
    if shift > 10 or shift < -10 then
      state = nil
    elseif shift > 0 then
      local sum = 0
      for j = 13, 3, -1 do
        local count = j - shift >= 3 and state[j - shift] or 0
        state[j] = count
        sum = sum + count
      end
      state[1], state[2] = slot, sum
    end
  end
  state = state or {slot, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
  states[i] = state
  if state[2] >= quota and blocked == 0 then blocked = i end
  local oldest = 13
  while oldest > 3 and state[oldest] == 0 do oldest = oldest - 1 end
  reply[2 * i] = quota - state[2]
  reply[2 * i + 1] = (state[1] - oldest + 14) * span - now
end
reply[1] = blocked
if blocked == 0 then
  for i = 1, subjects do
    local state = states[i]
    state[2], state[3] = state[2] + 1, state[3] + 1
    call('SET', KEYS[i], cmsgpack.pack(state), 'PX', ARGV[2 * i] * 1100)
    reply[2 * i] = reply[2 * i] - 1
  end
end
return reply
"""
_SHA: Final = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class Limit(NamedTuple):
    """At most ``quota`` requests of one subject in any ``window`` seconds; ``name`` is part of the key and public."""

    name: str
    quota: int
    window: int


class Hit(NamedTuple):
    """A limit and whom it is counted for. Hash what is personal (:func:`hashed`)."""

    limit: Limit
    subject: str


class Verdict(NamedTuple):
    """What a hit came to. ``limit`` is the exhausted limit, or the one nearest to it."""

    allowed: bool
    limit: Limit
    remaining: int
    reset_seconds: int
    revoked: bool = False


def hashed(personal: str) -> str:
    """A subject for something personal such as an e-mail address, so that Redis does not hold it."""
    return hashlib.blake2b(personal.encode(), digest_size=16, person=b"ocsuite-limits").hexdigest()


class Plan:
    """Limits that are asked about together again and again, with what can be prepared for it."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)
        self.prefixes = tuple(f"ocsuite:limit:{limit.name}:" for limit in limits)
        self.arguments = tuple(number for limit in limits for number in (limit.quota, limit.window))
        self.policy = ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window}' for limit in limits).encode()
        """``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers) for these limits."""


class RateLimiter:
    """Counts hits in Redis, or in this process while Redis is away. ``now`` returns seconds and serves the latter."""

    def __init__(self, redis: RedisBatcher, now: Callable[[], float] = time.monotonic) -> None:
        self.redis = redis
        self._local = _LocalCounts(now)
        self._degraded = False

    async def hit(self, checks: Sequence[Hit], revoked_key: str | None = None) -> Verdict:
        """Count one request for every check, or for none if one is exhausted or ``revoked_key`` exists."""
        return await self.hit_plan(
            Plan([check.limit for check in checks]), [check.subject for check in checks], revoked_key
        )

    async def hit_plan(self, plan: Plan, subjects: Sequence[str], revoked_key: str | None = None) -> Verdict:
        """The same, one subject for each limit of ``plan``."""
        keys = [prefix + subject for prefix, subject in zip(plan.prefixes, subjects, strict=True)]
        names = keys if revoked_key is None else [*keys, revoked_key]
        try:
            reply = await self._run(len(names), *names, *plan.arguments)
        except (RedisError, OSError) as error:
            self._degrade(error)
            reply = self._local.hit(keys, plan.limits)
        else:
            if self._degraded:
                self._recover()
        return _verdict(reply, plan.limits)

    async def _run(self, *arguments: Argument) -> list[int]:
        try:
            reply: list[int] = await self.redis.execute("EVALSHA", _SHA, *arguments)
        except ResponseError as error:
            if not (isinstance(error, NoScriptError) or str(error).startswith("NOSCRIPT")):
                raise
            reply = await self.redis.execute("EVAL", _SCRIPT, *arguments)
        return reply

    def _degrade(self, error: Exception) -> None:
        if not self._degraded:
            self._degraded = True
            RATE_LIMIT_DEGRADED.set(1)
            structlog.get_logger(__name__).warning("rate_limits_per_process", error=type(error).__name__)

    def _recover(self) -> None:
        self._degraded = False
        RATE_LIMIT_DEGRADED.set(0)
        structlog.get_logger(__name__).info("rate_limits_exact_again")


def _verdict(reply: Sequence[int], limits: tuple[Limit, ...]) -> Verdict:
    blocked = reply[0]
    if blocked < 0:
        return Verdict(False, limits[0], 0, 0, revoked=True)
    nearest = blocked - 1
    if not blocked:
        nearest, smallest = 0, 2.0
        for index, limit in enumerate(limits):
            share = reply[1 + 2 * index] / limit.quota
            if share < smallest:
                nearest, smallest = index, share
    seconds = max(1, -(-reply[2 + 2 * nearest] // 1000))
    return Verdict(not blocked, limits[nearest], max(0, reply[1 + 2 * nearest]), seconds)


class _LocalCounts:
    """The script's algorithm in this process's memory, for while Redis is away."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._hits: LRUCache[str, dict[int, int]] = LRUCache(_LOCAL_SUBJECTS)

    def hit(self, keys: Sequence[str], limits: tuple[Limit, ...]) -> list[int]:
        now, reply, blocked, slots = int(self._now() * 1000), [0], 0, list[int]()
        for index, (key, limit) in enumerate(zip(keys, limits, strict=True)):
            span = limit.window * 1000 // SLOTS
            slot = now // span
            counts = {at: count for at, count in self._hits.get(key, {}).items() if at >= slot - SLOTS}
            self._hits[key] = counts
            used = sum(counts.values())
            if used >= limit.quota and not blocked:
                blocked = index + 1
            slots.append(slot)
            reply += [limit.quota - used, (min(counts, default=slot) + SLOTS + 1) * span - now]
        reply[0] = blocked
        if not blocked:
            for index, (key, slot) in enumerate(zip(keys, slots, strict=True)):
                self._hits[key][slot] = self._hits[key].get(slot, 0) + 1
                reply[1 + 2 * index] -= 1
        return reply


def state_header(verdict: Verdict) -> str:
    """``RateLimit`` of the same draft: what remains of the nearest limit, and in how many seconds some comes back."""
    return f'"{verdict.limit.name}";r={verdict.remaining};t={verdict.reset_seconds}'


def refusal_extra(verdict: Verdict) -> dict[str, Any]:
    """What the ``rate_limited`` problem says besides."""
    return {"policy": verdict.limit.name, "limit": verdict.limit.quota, "window_seconds": verdict.limit.window}
