"""What every domain stands on, made once for each process: database, Redis, keys. Making it connects to nothing."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from time import time
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kernel.db.database import Database, create_engine
from backend.kernel.db.redis import RedisBatcher, create_redis
from backend.kernel.db.tenancy import ContextSigner, TenantContext
from backend.kernel.db.tenant_keys import TenantKeys
from backend.kernel.http.client_address import ClientAddress
from backend.kernel.limits.limiter import RateLimiter
from backend.kernel.runs.streams import EventLog
from backend.settings import Settings
from crypto import Keyring


class Foundation:
    """``wrapped_key`` reads the wrapped data key of a tenant, ``None`` once it was erased."""

    def __init__(
        self, settings: Settings, wrapped_key: Callable[[AsyncSession, UUID], Awaitable[bytes | None]]
    ) -> None:
        self.settings = settings
        self.keyring = Keyring(settings.master_keys)
        self._signer = ContextSigner(self.keyring, time)
        self._databases: list[Database] = []
        self.db = self.database(settings.database_pool_size)
        self.redis: Redis = create_redis(settings.redis_url)
        self._read_wrapped_key = wrapped_key
        self.tenant_keys = TenantKeys(self.keyring, self._wrapped_key)
        self.event_log = EventLog(self.redis)

    @cached_property
    def batcher(self) -> RedisBatcher:
        """Redis for the many small commands of requests; the API's edges start and close it."""
        return RedisBatcher(self.settings.redis_url)

    @cached_property
    def limiter(self) -> RateLimiter:
        """Counts what is limited."""
        return RateLimiter(self.batcher)

    @cached_property
    def client_address(self) -> ClientAddress:
        """Tells where a request comes from."""
        return ClientAddress(self.settings.trusted_proxies)

    def database(self, pool_size: int, command_seconds: float = 30) -> Database:
        """Connections beside :attr:`db`, for commands that may take longer."""
        engine = create_engine(self.settings.database_url, pool_size=pool_size, command_seconds=command_seconds)
        database = Database(engine, self._signer)
        self._databases.append(database)
        return database

    async def _wrapped_key(self, tenant_id: UUID) -> bytes | None:
        async with self.db.transaction(TenantContext(tenant_id, None)) as session:
            return await self._read_wrapped_key(session, tenant_id)

    async def close(self) -> None:
        """Give back every connection."""
        await self.redis.aclose()
        for database in self._databases:
            await database.close()
