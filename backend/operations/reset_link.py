"""Makes a link by which somebody chooses a new password, for their operator to hand over where no mail is set up."""

import time

from backend.domains.identity.account_links import Links
from backend.domains.identity.repository import IdentityRepository
from backend.kernel.addresses import fold
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.tenancy import ANONYMOUS, ContextSigner
from backend.operations.errors import Echo, OperationFailed, OperationRefused, database_problems
from backend.settings import Settings
from crypto import Keyring


async def make_link(settings: Settings, email: str, echo: Echo) -> None:
    """Show the link, which proves no address; raises :class:`OperationFailed` for one that has no account."""
    if settings.clerk is not None:
        raise OperationRefused("Clerk signs people in here; passwords are Clerk's")
    signer = ContextSigner(Keyring(settings.master_keys), time.time)
    database = Database(create_engine(settings.database_url, pool_size=1), signer)
    try:
        with database_problems():
            async with database.transaction(ANONYMOUS) as session:
                found = await IdentityRepository(session).find_credentials(fold(email))
            if found is None:
                raise OperationFailed("no account has this address")
            echo(await Links(database, settings.web_url).draw(found.user_id, "reset_password", None))
    finally:
        await database.close()
