"""What a domain brings to the product, which its ``domain.py`` says in one place.

``backend.registry`` lists the domains and binds the ports of one to what another offers. API and workers make them all,
which connects to nothing, and take from them what they run.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from litestar import Router

from backend.kernel.audit.actions import Action
from backend.kernel.auth.permissions import Permission
from backend.kernel.jobs.upkeep import Job
from backend.kernel.limits.policies import Policy


class Tag(NamedTuple):
    """A heading of the API document, under which the operations of a controller stand."""

    name: str
    description: str


class Domain:
    """The base of every domain, which replaces what it brings.

    What needs no running process stands in the class: migrations and the document read it there.
    """

    tags: ClassVar[Sequence[Tag]] = ()
    permissions: ClassVar[Sequence[Permission]] = ()
    areas: ClassVar[Mapping[str, str]] = {}
    """What the part of its audit actions before the dot is called."""
    actions: ClassVar[Sequence[Action]] = ()
    """What it records in the audit log."""
    rates: ClassVar[Sequence[Policy]] = ()
    guarded_tables: ClassVar[Sequence[str]] = ()
    """Tables that the application role can write only where the database itself finds that the context may."""

    @property
    def routers(self) -> Sequence[Router]:
        """Its operations with their dependencies; asked for by the API alone."""
        return ()

    @property
    def jobs(self) -> Sequence[Job]:
        """Its upkeep; asked for by workers alone."""
        return ()

    async def start(self) -> None:
        """Called before the API serves."""

    async def close(self) -> None:
        """Called when the API has stopped serving."""


class Declared(NamedTuple):
    """What several domains declare, together."""

    tags: tuple[Tag, ...]
    permissions: tuple[Permission, ...]
    areas: Mapping[str, str]
    actions: tuple[Action, ...]
    rates: tuple[Policy, ...]
    guarded_tables: tuple[str, ...]


def declared(domains: Iterable[type[Domain]]) -> Declared:
    """In the order of ``domains``; raises ``ValueError`` for what is declared twice, or lacks its name."""
    known = tuple(domains)
    found = Declared(
        tags=tuple(tag for domain in known for tag in domain.tags),
        permissions=tuple(permission for domain in known for permission in domain.permissions),
        areas={key: title for domain in known for key, title in domain.areas.items()},
        actions=tuple(action for domain in known for action in domain.actions),
        rates=tuple(rate for domain in known for rate in domain.rates),
        guarded_tables=tuple(table for domain in known for table in domain.guarded_tables),
    )
    for kind, names in {
        "tag": [tag.name for tag in found.tags],
        "permission": [permission.key for permission in found.permissions],
        "audit action": [action.key for action in found.actions],
        "area of audit actions": [area for domain in known for area in domain.areas],
        "rate policy": [rate.name for rate in found.rates],
        "guarded table": list(found.guarded_tables),
    }.items():
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"declared twice: {kind} {', '.join(sorted(twice))}")
    if nameless := {action.area for action in found.actions} - set(found.areas):
        raise ValueError(f"areas of audit actions without a name: {', '.join(sorted(nameless))}")
    return found
