"""`ocsuite web`."""

import os

import click

from backend.commands import environment
from backend.commands.errors import Refused
from backend.settings import ConnectionSettings


@click.command(help="Serve the web app on OCSUITE_WEB_HOST and OCSUITE_WEB_PORT, building its pages if they changed.")
@click.option("--build-only", is_flag=True, help="Build the pages and stop.")
def web(build_only: bool) -> None:
    """The web app reads few settings of its own, and no secret."""
    environ = environment.read()
    connections = ConnectionSettings.load(environ)

    from backend.kernel.http.connections import bounded
    from frontend.build import BuildError, ensure_built
    from frontend.platform.server import run
    from frontend.platform.settings import WebSettings, WebSettingsError

    try:
        settings = WebSettings.load(environ)
        if build_only:
            ensure_built(settings, environ, click.echo)
            return
        # Reflex reads the process's own environment while it is imported.
        os.environ.update(environ)
        run(environ, click.echo, **bounded(connections))
    except WebSettingsError as error:
        raise Refused(str(error)) from None
    except BuildError as error:
        raise click.ClickException(str(error)) from None
