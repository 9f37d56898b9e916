"""Clerk as the identity provider: its tokens are verified, and its people become ours on first sight."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from cachetools import TTLCache

from backend.domains.identity.repository import IdentityRepository
from backend.domains.identity.tokens import Claims, TokenVerifier
from backend.kernel.auth.authentication import Principal
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ANONYMOUS, UserContext
from module_sdk.api.text import clean_name

KNOWN_SECONDS: Final = 60.0
"""How long a person is remembered without asking the database."""
KNOWN_MAX: Final = 10_000
EMAIL_MAX: Final = 254
NAMELESS: Final = "New member"


class ClerkPeople:
    """Our id of a person whom Clerk vouches for. ``monotonic`` returns seconds."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._known: TTLCache[tuple[str, str], tuple[UUID, str]] = TTLCache(KNOWN_MAX, KNOWN_SECONDS, monotonic)

    async def user_id(self, claims: Claims) -> UUID:
        """The person's id; they are stored on first sight, once however many requests come at the same moment.

        Their address is the one that Clerk's latest token says, where it says one.
        """
        email = _address(claims)
        who = (claims.issuer, claims.subject)
        known = self._known.get(who)
        if known is not None and known[1] == email:
            return known[0]
        async with self._database.transaction(ANONYMOUS) as session:
            user_id = await IdentityRepository(session).find_user(*who)
        if user_id is None:
            user_id = await self._create(claims, email)
        elif email:
            async with self._database.transaction(UserContext(user_id)) as session:
                await IdentityRepository(session).follow_email(user_id, email)
        self._known[who] = user_id, email
        return user_id

    async def _create(self, claims: Claims, email: str) -> UUID:
        user_id = new_id()
        name = clean_name(line(claims.name, 120)) or email.partition("@")[0][:120] or NAMELESS
        async with self._database.transaction(UserContext(user_id)) as session:
            repository = IdentityRepository(session)
            if await repository.insert_user(
                user_id, issuer=claims.issuer, subject=claims.subject, email=email or None, full_name=name
            ):
                return user_id
            # Another request was first; the insert waited for its commit.
            first = await repository.find_user(claims.issuer, claims.subject)
        assert first is not None
        return first


def _address(claims: Claims) -> str:
    email = line(claims.email, EMAIL_MAX + 1)
    return email if len(email) <= EMAIL_MAX else ""  # cut, it would be somebody else's


def line(text: str | None, length: int) -> str:
    """One line of printable text, cut to ``length``; '' for none."""
    kept = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} else c for c in (text or "")[: 4 * length]
    )
    return " ".join(kept.split())[:length].rstrip()


class ClerkAuthenticator:
    """Accepts Clerk's session tokens."""

    def __init__(self, verifier: TokenVerifier, people: ClerkPeople) -> None:
        self._verifier = verifier
        self._people = people

    async def authenticate(self, token: str) -> Principal:
        """The principal of a valid token; see ``backend.kernel.auth.authentication.Authenticator``."""
        claims = await self._verifier.verify(token)
        user_id = await self._people.user_id(claims)
        organisation = claims.organisation.id if claims.organisation is not None else None
        return Principal(user_id, claims.session_id, datetime.fromtimestamp(claims.expires_at, UTC), organisation)
