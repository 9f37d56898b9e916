"""`ocsuite worker`."""

import click

from backend.commands import environment


@click.command(help="Run the background jobs of every queue until SIGINT or SIGTERM.")
def worker() -> None:
    """Load the settings, then work."""
    settings = environment.settings()

    from backend.worker import run

    run(settings)
