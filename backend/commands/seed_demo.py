"""`ocsuite seed-demo`."""

import asyncio

import click

from backend.commands import environment
from backend.commands.errors import Refused


@click.command(help="Create two demonstration companies with people and some history; safe to repeat.")
@click.option("--yes", is_flag=True, help="Also outside local mode, with a random password that is shown once.")
def seed_demo(yes: bool) -> None:
    """Prints how to sign in."""
    settings = environment.settings()

    from backend.operations.errors import OperationFailed, OperationRefused
    from backend.operations.seed import seed

    try:
        asyncio.run(seed(settings, click.echo, outside_local=yes))
    except OperationRefused as error:
        raise Refused(str(error)) from None
    except OperationFailed as error:
        raise click.ClickException(str(error)) from None
