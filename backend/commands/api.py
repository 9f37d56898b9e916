"""`ocsuite api`."""

import gc

import click

from backend.commands import environment


@click.command(help="Serve the HTTP API on OCSUITE_API_HOST and OCSUITE_API_PORT until SIGINT or SIGTERM.")
def api() -> None:
    """Load the settings first: a wrong one must not become a traceback in the server."""
    settings = environment.settings()

    import uvicorn

    from backend.app import create_app
    from backend.kernel.http.connections import bounded

    app = create_app(settings)
    gc.collect()
    gc.freeze()  # what lives as long as the process need not be looked through again: 10 % of a small request
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application believes OCSUITE_TRUSTED_PROXIES alone
        timeout_graceful_shutdown=5,
        **bounded(settings.connections),
    )
