"""A company's log in the real database: appending, sealing and verifying it, and the owner's hands on its rows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.domains.audit.chain_verifier import Verdict
from backend.domains.audit.sealer import Sealer
from backend.domains.audit.verification import Verifications
from backend.domains.audit.witness import HEADS, Witness
from backend.kernel.audit.recording import record
from backend.kernel.db.database import Database
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from crypto import Keyring
from module_sdk.api.audit import AuditCheckpoint


class Parts:
    """What seals and verifies, on the test's database and Redis."""

    def __init__(self, db: Database, keyring: Keyring, redis: Redis, owner: AsyncEngine) -> None:
        self.db = db
        self.keyring = keyring
        self.redis = redis
        self.owner = owner
        self.witness = Witness(redis)
        self.verifications = Verifications(db, keyring, self.witness)

    def sealer(self) -> Sealer:
        """Another sealer."""
        return Sealer(self.db, self.keyring, self.witness)

    async def log(self) -> "Log":
        """The empty log of a new company."""
        tenant_id = new_id()
        async with self.owner.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
                    "VALUES (:id, 'Acme', :slug, 9, 9, 9)"
                ),
                {"id": tenant_id, "slug": f"a-{tenant_id.hex}"},
            )
        return Log(self, tenant_id)


class Log:
    """One company's."""

    def __init__(self, parts: Parts, tenant_id: UUID) -> None:
        self.parts = parts
        self.tenant_id = tenant_id

    async def append(self, count: int) -> None:
        """Entries of the system, in one transaction."""
        async with self.parts.db.transaction(TenantContext(self.tenant_id, None)) as session:
            for number in range(count):
                await record(session, "role.updated", f"role:{number}", {"number": number, "added": ["chat.use"]})

    async def sealed(self, *batches: int) -> "Log":
        """With batches of so many entries, each of which ends in a checkpoint."""
        for batch in batches:
            await self.append(batch)
            assert await self.seal() == batch
        return self

    async def seal(self) -> int:
        """Let a sealer run over every company; how many of this one's entries it sealed."""
        before = await self.count("audit_seals")
        await self.parts.sealer().seal_waiting()
        return await self.count("audit_seals") - before

    async def verify(self, *saved: Any) -> Verdict:
        """Walk over the whole chain."""
        return await self.parts.verifications.walk(self.tenant_id, await self.parts.verifications.keys(), saved)

    async def tamper(self, *statements: str) -> None:
        """Run statements as the owner of the database, in one transaction; ``:tenant`` is this company."""
        async with self.parts.owner.begin() as connection:
            for statement in statements:
                values = {"tenant": self.tenant_id} if ":tenant" in statement else {}
                await connection.execute(text(statement), values)

    async def rows(self, query: str) -> Sequence[Any]:
        """What the owner of the database reads."""
        async with self.parts.owner.connect() as connection:
            return (await connection.execute(text(query), {"tenant": self.tenant_id})).all()

    async def count(self, table: str) -> int:
        """Rows of a table of this company."""
        return int((await self.rows(f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant"))[0][0])

    async def seen(self) -> AuditCheckpoint | None:
        """What the witness keeps."""
        return await self.parts.witness.seen(self.tenant_id, (await self.parts.verifications.keys()).public)

    async def forget_witness(self) -> None:
        """As if Redis had been emptied too."""
        await self.parts.redis.hdel(HEADS, str(self.tenant_id))  # type: ignore[misc]  # annotated as its synchronous twin

    async def remember(self, stored: str | bytes) -> None:
        """Put something where the witness keeps its checkpoint."""
        kept: dict[Any, Any] = {str(self.tenant_id): stored}
        await self.parts.redis.hset(HEADS, mapping=kept)  # type: ignore[misc]  # as above
