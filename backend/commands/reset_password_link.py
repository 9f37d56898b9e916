"""`ocsuite reset-password-link`."""

import click

from backend.commands import environment
from backend.commands.errors import run


@click.command(
    help="Print a link by which whoever has the account of EMAIL chooses a new password: it works once, within 30 "
    "minutes, and ends every session. Make sure that you hand it to that person."
)
@click.argument("email")
def reset_password_link(email: str) -> None:
    """For where no mail is set up; with mail, people ask for it on the sign-in page."""
    settings = environment.settings()

    from backend.operations.reset_link import make_link

    run(make_link(settings, email, click.echo))
