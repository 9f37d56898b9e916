"""Puts the domain together for one of its two modes: local accounts, or Clerk."""

from dataclasses import dataclass
from time import monotonic, time
from urllib.parse import urlsplit

from litestar import Router
from litestar.di import Provide

from backend.domains.identity.account_controllers import AccountController
from backend.domains.identity.account_wiring import LocalAccount, download_router
from backend.domains.identity.clerk import ClerkAuthenticator, ClerkPeople
from backend.domains.identity.controllers import AuthController, MeController
from backend.domains.identity.cookies import Origins, SessionCookies
from backend.domains.identity.jwks import JwksKeys
from backend.domains.identity.known_places import KnownPlaces
from backend.domains.identity.local import LOCAL_ISSUER, LocalAuthenticator, LocalTokens
from backend.domains.identity.passwords import PasswordWorkers
from backend.domains.identity.ports import Addresses, Belongings, Departures
from backend.domains.identity.service import Attempts, LocalAccounts, People, default_attempts
from backend.domains.identity.signing import SigningKeys
from backend.domains.identity.tokens import TokenVerifier
from backend.domains.tenants.ports import Memberships
from backend.kernel.auth.authentication import Revocations, TokenCache
from backend.kernel.egress.client import GuardedClient
from backend.kernel.foundation import Foundation
from backend.kernel.http.provide import provide
from backend.settings import ClerkSettings


@dataclass(frozen=True, slots=True)
class Ports:
    """What identity offers to others and uses itself, and what other domains give to it."""

    addresses: Addresses
    memberships: Memberships
    departures: Departures
    belongings: Belongings


class LocalIdentity:
    """Local accounts: `/auth/*`, `/me`, and the authenticator of our own tokens."""

    def __init__(self, base: Foundation, ports: Ports, attempts: Attempts | None) -> None:
        settings = base.settings
        self.keys = SigningKeys(base.db, base.keyring, now=time, monotonic=monotonic)
        self._passwords = PasswordWorkers()
        parties = settings.web_origins | {settings.api_url}
        verifier = TokenVerifier(self.keys, issuer=LOCAL_ISSUER, authorized_parties=parties, now=time)
        self.authenticator = TokenCache(LocalAuthenticator(verifier), now=time)
        revocations = Revocations(base.batcher)
        self._account = LocalAccount(
            base,
            passwords=self._passwords,
            revocations=revocations,
            departures=ports.departures,
            belongings=ports.belongings,
        )
        accounts = LocalAccounts(
            base.db,
            tokens=LocalTokens(self.keys, now=time),
            passwords=self._passwords,
            limiter=base.limiter,
            revocations=revocations,
            places=KnownPlaces(base.batcher),
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
                client_address=base.client_address,
                addresses=self._account.addresses,
            ),
        )
        links = self._account.links_router(origins, base.client_address)
        own = Router(
            "/",
            route_handlers=[MeController, AccountController],
            dependencies={**_people(base, ports), **self._account.dependencies(cookies)},
        )
        self.routers = [auth, links, own, _download(base, ports)]

    async def start(self) -> None:
        """Load the signing keys."""
        await self.keys.load()

    async def close(self) -> None:
        """Let mails leave that wait, and refuse new password work."""
        await self._account.close()
        self._passwords.close()


class ClerkIdentity:
    """Clerk: `/me` and the authenticator of Clerk's tokens; `/auth/*` does not exist."""

    def __init__(self, base: Foundation, ports: Ports, clerk: ClerkSettings) -> None:
        self._client = GuardedClient([urlsplit(clerk.issuer).netloc], private=base.settings.is_local)
        self.keys = JwksKeys(f"{clerk.issuer}/.well-known/jwks.json", self._client, monotonic=monotonic)
        verifier = TokenVerifier(self.keys, issuer=clerk.issuer, authorized_parties=clerk.authorized_parties, now=time)
        people = ClerkPeople(base.db, monotonic=monotonic)
        self.authenticator = TokenCache(ClerkAuthenticator(verifier, people), now=time)
        me = Router("/", route_handlers=[MeController], dependencies=_people(base, ports))
        self.routers = [me, _download(base, ports)]

    async def start(self) -> None:
        """Begin fetching Clerk's keys."""
        self.keys.start()

    async def close(self) -> None:
        """Stop fetching and close connections."""
        await self.keys.close()
        await self._client.close()


def _people(base: Foundation, ports: Ports) -> dict[str, Provide]:
    return provide(people=People(base.db, ports.memberships, ports.addresses))


def _download(base: Foundation, ports: Ports) -> Router:
    return download_router(base.db, ports.memberships, ports.belongings)
