"""What the edges have to know of a route handler. :func:`backend.kernel.http.operation.operation` writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from litestar.handlers.base import BaseRouteHandler

from backend.kernel.errors import ProblemError

DEFAULT_MAX_BODY: Final = 1024 * 1024
_KEY: Final = "traits"

Refusal = type[ProblemError] | tuple[type[ProblemError], int]
"""A problem that an operation answers with, beside a status where it is another than usual."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one handler. The defaults are those of handlers that nobody described: closed and limited.

    Attributes:
        public: Lets requests in without a token.
        limited: Counts against the limits of every request; what does not is seen by no check for ended sessions.
        rate: Name of the policy whose limits are added.
        idempotent: Takes an ``Idempotency-Key``. ``"stream"``: its answer is not captured, and the handler calls
            ``claim`` and ``finish`` itself.
        errors: Problems of its own, beside those of every operation of its shape.
        events: Of a stream, the type of each event's data by the event's name.
        download: Of a file, its media types, each with an example.
        max_body: Bytes that it accepts.
    """

    public: bool = False
    limited: bool = True
    rate: str = ""
    idempotent: Literal[True, False, "stream"] = False
    errors: Sequence[Refusal] = ()
    events: Mapping[str, Any] = field(default_factory=dict)
    download: Mapping[str, str] = field(default_factory=dict)
    max_body: int = DEFAULT_MAX_BODY

    @property
    def opt(self) -> dict[str, Any]:
        """As Litestar takes it."""
        return {_KEY: self}


_UNDESCRIBED: Final = Traits()
OPERATIONAL: Final = Traits(public=True, limited=False)
"""Of what supervisors and scrapers ask for, as often as they like."""


def traits_of(handler: BaseRouteHandler) -> Traits:
    """What ``handler`` was described with."""
    found: Traits = handler.opt.get(_KEY, _UNDESCRIBED)
    return found
