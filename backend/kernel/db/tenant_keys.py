"""Unwrapped tenant keys, kept in memory for minutes so that a hot path does not ask the database each time."""

import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from cachetools import TTLCache

from crypto import DecryptionError, Keyring, TenantKey

#: An erased or re-wrapped key is forgotten by every process within this time.
KEEP_SECONDS: Final = 300.0
KEEP_MOST: Final = 2_000


class TenantKeyGoneError(Exception):
    """The tenant's key was erased, or is wrapped under a master key that this process has not (yet) been given."""


class TenantKeys:
    """Gives tenant keys; ``wrapped`` reads a tenant's wrapped key from the database."""

    def __init__(
        self,
        keyring: Keyring,
        wrapped: Callable[[UUID], Awaitable[bytes | None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keyring = keyring
        self._wrapped = wrapped
        self._kept: TTLCache[UUID, TenantKey] = TTLCache(KEEP_MOST, KEEP_SECONDS, monotonic)

    async def get(self, tenant_id: UUID) -> TenantKey:
        """The tenant's key; raises :class:`TenantKeyGoneError`."""
        kept = self._kept.get(tenant_id)
        if kept is not None:
            return kept
        wrapped = await self._wrapped(tenant_id)
        if wrapped is None:
            self.forget(tenant_id)
            raise TenantKeyGoneError
        try:
            key = self._keyring.unwrap(tenant_id, wrapped)
        except DecryptionError as error:
            raise TenantKeyGoneError from error
        self._kept[tenant_id] = key
        return key

    def forget(self, tenant_id: UUID) -> None:
        """Drop a key from memory."""
        self._kept.pop(tenant_id, None)
