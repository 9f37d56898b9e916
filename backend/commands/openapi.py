"""`ocsuite openapi`."""

import click
import msgspec

from backend.settings import Settings

# The document depends on no setting, so that it can be printed without a database; nothing is connected to.
_PLACEHOLDERS = {
    "OCSUITE_ENV": "local",
    "DATABASE_URL": "postgresql://ocsuite_app@127.0.0.1/ocsuite",
    "REDIS_URL": "redis://127.0.0.1/0",
}


@click.command(help="Print the OpenAPI document as JSON, without connecting to anything.")
def openapi() -> None:
    """The same document that the server answers at /schema/openapi.json."""
    import crypto
    from backend.app import create_app
    from backend.kernel.http.openapi import document

    app = create_app(Settings.load(_PLACEHOLDERS | {"OCSUITE_MASTER_KEYS": crypto.generate_master_key("openapi")}))
    click.echo(msgspec.json.format(document(app), indent=2))
