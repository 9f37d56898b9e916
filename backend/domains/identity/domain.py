"""People: who they are, how they sign in, and what they may do with their own account."""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from litestar import Router
from sqlalchemy import text

from backend.domains.identity.ports import Addresses, Belongings, Departures
from backend.domains.identity.rates import RATES
from backend.domains.identity.service import Attempts
from backend.domains.identity.wiring import ClerkIdentity, LocalIdentity, Ports
from backend.domains.tenants.ports import Memberships
from backend.kernel.auth.authentication import Authenticator
from backend.kernel.db.tenancy import ANONYMOUS
from backend.kernel.domain import Domain, Tag
from backend.kernel.foundation import Foundation
from backend.kernel.jobs.upkeep import Job
from backend.kernel.limits.policies import Policy

PURGE_EVERY = 3600.0


class Identity(Domain):
    """``attempts`` replace the product's bounds on sign-ins."""

    tags: ClassVar[Sequence[Tag]] = (
        Tag("auth", "Local accounts: sign up, sign in, renew and end sessions"),
        Tag("me", "The signed-in person"),
    )
    rates: ClassVar[Sequence[Policy]] = RATES

    def __init__(
        self,
        base: Foundation,
        *,
        addresses: Addresses,
        memberships: Memberships,
        departures: Departures,
        belongings: Belongings,
        attempts: Attempts | None = None,
    ) -> None:
        self._base = base
        self._ports = Ports(addresses, memberships, departures, belongings)
        self._attempts = attempts

    @cached_property
    def mode(self) -> LocalIdentity | ClerkIdentity:
        """Local accounts or Clerk, as the settings say."""
        clerk = self._base.settings.clerk
        if clerk is None:
            return LocalIdentity(self._base, self._ports, self._attempts)
        return ClerkIdentity(self._base, self._ports, clerk)

    @property
    def authenticator(self) -> Authenticator:
        """Who a session's token speaks for."""
        return self.mode.authenticator

    @property
    def routers(self) -> Sequence[Router]:
        """Signing in, and one's own account."""
        return self.mode.routers

    @property
    def jobs(self) -> Sequence[Job]:
        """The removal of what has expired."""
        return [Job("purge", PURGE_EVERY, self._purge)]

    async def _purge(self) -> int:
        async with self._base.db.transaction(ANONYMOUS) as session:
            query = text("SELECT util.purge_expired() + util.purge_accounts()")
            return int((await session.execute(query)).scalar_one())

    async def start(self) -> None:
        """Load keys."""
        await self.mode.start()

    async def close(self) -> None:
        """Let mails leave that wait."""
        await self.mode.close()
