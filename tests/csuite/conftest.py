"""An answer whose process is gone, for tests of who ends it and who reads it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from backend.domains.csuite.domain import CSuite
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.runs.follower import Follower
from backend.kernel.runs.streams import LiveStream, RunRef
from backend.registry import Product
from backend.settings import Settings
from tests.conftest import SignIn
from tests.support.people import Member
from tests.support.sse import ask


@dataclass
class Lost:
    """An answer that a process which is gone was writing, and whom it belongs to."""

    context: TenantContext
    ref: RunRef
    product: Product
    redis: Redis

    async def copied(self, *texts: str) -> None:
        """What had reached Redis."""
        live = LiveStream()
        live.publish("message.started", b"{}")
        for said in texts:
            live.publish(
                "message.delta", b'{"message_id":"%b","text":"%b"}' % (str(self.ref.id).encode(), said.encode())
            )
        await self.product.base.event_log.append(
            self.ref, await self.product.base.tenant_keys.get(self.ref.tenant_id), live.events
        )

    def follower(self, permitted: Callable[..., Any] | None = None) -> Follower:
        """A reader in another process than the one that writes."""

        async def always(context: TenantContext, permission: str) -> bool:
            return True

        return self.product.of(CSuite).follower(permitted or always)

    async def status(self) -> tuple[str, str]:
        async with self.product.base.db.transaction(self.context) as session:
            row = (
                await session.execute(text("SELECT status, content FROM messages WHERE id = :id"), {"id": self.ref.id})
            ).one()
        return row.status, row.content

    async def end(self) -> None:
        """The process that writes it ends it after all."""
        async with self.product.base.db.transaction(self.context) as session:
            await session.execute(
                text(
                    "UPDATE messages SET status = 'completed', content = 'Whole.', last_event_id = 9, "
                    "lease_token = NULL, lease_expires_at = NULL WHERE id = :id"
                ),
                {"id": self.ref.id},
            )


@pytest.fixture
async def lost(someone: SignIn, db: Database, settings: Settings) -> AsyncIterator[Lost]:
    member: Member = await (await someone()).found()
    events = await ask(member)
    ref, context = RunRef(member.tenant_id, new_id()), TenantContext(member.tenant_id, member.person.user_id)
    async with db.transaction(context) as session:
        await session.execute(
            text(
                "INSERT INTO messages (tenant_id, id, conversation_id, role, status, content, lease_token, "
                "lease_expires_at) SELECT tenant_id, :id, conversation_id, role, 'streaming', '', id, "
                "now() + interval '1 hour' FROM messages WHERE id = :first"
            ),
            {"id": ref.id, "first": UUID(events[0].data["message"]["id"])},
        )
    product = Product(settings)
    async with Redis.from_url(settings.redis_url) as redis:
        yield Lost(context, ref, product, redis)
    await product.close()
