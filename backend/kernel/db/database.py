"""The application's door to Postgres: a transaction always opens with the signed context of whom it acts for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import QueuePool

from backend.kernel.db.tenancy import Context, ContextSigner, TenantContext

SETTING = "ocsuite.context"
WAIT_SECONDS: Final = 30.0

#: What a statement raises while the database is away: the driver's own errors too, which SQLAlchemy wraps only where it
#: sees them (not those of a connection being opened or asked directly). Timeouts are OSErrors.
DATABASE_AWAY: Final = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


class ContextConnection(asyncpg.Connection):
    """Sends the next transaction's signed context in the same round trip as its BEGIN.

    asyncpg does not pipeline and round trips are most of what a small transaction costs. The context is used once:
    a second transaction on the same connection starts without one and sees no tenant's rows. Nobody's context is sent
    too, as an empty one, so that nothing a session was left with counts.
    """

    next_context: str | None = None

    async def execute(
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109  # asyncpg's own signature
    ) -> str:
        if self.next_context is not None and query.startswith("BEGIN"):
            context, self.next_context = self.next_context, None
            # Only the signer makes this value (ids, digits, dots), so that it can stand in the text of a simple query.
            query = f"{query} SET LOCAL {SETTING} = '{context}';"
        return await super().execute(query, *args, timeout=timeout)


def driver_url(url: str) -> URL:
    """A plain ``postgresql://`` URL for SQLAlchemy over asyncpg; libpq's ``sslmode`` is ``ssl`` there."""
    _, _, rest = url.partition("://")
    made = make_url(f"postgresql+asyncpg://{rest}")
    mode = made.query.get("sslmode")
    return made.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode}) if mode else made


def create_engine(
    url: str, *, pool_size: int = 20, application_name: str = "ocsuite", command_seconds: float = 30
) -> AsyncEngine:
    """An engine over asyncpg; ``url`` is a plain ``postgresql://`` URL. A command ends after ``command_seconds``."""
    return create_async_engine(
        driver_url(url),
        hide_parameters=True,  # what people wrote belongs into no error
        pool_size=pool_size,
        max_overflow=0,  # one that is closed as soon as it is idle costs more than the request that opened it
        pool_timeout=5,
        pool_recycle=1800,
        connect_args={
            "connection_class": ContextConnection,
            "timeout": 5,
            "command_timeout": command_seconds,
            "server_settings": {"application_name": application_name},
        },
    )


class Database:
    """Opens transactions as the application role.

    Whoever finds every connection taken waits for at most ``WAIT_SECONDS``, first come, first served; then they get a
    ``TimeoutError``. A fifth of the connections is kept for what the product does of itself (ending an answer that was
    begun, holding its lease), so that no crowd at the door keeps those inside from leaving.
    """

    def __init__(self, engine: AsyncEngine, signer: ContextSigner) -> None:
        assert isinstance(engine.pool, QueuePool)
        size = engine.pool.size()
        self.engine = engine
        self._signer = signer
        self._turns = asyncio.Semaphore(size)
        self._peoples_turns = asyncio.Semaphore(size - size // 5)

    @asynccontextmanager
    async def transaction(self, context: Context) -> AsyncIterator[AsyncSession]:
        """One transaction in ``context``: committed when the block ends, rolled back when it raises."""
        async with (
            self._connection(context) as (connection, _),
            AsyncSession(bind=connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    async def read_value(self, context: Context, query: str, *arguments: object) -> Any:
        """The first value of a query in one round trip, ``None`` if there is no row.

        For what every request asks: past the ORM, and without BEGIN and COMMIT. ``$1`` stands for the signed context,
        which the query has to put in force by itself for its own transaction; ``$2`` is the first argument.
        """
        async with self._connection(context) as (connection, driver):
            signed, driver.next_context = driver.next_context, None
            try:
                return await driver.fetchval(query, signed, *arguments)
            finally:
                if driver.is_closed():
                    await connection.invalidate()

    @asynccontextmanager
    async def _connection(self, context: Context) -> AsyncIterator[tuple[AsyncConnection, ContextConnection]]:
        """A pooled connection whose next transaction is in ``context``."""
        async with self._turn(context), self.engine.connect() as connection:
            driver = await _driver(connection)
            if driver.is_closed():  # the server went away while the connection lay in the pool
                await connection.invalidate()
                driver = await _driver(connection)
            driver.next_context = self._signer.sign(context, driver.get_server_pid())
            try:
                yield connection, driver
            finally:
                driver.next_context = None

    @asynccontextmanager
    async def _turn(self, context: Context) -> AsyncIterator[None]:
        """The right to one of the pool's connections, which itself would serve a newcomer before those who wait."""
        own = isinstance(context, TenantContext) and context.user_id is None
        doors = (self._turns,) if own else (self._peoples_turns, self._turns)
        async with AsyncExitStack() as held:
            async with asyncio.timeout(WAIT_SECONDS if any(door.locked() for door in doors) else None):
                for door in doors:
                    await held.enter_async_context(door)
            yield

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


async def _driver(connection: AsyncConnection) -> ContextConnection:
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert isinstance(driver, ContextConnection)
    return driver
