"""Rules of a person's own local account: name, address, password.

No transaction is open while a password is worked on. What asks for an address says the same of any, and does whatever
depends on it after the answer.
"""

from dataclasses import dataclass
from uuid import UUID

from backend.domains.identity.account_errors import WrongPassword
from backend.domains.identity.account_links import Links, use
from backend.domains.identity.account_mail import AccountPost
from backend.domains.identity.account_repository import AccountRepository
from backend.domains.identity.account_sessions import Sessions, current_session
from backend.domains.identity.models import UserRow
from backend.domains.identity.passwords import PasswordWorkers
from backend.domains.identity.repository import IdentityRepository
from backend.domains.identity.service import wire_user
from backend.kernel.addresses import accepted, fold
from backend.kernel.auth.authentication import Principal
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import ANONYMOUS, UserContext
from backend.kernel.errors import EmailTaken, SessionExpired
from backend.kernel.limits.limiter import Hit, Limit, RateLimiter, hashed
from backend.kernel.limits.policies import refusal
from module_sdk.api.account import EmailChange, EmailChangeStarted, MailPromised, PasswordChange, PasswordReset
from module_sdk.api.identity import User


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """How often one may ask. Addresses are counted as typed, whether or not they have an account."""

    forgot_per_address: Limit
    forgot_per_client: Limit
    mails_per_person: Limit
    passwords_per_person: Limit


def default_limits(*, local: bool) -> AccountLimits:
    """The product's limits. Locally everybody comes from one address, whose limits are wider therefore."""
    wide = 20 if local else 1
    return AccountLimits(
        forgot_per_address=Limit("forgot-address", 5, 3600),
        forgot_per_client=Limit("forgot-client", 20 * wide, 3600),
        mails_per_person=Limit("account-mails", 10, 3600),
        passwords_per_person=Limit("own-password", 10, 300),
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services of an account share."""

    database: Database
    passwords: PasswordWorkers
    limiter: RateLimiter
    limits: AccountLimits
    sessions: Sessions
    links: Links
    post: AccountPost

    async def hit(self, *checks: Hit) -> None:
        """Count a request; raises ``RateLimited``."""
        verdict = await self.limiter.hit(checks)
        if not verdict.allowed:
            raise refusal(verdict)

    async def person(self, principal: Principal) -> UserRow:
        """The person as stored; raises ``SessionExpired`` if they are gone."""
        async with self.database.transaction(principal.context) as session:
            return await stored_person(IdentityRepository(session), principal.user_id)

    async def must_know_password(self, principal: Principal, password: str) -> None:
        """Raise ``WrongPassword`` unless it is the person's, and ``RateLimited`` for trying too often."""
        await self.hit(Hit(self.limits.passwords_per_person, principal.user_id.hex))
        async with self.database.transaction(principal.context) as session:
            stored = await AccountRepository(session).password_hash(principal.user_id)
        if not await self.passwords.verify(stored, password):
            raise WrongPassword


class PasswordService:
    """Forgetting, resetting and changing passwords."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def forgot(self, email: str, client: str) -> MailPromised:
        """Promise a link to whoever has the address. Looking for them is done after the answer."""
        parts, address = self._parts, fold(email)
        limits = parts.limits
        await parts.hit(Hit(limits.forgot_per_client, hashed(client)), Hit(limits.forgot_per_address, hashed(address)))
        parts.post.later(self._send_reset(address))
        return MailPromised(mail_configured=parts.post.configured)

    async def reset(self, body: PasswordReset) -> None:
        """Use a link; raises ``LinkInvalid``, ``ValidationFailed`` for a weak password, which leaves the link good.

        Every session ends. A link that came by mail proves the address that it was sent to.
        """
        parts = self._parts
        link, _ = await parts.links.found(body.token, "reset_password")
        context = UserContext(link.user_id)
        async with parts.database.transaction(context) as session:
            user = await stored_person(IdentityRepository(session), link.user_id)
        await parts.passwords.must_be_strong(body.password, known_of(user))
        password_hash = await parts.passwords.hash(body.password)
        async with parts.database.transaction(context) as session:
            repository = AccountRepository(session)
            await use(session, link, body.token)
            await IdentityRepository(session).replace_hash(link.user_id, password_hash)
            await repository.use_up_links(link.user_id, "change_email")
            if link.email is not None and link.email == user.email:
                await repository.put_address(link.user_id, link.email, fold(link.email), proven=True)
            ended = await repository.end_sessions(link.user_id)
        await parts.sessions.refuse(ended)
        self._tell_changed(user)

    async def change(self, principal: Principal, body: PasswordChange) -> None:
        """Another password, for whoever knows the present one; every other session ends."""
        parts = self._parts
        await parts.must_know_password(principal, body.current_password)
        user = await parts.person(principal)
        await parts.passwords.must_be_strong(body.new_password, known_of(user), "new_password")
        password_hash = await parts.passwords.hash(body.new_password)
        async with parts.database.transaction(principal.context) as session:
            repository = AccountRepository(session)
            await IdentityRepository(session).replace_hash(principal.user_id, password_hash)
            await repository.use_up_links(principal.user_id, "reset_password", "change_email")
            ended = await repository.end_sessions(principal.user_id, but=current_session(principal))
        await parts.sessions.refuse(ended)
        self._tell_changed(user)

    def _tell_changed(self, user: UserRow) -> None:
        if user.email is not None:
            self._parts.post.later(self._parts.post.password_changed(user.email, user.full_name))

    async def _send_reset(self, address: str) -> None:
        parts = self._parts
        if not parts.post.configured:
            return
        async with parts.database.transaction(ANONYMOUS) as session:
            found = await IdentityRepository(session).find_credentials(address)
        if found is None:
            return
        async with parts.database.transaction(UserContext(found.user_id)) as session:
            user = await IdentityRepository(session).user(found.user_id)
        if user is not None and user.email is not None:
            await parts.post.reset(
                user.email, user.full_name, await parts.links.draw(user.id, "reset_password", user.email)
            )


class AddressService:
    """Name and address, and the proof of the latter. Implements ``Addresses``."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def rename(self, principal: Principal, full_name: str) -> User:
        """Another name."""
        async with self._parts.database.transaction(principal.context) as session:
            await AccountRepository(session).rename(principal.user_id, full_name.strip())
            return wire_user(await stored_person(IdentityRepository(session), principal.user_id))

    def greet(self, user: User) -> None:
        """Send a new person the link that proves their address."""
        if self._parts.post.configured and user.email is not None:
            self._parts.post.later(self._send_confirmation(user.id, user.email, user.full_name))

    async def send_again(self, principal: Principal) -> MailPromised:
        """The link that proves the present address, once more; nothing for one that is proven."""
        parts = self._parts
        await parts.hit(Hit(parts.limits.mails_per_person, principal.user_id.hex))
        user = await parts.person(principal)
        if user.email != user.confirmed_email:
            self.greet(wire_user(user))
        return MailPromised(mail_configured=parts.post.configured)

    async def change(self, principal: Principal, body: EmailChange) -> EmailChangeStarted:
        """Another address: by a link that is sent there, while the present one is told.

        Where no mail is set up nothing could prove it: the change is made at once, and ``EmailTaken`` raised. In either
        case ``ValidationFailed`` for an address that misleads the eye.
        """
        parts = self._parts
        await parts.must_know_password(principal, body.password)
        email = body.email.strip()
        folded = accepted(email)
        user = await parts.person(principal)
        if not parts.post.configured:
            async with parts.database.transaction(principal.context) as session:
                if not await AccountRepository(session).put_address(user.id, email, folded, proven=False):
                    raise EmailTaken
            return EmailChangeStarted(email=email, mail="not_configured")
        await parts.hit(Hit(parts.limits.mails_per_person, principal.user_id.hex))
        parts.post.later(self._send_change(user, email))
        return EmailChangeStarted(email=email, mail="sent")

    async def confirm(self, token: str) -> str:
        """Use a link that proves an address; raises ``LinkInvalid``, ``EmailTaken`` if somebody has it by now."""
        link, purpose = await self._parts.links.found(token, "confirm_email", "change_email")
        async with self._parts.database.transaction(UserContext(link.user_id)) as session:
            repository = AccountRepository(session)
            await use(session, link, token)
            user = await stored_person(IdentityRepository(session), link.user_id)
            email = link.email or ""
            if purpose == "change_email":
                await repository.use_up_links(user.id, "reset_password", "confirm_email")
            elif user.email != email:
                return user.email or ""  # changed meanwhile: this link proves nothing of the present address
            if not await repository.put_address(user.id, email, fold(email), proven=True):
                raise EmailTaken
        return email

    async def _send_confirmation(self, user_id: UUID, email: str, name: str) -> None:
        parts = self._parts
        await parts.post.confirm(email, name, await parts.links.draw(user_id, "confirm_email", email))

    async def _send_change(self, user: UserRow, email: str) -> None:
        parts = self._parts
        if user.email is not None:
            await parts.post.change_notice(user.email, user.full_name, email)
        async with parts.database.transaction(ANONYMOUS) as session:
            holder = await IdentityRepository(session).find_credentials(fold(email))
        if holder is not None and holder.user_id != user.id:
            await parts.post.taken(email)
        else:
            await parts.post.change(email, user.full_name, await parts.links.draw(user.id, "change_email", email))


def known_of(user: UserRow) -> list[str]:
    """What everybody may know of a person, and so makes no password."""
    return [text for text in (user.email, user.full_name) if text]


async def stored_person(repository: IdentityRepository, user_id: UUID) -> UserRow:
    """The person; raises ``SessionExpired`` if they are gone."""
    user = await repository.user(user_id)
    if user is None or user.closed_at is not None:
        raise SessionExpired
    return user
