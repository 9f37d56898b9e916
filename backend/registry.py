"""The list of domains: what each needs is made here, once, and bound to the others' ports."""

from time import time
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.di import Provide
from litestar.types import ControllerRouterHandler
from redis.asyncio import Redis

from backend.departures import CompanyDepartures
from backend.domains.access import permissions as access_permissions
from backend.domains.access.gatekeeper import AccessGatekeeper
from backend.domains.access.invitation_controllers import InvitationsController, InvitedController
from backend.domains.access.invitation_mail import InvitationPost
from backend.domains.access.key_controllers import KeysController
from backend.domains.access.key_tokens import KeyMaker, KeyOrSession
from backend.domains.access.role_controllers import RolesController
from backend.domains.access.team_controllers import TeamController
from backend.domains.audit import permissions as audit_permissions
from backend.domains.audit.access import AuditPorts
from backend.domains.audit.controllers import AuditController, AuditVerificationController
from backend.domains.audit.exporting import Exporter
from backend.domains.audit.sealer import Sealer
from backend.domains.audit.verification import Verifications
from backend.domains.audit.witness import Witness
from backend.domains.csuite import permissions as csuite_permissions
from backend.domains.csuite.belongings import Conversations
from backend.domains.csuite.controllers import BoardController, ChatController, ConversationsController
from backend.domains.csuite.follow import Follower
from backend.domains.csuite.generation import Generator
from backend.domains.csuite.providers.factory import create_provider
from backend.domains.dashboard import permissions as dashboard_permissions
from backend.domains.dashboard.controllers import DashboardController
from backend.domains.identity.wiring import Parts, create_identity
from backend.domains.tenants import permissions as tenants_permissions
from backend.domains.tenants.access import TenantPorts, tenant_from_header
from backend.domains.tenants.controllers import TenantController, TenantsController
from backend.domains.tenants.deletion_controllers import DeletionController, ReceiptsController
from backend.domains.tenants.erasure import ERASE_SECONDS, Eraser
from backend.kernel.auth.authentication import Principal
from backend.kernel.auth.permissions import Permission, checked
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.redis import RedisBatcher, create_redis
from backend.kernel.db.tenancy import ContextSigner, TenantContext
from backend.kernel.db.tenant_keys import TenantKeys
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.http.provide import provide
from backend.kernel.limits.limiter import RateLimiter
from backend.kernel.mail.mailer import create_mailer
from backend.kernel.runs.streams import StreamLog
from backend.modules.board_meeting import BoardPreview
from backend.modules.ceo_chat import CeoChat
from backend.modules.demo_metrics import DemoMetrics
from backend.modules.registry import ModuleRegistry
from backend.settings import Settings
from crypto import Keyring

DRAIN_SECONDS = 5.0


def modules() -> ModuleRegistry:
    """The modules of the product."""
    return ModuleRegistry([CeoChat(), BoardPreview(), DemoMetrics()])


def permissions() -> tuple[Permission, ...]:
    """Every permission of the product, in the order in which they are shown."""
    return checked(
        (
            *tenants_permissions.PERMISSIONS,
            *dashboard_permissions.PERMISSIONS,
            *csuite_permissions.PERMISSIONS,
            *access_permissions.PERMISSIONS,
            *audit_permissions.PERMISSIONS,
        )
    )


class Foundation:
    """What API and workers share: database, Redis, keys, and the answers' generator. Making it connects to nothing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keyring = Keyring(settings.master_keys)
        self.db = Database(
            create_engine(settings.database_url, pool_size=settings.database_pool_size),
            ContextSigner(self.keyring, time),
        )
        self.redis: Redis = create_redis(settings.redis_url)
        self.tenants = TenantPorts()
        self.tenant_keys = TenantKeys(self.keyring, self._wrapped_key)
        self.stream_log = StreamLog(self.redis)
        self.generator = Generator(self.db, self.tenant_keys, self.stream_log, create_provider(settings.llm))
        witness = Witness(self.redis)
        self.sealer = Sealer(self.db, self.keyring, witness)
        self.verifications = Verifications(self.db, self.keyring, witness)
        self.audit_log = AuditPorts(self.db, self.keyring, self.sealer, witness)
        patient = create_engine(settings.database_url, pool_size=1, command_seconds=ERASE_SECONDS)
        self._patient_db = Database(patient, ContextSigner(self.keyring, time))
        self.eraser = Eraser(self._patient_db, self.tenant_keys, self.audit_log)

    async def _wrapped_key(self, tenant_id: UUID) -> bytes | None:
        async with self.db.transaction(TenantContext(tenant_id, None)) as session:
            return await self.tenants.wrapped_key(session, tenant_id)

    async def close(self) -> None:
        """Let answers end, then give back every connection."""
        await self.generator.drain(DRAIN_SECONDS)
        await self.redis.aclose()
        await self.db.close()
        await self._patient_db.close()


class Api:
    """The HTTP side: routes, their dependencies, and who authenticates."""

    def __init__(self, base: Foundation, redis: RedisBatcher, limiter: RateLimiter) -> None:
        self.base = base
        self._identity = create_identity(
            Parts(
                settings=base.settings,
                database=base.db,
                keyring=base.keyring,
                redis=redis,
                limiter=limiter,
                client_address=ClientAddress(base.settings.trusted_proxies),
                memberships=base.tenants,
                departures=CompanyDepartures(base.settings.company_grace),
                belongings=Conversations(base.db),
            )
        )
        self._key_maker = KeyMaker(base.keyring)
        self.authenticator = KeyOrSession(base.db, self._identity.authenticator, self._key_maker)
        self.gatekeeper = AccessGatekeeper(base.db)

    @property
    def routes(self) -> list[ControllerRouterHandler]:
        """Every domain's routes."""
        return [
            *self._identity.routers,
            TenantsController,
            TenantController,
            TeamController,
            InvitationsController,
            InvitedController,
            RolesController,
            KeysController,
            DeletionController,
            ReceiptsController,
            ChatController,
            ConversationsController,
            BoardController,
            DashboardController,
            AuditController,
            AuditVerificationController,
        ]

    @property
    def dependencies(self) -> dict[str, Provide]:
        """What handlers may ask for by name."""
        base = self.base

        permitted = self.gatekeeper.still_permitted
        follower = Follower(base.db, base.tenant_keys, base.stream_log, base.generator, permitted)
        return {
            "principal": Provide(_principal, sync_to_thread=False),
            "tenant": Provide(tenant_from_header),
            **provide(
                db=base.db,
                keyring=base.keyring,
                key_maker=self._key_maker,
                allowances=base.settings.allowances,
                company_grace=base.settings.company_grace,
                receipt_signer=base.audit_log,
                companies=base.tenants,
                memberships=base.tenants,
                addresses=self._identity.addresses,
                post_office=InvitationPost(create_mailer(base.settings), base.settings.web_url),
                modules=modules(),
                generator=base.generator,
                follower=follower,
                exporter=Exporter(base.db, base.keyring, permitted),
                verifications=base.verifications,
            ),
        }

    async def start(self) -> None:
        """Load what identity needs."""
        await self._identity.start()

    async def close(self) -> None:
        """Stop in the opposite order."""
        await self._identity.close()
        await self.base.close()


def _principal(request: Request[Principal, None, Any]) -> Principal:
    return request.user
