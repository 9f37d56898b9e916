"""`ocsuite env`."""

import shlex

import click

from backend.commands import environment
from backend.commands.errors import Refused
from backend.settings import VARIABLES


@click.command(
    help='Print what the local stack uses, as shell assignments, or one value: psql "$(ocsuite env DATABASE_URL)".'
)
@click.argument("name", required=False)
def env(name: str | None) -> None:
    """Local mode only: elsewhere secrets come from a secret store and are not for printing."""
    environ = environment.read()
    if not environment.is_local(environ):
        raise Refused("refused: this prints secrets and works in local mode only (OCSUITE_ENV is not local)")
    known = {variable.name: environ.get(variable.name, "").strip() or variable.default or "" for variable in VARIABLES}
    if name is None:
        for variable, value in known.items():
            click.echo(f"{variable}={shlex.quote(value)}")
        return
    if name not in known:
        raise Refused(f"{name} is no setting; `ocsuite env` lists them")
    if not known[name]:
        raise click.ClickException(f"{name} has no value; start the local stack once with `ocsuite up`")
    click.echo(known[name])
