"""Rules of local accounts and their sessions, and the signed-in person's own document."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.exc import IntegrityError

import crypto
from backend.domains.identity.account_sessions import printable
from backend.domains.identity.known_places import KnownPlaces
from backend.domains.identity.local import LOCAL_ISSUER, REVOCATION_SECONDS, LocalTokens, session_name, subject_of
from backend.domains.identity.models import UserRow
from backend.domains.identity.passwords import PasswordWorkers
from backend.domains.identity.ports import Addresses
from backend.domains.identity.repository import FoundSession, IdentityRepository
from backend.domains.tenants.ports import Memberships
from backend.kernel.addresses import accepted, fold
from backend.kernel.auth.authentication import Principal, Revocations
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ANONYMOUS, UserContext
from backend.kernel.errors import EmailTaken, SessionExpired, ValidationFailed, WrongCredentials
from backend.kernel.limits.limiter import Hit, Limit, RateLimiter, hashed
from backend.kernel.limits.policies import refusal
from module_sdk.api.identity import Me, SignIn, SignUp, User
from module_sdk.api.problems import FieldError

SESSION_LIFE: Final = timedelta(days=30)
EXTEND_AFTER: Final = timedelta(days=1)
"""A session in use is extended once a day, so that most renewals write nothing."""
_SESSION_TOKEN_MAX: Final = 128
_CHECK_VIOLATION: Final = "23514"


class Attempts(NamedTuple):
    """How often one may try. Accounts are counted by the address as typed, whether or not it exists.

    Each place from where an account was signed in to before is counted by itself: see ``KnownPlaces``.
    """

    sign_in_per_account: Limit
    sign_in_per_client: Limit
    sign_up_per_client: Limit


def default_attempts(*, local: bool) -> Attempts:
    """The product's limits. Locally everybody comes from one address, whose limits are wider therefore."""
    wide = 20 if local else 1
    return Attempts(
        sign_in_per_account=Limit("sign-in-account", 20, 300),
        sign_in_per_client=Limit("sign-in-client", 60 * wide, 300),
        sign_up_per_client=Limit("sign-up-client", 60 * wide, 3600),
    )


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A person's session. ``cookie`` is the session token to store in the browser, ``None`` if the old one stands."""

    user_id: UUID
    session_id: UUID
    cookie: str | None = field(repr=False)


def wire_user(row: UserRow) -> User:
    """The person as the API shows them."""
    return User(id=row.id, email=row.email, full_name=row.full_name, created_at=row.created_at)


class LocalAccounts:
    """Sign-up, sign-in and sessions of local accounts. ``now`` returns Unix seconds.

    No transaction is open while a password is worked on. An unknown address and a wrong password take the same steps:
    one query, one verification, one refusal.
    """

    def __init__(
        self,
        database: Database,
        *,
        tokens: LocalTokens,
        passwords: PasswordWorkers,
        limiter: RateLimiter,
        revocations: Revocations,
        places: KnownPlaces,
        now: Callable[[], float],
        attempts: Attempts,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._passwords = passwords
        self._limiter = limiter
        self._revocations = revocations
        self._places = places
        self._now = now
        self._attempts = attempts

    async def sign_up(self, wanted: SignUp, client: str, user_agent: str = "") -> tuple[User, OpenSession]:
        """A new person with their first session; raises ``EmailTaken``, ``RateLimited``, ``ValidationFailed``."""
        email = wanted.email.strip()
        address = accepted(email)
        await self._hit(Hit(self._attempts.sign_up_per_client, hashed(client)))
        await self._passwords.must_be_strong(wanted.password, [email, wanted.full_name])
        password_hash = await self._passwords.hash(wanted.password)
        user_id = new_id()
        try:
            async with self._database.transaction(UserContext(user_id)) as session:
                repository = IdentityRepository(session)
                await repository.insert_user(
                    user_id, issuer=LOCAL_ISSUER, subject=subject_of(user_id), email=email, full_name=wanted.full_name
                )
                if not await repository.insert_credentials(user_id, address, password_hash):
                    raise EmailTaken
                opened = await self._open(repository, user_id, client, user_agent)
                user = await repository.user(user_id)
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != _CHECK_VIOLATION:
                raise
            # Letters that the database's Unicode folds and Python's, being older, does not know.
            problem = FieldError(path="$.email", message="Contains letters that are not supported")
            raise ValidationFailed(errors=[problem]) from None
        assert user is not None
        await self._places.remember(address, client)
        return wire_user(user), opened

    async def sign_in(self, given: SignIn, client: str, user_agent: str = "") -> tuple[User, OpenSession]:
        """A new session of an account; raises ``WrongCredentials`` or ``RateLimited``."""
        address = fold(given.email)
        await self._hit(
            Hit(self._attempts.sign_in_per_client, hashed(client)),
            Hit(self._attempts.sign_in_per_account, await self._places.subject(address, client)),
        )
        async with self._database.transaction(ANONYMOUS) as session:
            found = await IdentityRepository(session).find_credentials(address)
        fits = await self._passwords.verify(found.password_hash if found else None, given.password)
        if found is None or not fits:
            raise WrongCredentials
        stale = crypto.password_needs_rehash(found.password_hash)
        fresh_hash = await self._passwords.hash(given.password) if stale else None
        async with self._database.transaction(UserContext(found.user_id)) as session:
            repository = IdentityRepository(session)
            user = await repository.user(found.user_id)
            if user is None:
                raise WrongCredentials
            if fresh_hash is not None:
                await repository.replace_hash(found.user_id, fresh_hash)
            opened = await self._open(repository, found.user_id, client, user_agent)
        await self._places.remember(address, client)
        return wire_user(user), opened

    async def renew(self, cookie: str, client: str = "") -> OpenSession:
        """The session of a cookie, seen at ``client`` and extended if that is due; raises ``SessionExpired``."""
        found = await self._seen(cookie, client)
        if found is None:
            raise SessionExpired
        until = self._until()
        if until - found.expires_at < EXTEND_AFTER:
            return OpenSession(found.user_id, found.id, None)
        async with self._database.transaction(UserContext(found.user_id)) as session:
            if not await IdentityRepository(session).extend_session(found.id, until):
                raise SessionExpired
        return OpenSession(found.user_id, found.id, cookie)

    async def sign_out(self, cookie: str) -> None:
        """End the session of a cookie and refuse its access tokens at once; an unknown cookie is no error."""
        found = await self._find(cookie)
        if found is None:
            return
        async with self._database.transaction(UserContext(found.user_id)) as session:
            await IdentityRepository(session).end_session(found.id)
        await self._revocations.revoke(session_name(found.id), REVOCATION_SECONDS)

    async def access_token(self, opened: OpenSession, party: str) -> str:
        """A fresh access token of a session, for the origin ``party``."""
        return await self._tokens.issue(opened.user_id, opened.session_id, party)

    async def _find(self, cookie: str) -> FoundSession | None:
        if len(cookie) > _SESSION_TOKEN_MAX:
            return None
        async with self._database.transaction(ANONYMOUS) as session:
            return await IdentityRepository(session).find_session(crypto.hash_token(cookie))

    async def _seen(self, cookie: str, client: str) -> FoundSession | None:
        if len(cookie) > _SESSION_TOKEN_MAX:
            return None
        async with self._database.transaction(ANONYMOUS) as session:
            return await IdentityRepository(session).use_session(crypto.hash_token(cookie), client)

    async def _open(self, repository: IdentityRepository, user_id: UUID, client: str, user_agent: str) -> OpenSession:
        session_id, cookie = new_id(), crypto.new_token()
        seen = {"address": client, "user_agent": printable(user_agent)}
        await repository.insert_session(session_id, user_id, crypto.hash_token(cookie), self._until(), **seen)
        return OpenSession(user_id, session_id, cookie)

    def _until(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC) + SESSION_LIFE

    async def _hit(self, *checks: Hit) -> None:
        verdict = await self._limiter.hit(checks)
        if not verdict.allowed:
            raise refusal(verdict)


class People:
    """What a signed-in person sees of themselves, whoever vouches for them."""

    def __init__(self, database: Database, memberships: Memberships, addresses: Addresses) -> None:
        self._database = database
        self._memberships = memberships
        self._addresses = addresses

    async def me(self, principal: Principal) -> Me:
        """The person with every membership; raises ``SessionExpired`` if they have been deleted."""
        async with self._database.transaction(principal.context) as session:
            user = await IdentityRepository(session).user(principal.user_id)
            if user is None:
                raise SessionExpired
            memberships = await self._memberships.of(session)
            proven = await self._addresses.is_proven(session, principal.user_id)
            return Me(user=wire_user(user), memberships=memberships, email_unconfirmed=not proven)
