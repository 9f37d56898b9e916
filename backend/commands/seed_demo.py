"""`ocsuite seed-demo`."""

import asyncio

import click

from backend.commands import environment


@click.command(help="Create two demonstration companies with people and some history; safe to repeat.")
def seed_demo() -> None:
    """Prints how to sign in."""
    settings = environment.settings()

    from backend.operations.seed import seed

    asyncio.run(seed(settings, click.echo))
