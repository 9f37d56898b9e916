"""Where a person is signed in, and ending that."""

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from uuid import UUID

from ua_parser import parse

from backend.domains.identity.account_repository import AccountRepository
from backend.domains.identity.local import REVOCATION_SECONDS, session_id_of, session_name
from backend.domains.identity.models import SessionRow
from backend.kernel.auth.authentication import Principal, Revocations
from backend.kernel.db.database import Database
from backend.kernel.errors import NotFound
from module_sdk.api.account import SignedInSession
from module_sdk.api.base import Page

USER_AGENT_MAX: Final = 256


class Sessions:
    """The sessions of local accounts."""

    def __init__(self, database: Database, revocations: Revocations) -> None:
        self._database = database
        self._revocations = revocations

    async def list_mine(self, principal: Principal) -> Page[SignedInSession]:
        """Live sessions, last seen first."""
        async with self._database.transaction(principal.context) as session:
            rows = await AccountRepository(session).sessions(principal.user_id)
        return Page(items=await asyncio.to_thread(lambda: [_wire(row, principal) for row in rows]))

    async def end(self, principal: Principal, session_id: UUID) -> None:
        """End one; raises ``NotFound`` for one that has ended or is somebody else's."""
        async with self._database.transaction(principal.context) as session:
            ended = await AccountRepository(session).end_sessions(principal.user_id, only=session_id)
        if not ended:
            raise NotFound
        await self.refuse(ended)

    async def end_all(self, principal: Principal, *, current: bool) -> None:
        """End every session, but for the one that asks unless ``current``."""
        kept = None if current else current_session(principal)
        async with self._database.transaction(principal.context) as session:
            ended = await AccountRepository(session).end_sessions(principal.user_id, but=kept)
        await self.refuse(ended)

    async def refuse(self, ended: Iterable[UUID]) -> None:
        """Refuse at once the access tokens of sessions that have ended."""
        for session_id in ended:
            await self._revocations.revoke(session_name(session_id), REVOCATION_SECONDS)


def current_session(principal: Principal) -> UUID | None:
    """The session that a principal's token belongs to."""
    return session_id_of(principal.session_id) if principal.session_id is not None else None


def _wire(row: SessionRow, principal: Principal) -> SignedInSession:
    return SignedInSession(
        id=row.id,
        current=session_name(row.id) == principal.session_id,
        device=device(row.user_agent),
        address=row.address,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )


def printable(user_agent: str) -> str:
    """What a browser says of itself, as text that can be stored and shown."""
    return "".join(letter for letter in user_agent[:USER_AGENT_MAX] if letter.isprintable())


@lru_cache(maxsize=1024)
def device(user_agent: str) -> str:
    """``Firefox on Ubuntu``, or ``""`` for what names no browser; programs are called by their name."""
    found = parse(user_agent)
    browser = found.user_agent.family if found.user_agent is not None else user_agent.partition("/")[0][:40].strip()
    system = found.os.family if found.os is not None else ""
    return f"{browser} on {system}" if browser and system else browser or system
