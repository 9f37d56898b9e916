"""Why a download was refused, kept in the process until the page that it came from tells the person."""

import secrets
from collections import OrderedDict
from typing import Final

from module_sdk.api.client import ClientError

MOST: Final = 1_000


class Refusals:
    """Errors under random names, each of which works once; of too many the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, ClientError] = OrderedDict()

    def keep(self, error: ClientError) -> str:
        """A name for ``error``."""
        name = secrets.token_urlsafe(16)
        self._kept[name] = error
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return name

    def take(self, name: str) -> ClientError | None:
        """The error, which is gone afterwards; ``None`` for a name that is not known."""
        return self._kept.pop(name, None)
