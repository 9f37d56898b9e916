"""What a domain tells of its runs: how one works, and how its rows are read and ended."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import ProblemError
from backend.kernel.runs.streams import Event, LiveStream, RunRef

Outcome = Literal["completed", "stopped", "interrupted"] | ProblemError
"""How a run ended. ``interrupted`` is the process that ends before the run does; a problem is why it failed."""
LastEvent = tuple[str, bytes]
"""Name and data of the event that ends a stream."""


class Run(Protocol):
    """One run in this process, whose row is committed and under a lease.

    ``live`` holds what was published so far, the first event of all before the run begins.
    """

    @property
    def ref(self) -> RunRef:
        """Whose story it is."""
        ...

    @property
    def lease_token(self) -> UUID:
        """The fencing token that its row has."""
        ...

    @property
    def live(self) -> LiveStream:
        """Its events."""
        ...

    async def work(self) -> None:
        """Do it, and publish events meanwhile. Raises a ``ProblemError`` that says why it failed."""
        ...

    def flush(self) -> None:
        """Publish what waits to be."""
        ...

    async def release(self) -> None:
        """Let go of what it holds, whether or not it was begun; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands in the database.

    Attributes:
        lease_over: Whether it goes on and nobody holds it.
        last: Its last event, if it has ended.
        lost: Whether it was ended in the place of a process that was lost.
    """

    lease_over: bool
    last: Event | None = None
    lost: bool = False


R_contra = TypeVar("R_contra", bound=Run, contravariant=True)


class Ledger(Protocol[R_contra]):
    """The rows of a domain's runs. Each method is a transaction of its own."""

    async def extend(self, ref: RunRef, token: UUID) -> bool | None:
        """Hold on to a run: whether a stop was asked for, or ``None`` if the lease is lost."""
        ...

    async def finish(self, run: R_contra, outcome: Outcome) -> LastEvent | None:
        """Store a run's end; ``None``, and nothing stored, if the lease is lost."""
        ...

    async def settle(self, ref: RunRef, events: list[Event]) -> LastEvent | None:
        """Store the end of a run whose lease has run out, of which ``events`` are left; ``None`` if it has not."""
        ...

    async def lost(self, most: int) -> list[RunRef]:
        """Runs whose lease has run out, of whichever tenant."""
        ...

    async def standing(self, context: TenantContext, run_id: UUID) -> Standing | None:
        """How a run stands, ``None`` unless whoever asks may see it."""
        ...
