"""`ocsuite migrate`."""

import asyncio

import click

from backend.commands import environment
from backend.commands.errors import Refused


@click.command(help="Bring the database to the newest schema version, or to the one named by --to.")
@click.option(
    "--to", "revision", default="head", show_default=True, metavar="REVISION", help="Schema version to reach."
)
@click.option(
    "--down", is_flag=True, help="Go back to --to (a revision, `-1`, or `base`), dropping what came after it."
)
def migrate(revision: str, down: bool) -> None:
    """Runs as the owner role, in one transaction."""
    settings = environment.settings()
    if not settings.database_owner_url:
        raise Refused("DATABASE_OWNER_URL is not set; migrations run as the owner role")
    if down and revision == "head":
        raise Refused("--down needs --to: the revision to go back to")

    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError

    from backend.migrate import migrate as run
    from crypto import Keyring

    try:
        asyncio.run(run(settings.database_owner_url, Keyring(settings.master_keys), revision, down=down))
    except CommandError as error:
        raise Refused(str(error)) from None
    except (DBAPIError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise click.ClickException(f"the database cannot be migrated: {reason}") from None
    click.echo(f"database: at {revision}")
