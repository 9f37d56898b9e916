"""Deleting one's account: what becomes of one's companies, told before and done at once, each in its own context."""

from datetime import UTC, datetime
from uuid import UUID

from backend.domains.identity.account_errors import OwnsCompanies
from backend.domains.identity.account_repository import AccountRepository, Holding
from backend.domains.identity.account_service import Parts
from backend.domains.identity.ports import Belongings, Departures
from backend.kernel.addresses import fold
from backend.kernel.auth.authentication import Principal
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import ValidationFailed
from module_sdk.api.account import (
    AccountDeleted,
    AccountDeletionPlan,
    AccountDeletionRequest,
    CompanyFate,
    Fate,
)
from module_sdk.api.identity import TenantRef
from module_sdk.api.problems import FieldError


class DeletionService:
    """What deleting an account means, and doing it."""

    def __init__(self, parts: Parts, departures: Departures, belongings: Belongings) -> None:
        self._parts = parts
        self._departures = departures
        self._belongings = belongings

    async def plan(self, principal: Principal) -> AccountDeletionPlan:
        """What becomes of each company, oldest first."""
        return AccountDeletionPlan(companies=[fate_of(one) for one in await self._holdings(principal)])

    async def delete(self, principal: Principal, body: AccountDeletionRequest) -> AccountDeleted:
        """Leave every company, or ask for its erasure where nobody else is in it; then end the account.

        What was done stays done if a later step fails: asking again goes on from there. Raises ``WrongPassword``,
        ``ValidationFailed`` for another address than one's own, ``OwnsCompanies``.
        """
        parts = self._parts
        await parts.must_know_password(principal, body.password)
        user = await parts.person(principal)
        if fold(body.confirmation) != fold(user.email or ""):
            message = "Must be the e-mail address of your account"
            raise ValidationFailed(errors=[FieldError(path="$.confirmation", message=message)])
        before = await self._holdings(principal)
        _must_be_free(before)
        for one in before:
            await self._part_with(one, principal.user_id)
        async with parts.database.transaction(principal.context) as session:
            repository = AccountRepository(session)
            after = {one.tenant_id: one for one in await repository.holdings()}
            ended = [row.id for row in await repository.sessions(principal.user_id)]
            if not await repository.close():
                raise OwnsCompanies("You joined or founded a company meanwhile. Look at what becomes of it first.")
        await parts.sessions.refuse(ended)
        fates = [fate_of(after.get(one.tenant_id, one)) for one in before]
        if user.email is not None:
            parts.post.later(parts.post.farewell(user.email, user.full_name, [in_words(fate) for fate in fates]))
        return AccountDeleted(user_id=principal.user_id, deleted_at=datetime.now(UTC), companies=fates)

    async def _holdings(self, principal: Principal) -> list[Holding]:
        async with self._parts.database.transaction(principal.context) as session:
            return await AccountRepository(session).holdings()

    async def _part_with(self, one: Holding, user_id: UUID) -> None:
        context = TenantContext(one.tenant_id, user_id)
        async with self._parts.database.transaction(context) as session:
            if _fate(one) == "left":
                await self._belongings.forget(session, context)
                await self._departures.leave(session, context)
            elif one.erase_after is None:
                await self._departures.request_erasure(session, context, one.slug)


def fate_of(one: Holding) -> CompanyFate:
    """What becomes of a company when its member goes."""
    tenant = TenantRef(id=one.tenant_id, name=one.name, slug=one.slug)
    return CompanyFate(tenant=tenant, fate=_fate(one), erase_after=one.erase_after)


def in_words(fate: CompanyFate) -> str:
    """A line of the farewell."""
    if fate.fate == "left":
        return f"You have left {fate.tenant.name}."
    due = f" after {fate.erase_after:%d %B %Y}" if fate.erase_after is not None else ""
    return f"{fate.tenant.name} will be erased{due}."


def _fate(one: Holding) -> Fate:
    if not one.only_owner:
        return "left"
    return "erased" if one.members == 1 or one.erase_after is not None else "blocked"


def _must_be_free(holdings: list[Holding]) -> None:
    blocked = [one for one in holdings if _fate(one) == "blocked"]
    if blocked:
        names = ", ".join(one.name for one in blocked)
        raise OwnsCompanies(
            f"Hand over ownership of {names}, or ask for its deletion, first.",
            extra={"companies": [{"id": str(one.tenant_id), "name": one.name} for one in blocked]},
        )
