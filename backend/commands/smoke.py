"""`ocsuite smoke`."""

import click

from backend.commands import environment
from backend.commands.errors import run


@click.command(help="Sign up, create a company, chat, resume the stream and clean up, against a running server.")
@click.option(
    "--url", default=None, metavar="URL", help="Address of the API; default: OCSUITE_API_URL or this machine's."
)
def smoke(url: str | None) -> None:
    """Needs nothing but HTTP, and exits with 1 at the first thing that is not as the contract says."""
    environ = environment.read()
    port = environ.get("OCSUITE_API_PORT", "").strip() or "8000"
    address = url or environ.get("OCSUITE_API_URL", "").strip() or f"http://127.0.0.1:{port}"

    from backend.operations.smoke import smoke as walk

    run(walk(address, click.echo))
