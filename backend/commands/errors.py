"""How a command refuses."""

from collections.abc import Coroutine
from typing import Any

import click


class Refused(click.ClickException):
    """Wrong usage or wrong settings, said in one line; exit status 2."""

    exit_code = 2


def run(operation: Coroutine[Any, Any, Any]) -> None:
    """Run an operation to its end; what it refuses ends with status 2, what fails with 1, both in one line."""
    import asyncio

    from backend.operations.errors import OperationFailed, OperationRefused

    try:
        asyncio.run(operation)
    except OperationRefused as error:
        raise Refused(str(error)) from None
    except OperationFailed as error:
        raise click.ClickException(str(error)) from None
