"""Where an account was signed in to before, so that a stranger's guesses cannot keep its owner out."""

from typing import Final

from redis.exceptions import RedisError

from backend.kernel.db.redis import RedisBatcher
from backend.kernel.limits.limiter import hashed

KNOWN_SECONDS: Final = 90 * 86_400


class KnownPlaces:
    """Client addresses by account, as hashes in Redis; while it is away no place is known."""

    def __init__(self, redis: RedisBatcher) -> None:
        self._redis = redis

    async def subject(self, account: str, client: str) -> str:
        """Whose budget of attempts on ``account`` counts: the place's own if it is known, else that of all strangers.

        Each is as large, so that guessing stays bounded at either.
        """
        place = _place(account, client)
        try:
            known = await self._redis.exists(_key(place))
        except RedisError:
            known = 0
        return place if known else hashed(account)

    async def remember(self, account: str, client: str) -> None:
        """Somebody signed in to ``account`` from here."""
        try:
            await self._redis.set(_key(_place(account, client)), b"1", ex=KNOWN_SECONDS)
        except RedisError:
            return  # the next time will do


def _place(account: str, client: str) -> str:
    return hashed(f"{account}\n{client}")


def _key(place: str) -> str:
    return f"ocsuite:known-place:{place}"
