"""Single-use links that prove who opens them: drawn, found and used up. The database's clock says when one ends."""

from datetime import timedelta
from typing import Final, Literal
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.domains.identity.account_errors import LinkInvalid
from backend.domains.identity.account_repository import AccountRepository, FoundLink
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS, UserContext
from crypto import hash_token, new_token

Purpose = Literal["reset_password", "confirm_email", "change_email"]
LIVES: Final[dict[Purpose, timedelta]] = {
    "reset_password": timedelta(minutes=30),
    "confirm_email": timedelta(hours=24),
    "change_email": timedelta(hours=24),
}
PATHS: Final[dict[Purpose, str]] = {
    "reset_password": "/reset-password",
    "confirm_email": "/confirm-email",
    "change_email": "/confirm-email",
}
"""Where the web app takes the secret out of the address."""


class Links:
    """Draws and finds links. ``web_url`` is the web app's origin."""

    def __init__(self, database: Database, web_url: str) -> None:
        self._database = database
        self._web_url = web_url

    async def draw(self, user_id: UUID, purpose: Purpose, email: str | None) -> str:
        """A new link to be sent to ``email``, or handed over by an operator (``None``); the last one ends."""
        token = new_token()
        async with self._database.transaction(UserContext(user_id)) as session:
            await AccountRepository(session).put_link(user_id, purpose, hash_token(token), email, LIVES[purpose])
        return f"{self._web_url}{PATHS[purpose]}?token={quote(token)}"

    async def found(self, token: str, *purposes: Purpose) -> tuple[FoundLink, Purpose]:
        """The live link of a token; raises ``LinkInvalid``."""
        async with self._database.transaction(ANONYMOUS) as session:
            for purpose in purposes:
                link = await AccountRepository(session).find_link(hash_token(token), purpose)
                if link is not None:
                    return link, purpose
        raise LinkInvalid


async def use(session: AsyncSession, link: FoundLink, token: str) -> None:
    """Use a link up in the transaction of what it is for; raises ``LinkInvalid`` if somebody else was faster."""
    if not await AccountRepository(session).use_link(link.id, hash_token(token)):
        raise LinkInvalid
