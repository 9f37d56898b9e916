"""The `ocsuite` command. Exit status: 0 done, 1 failed, 2 wrong usage or wrong settings."""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

from backend.settings import OperatorError

# Each command is imported when it is used: the web framework and the database drivers take a second together.
COMMANDS: Final = {
    "up": "Start the whole product on this machine; Ctrl-C stops it.",
    "api": "Serve the HTTP API.",
    "worker": "Run the background jobs.",
    "web": "Serve the web app.",
    "model": "Serve the small local language model (LLM_PROVIDER=local).",
    "migrate": "Bring the database to the newest schema version.",
    "seed-demo": "Fill the database with two demonstration companies.",
    "doctor": "Check database, roles, policies, queue and keys, and say what to mend.",
    "openapi": "Print the OpenAPI document.",
    "rotate-master-key": "Re-wrap every tenant's key with the first of OCSUITE_MASTER_KEYS.",
    "reset-password-link": "Print a link for somebody to choose a new password by.",
    "audit": "Verify audit logs, in the database or exported.",
    "env": "Print what the local stack uses, for other tools.",
    "smoke": "Walk through sign-up, chat and resume against a running server.",
}


class _Commands(click.Group):
    """Knows the names of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        try:
            found = getattr(import_module(f"backend.commands.{name}"), name)
        except ModuleNotFoundError:
            if find_spec("backend.devstack") is not None:
                raise
            raise OperatorError(
                f"`ocsuite {cmd_name}` starts servers for development, which this installation leaves out; "
                "run `ocsuite api`, `ocsuite worker` and `ocsuite web` instead"
            ) from None
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ocsuite", prog_name="ocsuite")
def ocsuite() -> None:
    """OCSuite: AI executives for your company.

    Settings come from the environment and from a file .env in the working directory; .env.example lists them all.

    Exit status: 0 done, 1 failed, 2 wrong usage or wrong settings.
    """


def main() -> None:
    """Entry point: what a person can mend is one line on standard error, never a traceback."""
    try:
        sys.exit(ocsuite.main(prog_name="ocsuite", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(1)
    except OperatorError as error:
        click.echo(f"ocsuite: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
