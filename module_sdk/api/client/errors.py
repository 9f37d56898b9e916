"""What can go wrong between a client and the API.

::

    ClientError
    ├── ApiError          the API refused: carries its problem document
    ├── ApiUnavailable    no answer: refused or lost connection, time-out, a gateway in between
    └── UnexpectedReplyError   an answer outside the contract
"""

from module_sdk.api.problems import Problem


class ClientError(Exception):
    """The base of all errors that operations of the client raise."""


class ApiError(ClientError):
    """The API refused. ``problem.code`` is for programs, ``problem.title`` and ``problem.detail`` are for people.

    ``retry_after`` is in seconds, ``None`` where the API named no time.
    """

    def __init__(self, problem: Problem, *, retry_after: float | None = None) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail or problem.title}")
        self.problem = problem
        self.retry_after = retry_after


class ApiUnavailable(ClientError):
    """No answer came. ``may_have_arrived`` is false where the request certainly never left."""

    def __init__(self, reason: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class UnexpectedReplyError(ClientError):
    """The answer is not what the contract says: another version of the API, or something else at that address."""
