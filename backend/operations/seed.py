"""Fills a database with the demonstration companies, as the application role and in signed contexts throughout.

Ids follow from names, so that a second run finds what the first one made; a run that was killed is completed by the
next. What people changed since is left as it is.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from uuid_utils.compat import uuid7

import crypto
from backend.domains.access.api_keys import KeyService
from backend.domains.access.gatekeeper import admission
from backend.domains.access.invitations import InvitationService, accept
from backend.domains.access.key_tokens import KeyMaker
from backend.domains.access.roles import RoleService
from backend.domains.csuite.providers.mock import MockProvider, compose
from backend.domains.csuite.questions import title_of
from backend.domains.csuite.repository import ConversationRepository
from backend.domains.identity.local import LOCAL_ISSUER, subject_of
from backend.domains.identity.repository import IdentityRepository
from backend.domains.tenants.adapters import CompaniesAdapter
from backend.domains.tenants.repository import TenantRepository
from backend.domains.tenants.service import TenantService
from backend.kernel.addresses import fold
from backend.kernel.auth.permissions import OWNER
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.tenancy import ANONYMOUS, ContextSigner, TenantContext, UserContext
from backend.kernel.errors import LimitReached, SlugTaken
from backend.operations.demo import COMPANIES, DemoCompany, DemoPerson, DemoTalk, everybody
from backend.operations.errors import Echo, OperationFailed, OperationRefused, database_problems
from backend.registry import modules
from backend.settings import Settings
from module_sdk.api.access import InvitationCreate
from module_sdk.api.identity import RoleKey
from module_sdk.api.tenants import OnboardingPatch, TenantCreate
from module_sdk.contract.company import CompanyFacts
from module_sdk.contract.module import ChatComposition, ChatModule, ChatTurn

LOCAL_PASSWORD: Final = "demo password 2026"  # noqa: S105  # published on purpose; used in local mode alone
_PAUSE: Final = timedelta(minutes=10)
_LAST_EVENT: Final = 3  # started, one delta, completed: what an answer in one piece has
_LOCK: Final = 0x5EED


async def seed(settings: Settings, echo: Echo, *, outside_local: bool = False) -> Counter[str]:
    """Create what is missing and print how to sign in; counts what was created.

    In local mode every account has the same published password. Elsewhere it refuses unless ``outside_local``, and
    gives the accounts that it creates one random password, shown once. Raises :class:`OperationFailed`.
    """
    if settings.clerk is not None:
        raise OperationRefused("Clerk signs people in here (CLERK_ISSUER is set), so that demo accounts are no use")
    if not settings.is_local and not outside_local:
        raise OperationRefused(
            f"refused in {settings.env}: demonstration data belongs on a developer's machine; --yes insists"
        )
    password = LOCAL_PASSWORD if settings.is_local else crypto.new_token()
    keyring = crypto.Keyring(settings.master_keys)
    database = Database(create_engine(settings.database_url, pool_size=2), ContextSigner(keyring, time))
    try:
        with database_problems():
            created = await _Seeding(settings, database, keyring, password, echo).run()
    finally:
        await database.close()
    _report(created, password, echo, local=settings.is_local)
    return created


def _report(created: Counter[str], password: str, echo: Echo, *, local: bool) -> None:
    if created:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(created.items()))
        echo(f"Created: {counts}.")
    else:
        echo("Nothing to do: the demonstration data is already there, and nothing was changed.")
    if local:
        echo(f"Sign in with the password: {password}")
    elif created["people"]:
        echo(f"Password of the people just created, shown this once: {password}")
    for person, places in everybody().items():
        echo(f"  {person.email:<24} {person.full_name}: {places}")


class _Seeding:
    """One run. Each person, company and conversation is a transaction of its own."""

    def __init__(
        self, settings: Settings, database: Database, keyring: crypto.Keyring, password: str, echo: Echo
    ) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keyring
        self._password = password
        self._echo = echo
        self._now = datetime.now(UTC)
        executive = modules().executive("ceo")
        assert executive is not None
        self._executive: ChatModule = executive
        self._created: Counter[str] = Counter()

    async def run(self) -> Counter[str]:
        """Everything, while a second run at the same time waits."""
        async with self._database.transaction(ANONYMOUS) as turn:
            await turn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for person in everybody():
                await self._person(person)
            for company in COMPANIES:
                await self._company(company)
                for index, talk in enumerate(company.talks):
                    await self._talk(company, company.talk_id(index), talk)
        return self._created

    def _done(self, what: str, name: str) -> None:
        self._created[what] += 1
        self._echo(f"  {what}: {name}")

    async def _person(self, person: DemoPerson) -> None:
        context = UserContext(person.id)
        async with self._database.transaction(context) as session:
            if await IdentityRepository(session).user(person.id) is not None:
                return
        # argon2id takes a tenth of a second, during which no transaction is held.
        password_hash = crypto.hash_password(self._password)
        async with self._database.transaction(context) as session:
            repository = IdentityRepository(session)
            await repository.insert_user(
                person.id,
                issuer=LOCAL_ISSUER,
                subject=subject_of(person.id),
                email=person.email,
                full_name=person.full_name,
            )
            if not await repository.insert_credentials(person.id, fold(person.email), password_hash):
                raise OperationFailed(f"somebody else signed up as {person.email}; use a database of its own")
        self._done("people", person.full_name)

    async def _company(self, company: DemoCompany) -> None:
        """Complete once its wizard is, which is the last step."""
        founder = company.people[0][0]
        context = TenantContext(company.id, founder.id, (OWNER,))
        async with self._database.transaction(context) as session:
            repository, service = TenantRepository(session), TenantService(session, context)
            if await repository.tenant(company.id) is None:
                body = TenantCreate(name=company.name, slug=company.slug)
                try:
                    await service.create(body, self._keyring, self._settings.allowances)
                except SlugTaken:
                    raise OperationFailed(f"another company is called {company.slug}; rename it and repeat") from None
                await service.put_profile(company.profile)
            elif (await service.onboarding()).completed_at is not None:
                return
        await self._team(company)
        self._done("companies", company.name)

    async def _team(self, company: DemoCompany) -> None:
        """Roles, members, open invitations and API keys; then the wizard is done."""
        founder = await self._founder(company)
        async with self._database.transaction(founder) as session:
            roles = RoleService(session, founder)
            known = {role.key for role in (await roles.roles()).items}
            for body in company.roles:
                if body.key not in known:
                    await roles.create(body)
        for person, role in company.people[1:]:
            await self._join(company, founder, person, role)
        async with self._database.transaction(founder) as session:
            for invited in company.invitations:
                await InvitationService(session, founder).create(invited)
            for key in company.api_keys:
                await KeyService(session, founder).create(key, KeyMaker(self._keyring))  # nobody learns its secret
            await TenantService(session, founder).move_onboarding(OnboardingPatch(step="done", skipped="integration"))

    async def _join(self, company: DemoCompany, founder: TenantContext, person: DemoPerson, role: RoleKey) -> None:
        """As people do: the founder invites them, and they accept."""
        if await admission(self._database, company.id, person.id) is not None:
            return
        async with self._database.transaction(founder) as session:
            service = InvitationService(session, founder)
            for earlier in (await service.page(None, 100)).items:
                if earlier.email == fold(person.email):  # of a run that was killed
                    await service.revoke(earlier.id)
            try:
                issued = await service.create(InvitationCreate(email=person.email, roles=[role]))
            except LimitReached:
                raise OperationFailed(f"{company.name} has no room for everybody; raise MEMBERS_MAX") from None
        context = TenantContext(company.id, person.id)
        async with self._database.transaction(context) as session:
            await accept(session, context, issued.token, CompaniesAdapter())

    async def _founder(self, company: DemoCompany) -> TenantContext:
        founder = await admission(self._database, company.id, company.people[0][0].id)
        if founder is None:
            raise OperationFailed(f"{company.people[0][0].full_name} has left {company.name}; use another database")
        return founder

    async def _talk(self, company: DemoCompany, talk_id: UUID, talk: DemoTalk) -> None:
        context = TenantContext(company.id, talk.person.id)
        begun = self._now - talk.ago
        async with self._database.transaction(context) as session:
            repository = ConversationRepository(session, context)
            if await repository.conversation(talk_id) is not None:
                return
            known = await CompaniesAdapter().company(session, context)
            facts = CompanyFacts(name=known.name, profile=known.profile)
            rows = self._messages(talk_id, talk, facts, begun)
            conversation = {
                "id": talk_id,
                "executive": self._executive.executive,
                "title": title_of(talk.questions[0]),
                "created_at": begun,
                "last_message_at": rows[-1]["created_at"],
            }
            await repository.insert_conversation(conversation)
            await repository.insert_messages(rows)
        self._done("conversations", f"{talk.person.full_name}, “{conversation['title']}”")

    def _messages(self, talk_id: UUID, talk: DemoTalk, facts: CompanyFacts, begun: datetime) -> list[Mapping[str, Any]]:
        """Questions and the mock's answers to them, each composed from what came before, as rows."""
        turns: list[ChatTurn] = []
        rows: list[Mapping[str, Any]] = []
        for index, question in enumerate(talk.questions):
            asked_at = begun + index * _PAUSE
            turns.append(ChatTurn(role="user", content=question))
            local = asked_at.astimezone(ZoneInfo(facts.profile.time_zone))
            answer = compose(self._executive.compose(ChatComposition(company=facts, turns=turns, now=local)))
            turns.append(ChatTurn(role="assistant", content=answer))
            asked = _row(talk_id, "user", question, asked_at) | {"last_event_id": 0}
            answered = _row(talk_id, "assistant", answer, asked_at + timedelta(seconds=4)) | {
                "reply_to_id": asked["id"],
                "provider": MockProvider.name,
                "model": MockProvider.model,
                "last_event_id": _LAST_EVENT,
            }
            rows += [asked, answered]
        return rows


def _row(talk_id: UUID, role: str, content: str, at: datetime) -> dict[str, Any]:
    return {
        # Messages are read in the order of their ids, so that an id carries the message's own time.
        "id": uuid7(nanoseconds=int(at.timestamp()) * 1_000_000_000),
        "conversation_id": talk_id,
        "role": role,
        "status": "completed",
        "content": content,
        "created_at": at,
    }
