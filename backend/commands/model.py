"""`ocsuite model`."""

import click

DEFAULT_PORT = 8090


@click.command(help="Serve the small local language model on loopback, as an OpenAI-compatible endpoint.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(1, 65535))
def model(port: int) -> None:
    """`ocsuite up` starts this when LLM_PROVIDER is local and LLM_BASE_URL names no server."""
    try:
        from backend.model_server import run
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is not installed; run `python3 scripts/install.py model`") from None

    run(port)
