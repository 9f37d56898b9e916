"""Who a transaction acts for, and the signed setting that tells the database so.

The setting ``ocsuite.context`` reads ``v2.<key id>.<tenant>.<user>.<API key>.<expiry>.<backend>.<mac>``: ids are UUIDs
without dashes (empty if absent), the expiry is in Unix seconds, the backend is the process id of the server process
that the connection has, and the MAC is HMAC-SHA256 (RFC 2104) in hex over everything before it, dots included.
``util.current_tenant()``, ``util.current_user()`` and ``util.current_api_key()`` in the database verify it against a
key that the application role cannot read.

Every session of a role can read the statements of its others in ``pg_stat_activity``, contexts included: bound to its
backend, a context is of no use elsewhere.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crypto import Keyring

CONTEXT_SECONDS: Final = 60
"""Life of a signed context; a transaction is expected to end long before."""


@dataclass(frozen=True, slots=True)
class UserContext:
    """A signed-in person outside any tenant: sees their own rows of the identity tables."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class TenantContext:
    """A member acting in one tenant, or the system doing so (``user_id`` is then ``None``).

    The database goes by the ids alone; ``roles``, the highest first, and ``permissions`` are what it said at the gate.
    ``api_key_id`` is there if a key acts for the member.
    """

    tenant_id: UUID
    user_id: UUID | None
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    api_key_id: UUID | None = None


class Anonymous:
    """Nobody: no tenant row is visible."""

    __slots__ = ()


ANONYMOUS: Final = Anonymous()
Context = TenantContext | UserContext | Anonymous


def context_key(keyring: Keyring, key_id: str | None = None) -> bytes:
    """The 32-byte HMAC key of contexts under a master key; ``migrate`` hands it to the database."""
    return keyring.derive("ocsuite/database-context/v1", key_id)


class ContextSigner:
    """Makes the setting for a context. ``now`` returns Unix seconds."""

    def __init__(self, keyring: Keyring, now: Callable[[], float]) -> None:
        self._key_id = keyring.key_ids[0]
        self._mac = hmac.new(context_key(keyring), digestmod=hashlib.sha256)
        self._now = now

    def __repr__(self) -> str:
        return "ContextSigner()"

    def sign(self, context: Context, backend_pid: int) -> str:
        """The setting's value, of hexadecimal digits, letters, dots and dashes only; empty for nobody."""
        match context:
            case TenantContext():
                ids = f"{context.tenant_id.hex}.{_hex(context.user_id)}.{_hex(context.api_key_id)}"
            case UserContext(user_id):
                ids = f".{user_id.hex}."
            case _:
                return ""
        text = f"v2.{self._key_id}.{ids}.{int(self._now()) + CONTEXT_SECONDS}.{backend_pid}."
        mac = self._mac.copy()
        mac.update(text.encode())
        return f"{text}{mac.hexdigest()}"


def _hex(value: UUID | None) -> str:
    return "" if value is None else value.hex
