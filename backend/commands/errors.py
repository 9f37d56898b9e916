"""How a command refuses."""

import click


class Refused(click.ClickException):
    """Wrong usage or wrong settings, said in one line; exit status 2."""

    exit_code = 2
