"""Puts a person's own account together: with local accounts all of it, with Clerk the download alone."""

from litestar import Router
from litestar.di import Provide

from backend.domains.identity.account_controllers import DownloadController, LinksController
from backend.domains.identity.account_deletion import DeletionService
from backend.domains.identity.account_export import AccountExport
from backend.domains.identity.account_links import Links
from backend.domains.identity.account_mail import AccountPost
from backend.domains.identity.account_service import AddressService, Parts, PasswordService, default_limits
from backend.domains.identity.account_sessions import Sessions
from backend.domains.identity.cookies import Origins, SessionCookies
from backend.domains.identity.passwords import PasswordWorkers
from backend.domains.identity.ports import Belongings, Departures
from backend.domains.tenants.ports import Memberships
from backend.kernel.auth.authentication import Revocations
from backend.kernel.db.database import Database
from backend.kernel.foundation import Foundation
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.provide import provide
from backend.kernel.mail.mailer import create_mailer


class LocalAccount:
    """`/me/…`, and the part of `/auth/…` that mails and links belong to."""

    def __init__(
        self,
        base: Foundation,
        *,
        passwords: PasswordWorkers,
        revocations: Revocations,
        departures: Departures,
        belongings: Belongings,
    ) -> None:
        settings, database = base.settings, base.db
        self._post = AccountPost(create_mailer(settings), settings.web_url, configured=settings.mail is not None)
        self._parts = Parts(
            database=database,
            passwords=passwords,
            limiter=base.limiter,
            limits=default_limits(local=settings.is_local),
            sessions=Sessions(database, revocations),
            links=Links(database, settings.web_url),
            post=self._post,
        )
        self.addresses = AddressService(self._parts)
        self._deletions = DeletionService(self._parts, departures, belongings)

    def links_router(self, origins: Origins, client_address: ClientAddress) -> Router:
        """What needs no signing in; for the web app's pages, and for programs."""
        return Router(
            "/",
            route_handlers=[LinksController],
            guards=[origins],
            dependencies=provide(
                password_service=PasswordService(self._parts),
                addresses=self.addresses,
                passwords=self._parts.passwords,
                client_address=client_address,
            ),
        )

    def dependencies(self, cookies: SessionCookies) -> dict[str, Provide]:
        """What :class:`AccountController` asks for."""
        return provide(
            password_service=PasswordService(self._parts),
            addresses=self.addresses,
            account_sessions=self._parts.sessions,
            deletions=self._deletions,
            session_cookies=cookies,
        )

    async def close(self) -> None:
        """Let mails leave that wait."""
        await self._post.close()


def download_router(database: Database, memberships: Memberships, belongings: Belongings) -> Router:
    """`/me/export`, in either mode."""
    export = AccountExport(database, memberships, belongings)
    return Router("/", route_handlers=[DownloadController], dependencies=provide(account_export=export))
