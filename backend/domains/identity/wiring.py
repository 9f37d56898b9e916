"""Puts the domain together for one of its two modes: local accounts, or Clerk."""

from dataclasses import dataclass
from time import monotonic, time
from urllib.parse import urlsplit

from litestar import Router
from litestar.di import Provide

from backend.domains.identity.account_controllers import AccountController
from backend.domains.identity.account_wiring import LocalAccount, ProvenByClerk, download_router
from backend.domains.identity.clerk import ClerkAuthenticator, ClerkPeople
from backend.domains.identity.controllers import AuthController, MeController
from backend.domains.identity.cookies import Origins, SessionCookies
from backend.domains.identity.jwks import JwksKeys
from backend.domains.identity.known_places import KnownPlaces
from backend.domains.identity.local import LOCAL_ISSUER, LocalAuthenticator, LocalTokens
from backend.domains.identity.passwords import PasswordWorkers
from backend.domains.identity.ports import Addresses, Belongings, Departures, Memberships
from backend.domains.identity.service import Attempts, LocalAccounts, People, default_attempts
from backend.domains.identity.signing import SigningKeys
from backend.domains.identity.tokens import TokenVerifier
from backend.kernel.auth.authentication import Revocations, TokenCache
from backend.kernel.db.database import Database
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.egress.client import GuardedClient
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.provide import provide
from backend.kernel.limits.limiter import RateLimiter
from backend.settings import ClerkSettings, Settings
from crypto import Keyring


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rest of the product gives to identity."""

    settings: Settings
    database: Database
    keyring: Keyring
    redis: RedisBatcher
    limiter: RateLimiter
    client_address: ClientAddress
    memberships: Memberships
    departures: Departures
    belongings: Belongings


class LocalIdentity:
    """Local accounts: `/auth/*`, `/me`, and the authenticator of our own tokens."""

    def __init__(self, parts: Parts, attempts: Attempts | None = None) -> None:
        settings = parts.settings
        self.keys = SigningKeys(parts.database, parts.keyring, now=time, monotonic=monotonic)
        self._passwords = PasswordWorkers()
        parties = settings.web_origins | {settings.api_url}
        verifier = TokenVerifier(self.keys, issuer=LOCAL_ISSUER, authorized_parties=parties, now=time)
        self.authenticator = TokenCache(LocalAuthenticator(verifier), now=time)
        revocations = Revocations(parts.redis)
        self._account = LocalAccount(
            settings,
            parts.database,
            passwords=self._passwords,
            limiter=parts.limiter,
            revocations=revocations,
            departures=parts.departures,
            belongings=parts.belongings,
        )
        self.addresses = self._account.addresses
        accounts = LocalAccounts(
            parts.database,
            tokens=LocalTokens(self.keys, now=time),
            passwords=self._passwords,
            limiter=parts.limiter,
            revocations=revocations,
            places=KnownPlaces(parts.redis),
            now=time,
            attempts=attempts or default_attempts(local=settings.is_local),
        )
        origins = Origins(settings.web_origins, settings.api_url)
        cookies = SessionCookies(secure=not settings.is_local)
        auth = Router(
            "/",
            route_handlers=[AuthController],
            guards=[origins],
            dependencies=provide(
                accounts=accounts,
                session_cookies=cookies,
                origins=origins,
                client_address=parts.client_address,
                addresses=self.addresses,
            ),
        )
        links = self._account.links_router(origins, parts.client_address)
        own = Router(
            "/",
            route_handlers=[MeController, AccountController],
            dependencies={**_people(parts, self.addresses), **self._account.dependencies(cookies)},
        )
        self.routers = [auth, links, own, _download(parts)]

    async def start(self) -> None:
        """Load the signing keys."""
        await self.keys.load()

    async def close(self) -> None:
        """Let mails leave that wait, and refuse new password work."""
        await self._account.close()
        self._passwords.close()


class ClerkIdentity:
    """Clerk: `/me` and the authenticator of Clerk's tokens; `/auth/*` does not exist."""

    def __init__(self, parts: Parts, clerk: ClerkSettings) -> None:
        self._client = GuardedClient([urlsplit(clerk.issuer).netloc], private=parts.settings.is_local)
        self.keys = JwksKeys(f"{clerk.issuer}/.well-known/jwks.json", self._client, monotonic=monotonic)
        verifier = TokenVerifier(self.keys, issuer=clerk.issuer, authorized_parties=clerk.authorized_parties, now=time)
        people = ClerkPeople(parts.database, monotonic=monotonic)
        self.authenticator = TokenCache(ClerkAuthenticator(verifier, people), now=time)
        self.addresses = ProvenByClerk()
        me = Router("/", route_handlers=[MeController], dependencies=_people(parts, self.addresses))
        self.routers = [me, _download(parts)]

    async def start(self) -> None:
        """Begin fetching Clerk's keys."""
        self.keys.start()

    async def close(self) -> None:
        """Stop fetching and close connections."""
        await self.keys.close()
        await self._client.close()


Identity = LocalIdentity | ClerkIdentity


def create_identity(parts: Parts, attempts: Attempts | None = None) -> Identity:
    """The domain in the mode that the settings name."""
    clerk = parts.settings.clerk
    return LocalIdentity(parts, attempts) if clerk is None else ClerkIdentity(parts, clerk)


def _people(parts: Parts, addresses: Addresses) -> dict[str, Provide]:
    return provide(people=People(parts.database, parts.memberships, addresses))


def _download(parts: Parts) -> Router:
    return download_router(parts.database, parts.memberships, parts.belongings)
