"""Request ids: a client's own if it is well-formed, else a new one."""

import re
from typing import Final

from uuid_utils import uuid7

HEADER: Final = b"x-request-id"
_VALID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")


def request_id_from(inbound: bytes | None) -> str:
    """The id to use for a request whose ``X-Request-Id`` header is ``inbound``."""
    if inbound is not None and _VALID.fullmatch(inbound):
        return inbound.decode("ascii")
    return uuid7().hex
