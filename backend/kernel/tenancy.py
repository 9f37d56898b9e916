"""Who a transaction acts for, and the signed setting that tells the database so.

The setting ``ocsuite.context`` reads ``v1.<key id>.<tenant>.<user>.<expiry>.<backend>.<mac>``: ids are UUIDs without
dashes (empty if absent), the expiry is in Unix seconds, the backend is the process id of the server process that the
connection has, and the MAC is HMAC-SHA256 (RFC 2104) in hex over everything before it, dots included.
``util.current_tenant()`` and ``util.current_user()`` in the database verify it against a key that the application role
cannot read.

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
from module_sdk.wire.identity import Role

CONTEXT_SECONDS: Final = 60
"""Life of a signed context; a transaction is expected to end long before."""


@dataclass(frozen=True, slots=True)
class UserContext:
    """A signed-in person outside any tenant: sees their own rows of the identity tables."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class TenantContext:
    """A member acting in one tenant, or the system doing so (``user_id`` and ``role`` are then ``None``)."""

    tenant_id: UUID
    user_id: UUID | None
    role: Role | None = None


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
            case TenantContext(tenant_id, user_id):
                tenant, user = tenant_id.hex, user_id.hex if user_id else ""
            case UserContext(user_id):
                tenant, user = "", user_id.hex
            case _:
                return ""
        text = f"v1.{self._key_id}.{tenant}.{user}.{int(self._now()) + CONTEXT_SECONDS}.{backend_pid}."
        mac = self._mac.copy()
        mac.update(text.encode())
        return f"{text}{mac.hexdigest()}"
