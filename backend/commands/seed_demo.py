"""`ocsuite seed-demo`."""

import click

from backend.commands import environment
from backend.commands.errors import run


@click.command(help="Create two demonstration companies with people and some history; safe to repeat.")
@click.option("--yes", is_flag=True, help="Insist on it outside local mode, where other people can reach the accounts.")
def seed_demo(yes: bool) -> None:
    """Prints how to sign in."""
    settings = environment.settings()

    from backend.operations.seed import seed

    run(seed(settings, click.echo, outside_local=yes))
