"""Why a download was refused, kept in the process until the page that it came from tells the person."""

import secrets
from typing import Final

from cachetools import LRUCache

from module_sdk.api.client import ClientError

MOST: Final = 1_000


class Refusals:
    """Errors under random names, each of which works once; of too many the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: LRUCache[str, ClientError] = LRUCache(MOST)

    def keep(self, error: ClientError) -> str:
        """A name for ``error``."""
        name = secrets.token_urlsafe(16)
        self._kept[name] = error
        return name

    def take(self, name: str) -> ClientError | None:
        """The error, which is gone afterwards; ``None`` for a name that is not known."""
        return self._kept.pop(name, None)
