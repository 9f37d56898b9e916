"""`ocsuite rotate-master-key`."""

import click

from backend.commands import environment
from backend.commands.errors import Refused, run


@click.command(
    help="Re-wrap every tenant's key with the first of OCSUITE_MASTER_KEYS; resumes where a killed run stopped. "
    "Put the new key first, keep the old ones behind it, run this, then remove the old ones."
)
def rotate_master_key() -> None:
    """Runs as the owner role."""
    settings = environment.settings()
    if not settings.database_owner_url:
        raise Refused("DATABASE_OWNER_URL is not set; keys of every tenant are seen by the owner role alone")

    from backend.operations.rotate import rotate

    run(rotate(settings, click.echo))
