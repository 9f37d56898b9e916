"""Everything that is a person's own, as one JSON document that is written while it is read.

Of each company only what the person's own membership shows is read, in the context of that membership, and no
transaction is open while the document waits for whoever downloads it.
"""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

import msgspec

from backend.domains.identity.account_repository import AccountRepository
from backend.domains.identity.account_sessions import device
from backend.domains.identity.models import SessionRow
from backend.domains.identity.ports import Belongings
from backend.domains.identity.repository import IdentityRepository
from backend.domains.identity.service import wire_user
from backend.domains.tenants.ports import Memberships
from backend.kernel.auth.authentication import Principal
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import SessionExpired
from module_sdk.api.identity import Membership

FORMAT: Final = "ocsuite.account/1"
_encode: Final = msgspec.json.encode


class AccountExport:
    """Writes the document."""

    def __init__(self, database: Database, memberships: Memberships, belongings: Belongings) -> None:
        self._database = database
        self._memberships = memberships
        self._belongings = belongings

    async def of(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        """The document's pieces; raises ``SessionExpired`` for somebody who is gone, before the first."""
        async with self._database.transaction(principal.context) as session:
            user = await IdentityRepository(session).user(principal.user_id)
            if user is None:
                raise SessionExpired
            sessions = await AccountRepository(session).sessions(principal.user_id)
        head = {
            "format": FORMAT,
            "exported_at": datetime.now(UTC),
            "person": {**msgspec.to_builtins(wire_user(user)), "confirmed_email": user.confirmed_email},
            "sessions": [_session(row) for row in sessions],
        }
        return self._whole(_encode(head), principal)

    async def _whole(self, head: bytes, principal: Principal) -> AsyncGenerator[bytes, None]:
        yield head[:-1] + b',"companies":['
        separator = b""
        for membership in await self._mine(principal):
            tenant_id = membership.tenant.id
            # Asked again for each company: who was removed while the others were written gets nothing of this one.
            if tenant_id not in {one.tenant.id for one in await self._mine(principal)}:
                continue
            yield separator + b'{"membership":' + _encode(membership)
            async for piece in self._belongings.export(TenantContext(tenant_id, principal.user_id)):
                yield piece
            yield b"}"
            separator = b","
        yield b"]}\n"

    async def _mine(self, principal: Principal) -> list[Membership]:
        async with self._database.transaction(principal.context) as session:
            return await self._memberships.of(session)


def _session(row: SessionRow) -> dict[str, object]:
    return {
        "id": row.id,
        "device": device(row.user_agent),
        "user_agent": row.user_agent,
        "address": row.address,
        "created_at": row.created_at,
        "last_seen_at": row.last_seen_at,
    }
