"""How an operation says that it could not be done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

Echo = Callable[[str], object]
"""Shows a person one line."""


class OperationFailed(Exception):  # read as an outcome, like its sibling SmokeFailed
    """The message is one line for a person: what is wrong and what to do."""


class OperationRefused(OperationFailed):
    """The operation does not fit these settings; nothing was done."""


@contextmanager
def database_problems() -> Iterator[None]:
    """Turn what the driver raises into :class:`OperationFailed`."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise OperationFailed(f"the database refused: {reason}; `ocsuite doctor` says what to mend") from None
    except OSError as error:
        raise OperationFailed(f"the database cannot be reached: {error}; is it running?") from None
