"""The two arms of a gated and audited request: the same write behind the same edges, with gate and entry or without."""

import gc
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import uvicorn
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide

import backend.registry  # noqa: F401  # imports every domain's models
from backend.commands import environment
from backend.domains.access.gatekeeper import AccessGatekeeper
from backend.domains.csuite.repository import ConversationRepository
from backend.kernel.audit.recording import record
from backend.kernel.auth.authentication import Authentication, Principal, TokenCache
from backend.kernel.auth.permissions import GATEKEEPER, requires_permission
from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.orm import new_id
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.db.tenancy import ContextSigner, TenantContext
from backend.kernel.http.edges import edges
from backend.kernel.http.tenant import tenant_from_header
from backend.kernel.limits.limiter import Limit, RateLimiter
from backend.kernel.limits.policies import Policies
from backend.kernel.observe.logging import configure_logging
from backend.settings import Settings
from crypto import Keyring

USER: Final = UUID("019377d2-a1b8-7c3c-9d1f-0c2b5e6a7f80")
TENANT: Final = UUID("019377d2-a1b8-7c3c-9d1f-0c2b5e6a7f81")


async def write(db: Database, tenant: TenantContext, *, audited: bool) -> None:
    """Start a conversation; nobody else waits for its row."""
    async with db.transaction(tenant) as session:
        values = {"id": new_id(), "executive": "ceo", "title": "A talk"}
        row = await ConversationRepository(session, tenant).insert_conversation(values)
        if audited:
            await record(session, "conversation.started", f"conversation:{row.id}", {"executive": "ceo"})


@get("/probe", guards=[requires_permission("chat.use")], dependencies={"tenant": Provide(tenant_from_header)})
async def gated(tenant: NamedDependency[TenantContext], db: NamedDependency[Database]) -> dict[str, str]:
    """As the product's routes are."""
    await write(db, tenant, audited=True)
    return {"status": "ok"}


@get("/probe")
async def plain(db: NamedDependency[Database]) -> dict[str, str]:
    """The same without gate and audit."""
    await write(db, TenantContext(TENANT, USER), audited=False)
    return {"status": "ok"}


class Verifier:
    """Everybody is the one member."""

    async def authenticate(self, token: str) -> Principal:
        """See :class:`~backend.kernel.auth.authentication.Authenticator`."""
        return Principal(USER, "session", datetime(2100, 1, 1, tzinfo=UTC))


def unlimited() -> Policies:
    """Limits that are counted and never reached."""
    high = 10**9
    limits = {name: Limit(name, high, 60) for name in ("address", "user", "tenant", "failures", "lookups")}
    return Policies(**limits, named={})


def create(handler: Any, settings: Settings) -> Litestar:
    """One arm."""
    db = Database(
        create_engine(settings.database_url, pool_size=settings.database_pool_size),
        ContextSigner(Keyring(settings.master_keys), time.time),
    )
    parts = edges(settings, RateLimiter(RedisBatcher(settings.redis_url)), db, version="0", policies=unlimited())
    app = Litestar(
        [handler],
        dependencies={"db": Provide(lambda: db, sync_to_thread=False)},
        state=State({GATEKEEPER: AccessGatekeeper(db)}),
        middleware=parts.middleware(Authentication(TokenCache(Verifier(), now=time.time))),
        exception_handlers=parts.exception_handlers,
        request_class=parts.request_class,
        before_request=parts.before_request,
        openapi_config=None,
        logging_config=None,
        on_startup=[parts.start],
        on_shutdown=[parts.stop, db.close],
    )
    return parts.wrap(app)


def serve(arm: str, port: int) -> None:
    """Serve an arm with the environment's settings."""
    settings = environment.settings()
    configure_logging("production")
    app = create(gated if arm == "gated" else plain, settings)
    gc.collect()
    gc.freeze()  # as `ocsuite api` does
    uvicorn.run(
        app, host="127.0.0.1", port=port, log_config=None, access_log=False, proxy_headers=False, server_header=False
    )


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
