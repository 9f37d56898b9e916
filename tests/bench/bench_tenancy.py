"""What the walls cost: a query under Row-Level Security with a verified context, and a request through the repository.

Both arms of each pair run in turns on connections of their own, against the migrated schema and the same rows: 200
tenants with 500 messages each. The baseline is the owner role, which no policy holds, with a plain WHERE.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from backend.devstack import LocalStack
from backend.domains.csuite.models import MessageRow
from backend.domains.csuite.repository import ConversationRepository
from backend.kernel.db.database import SETTING, Database, create_engine
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import ContextSigner, TenantContext
from backend.migrate import migrate
from backend.settings import Settings
from crypto import Keyring

TENANTS: Final = 200
CONVERSATIONS: Final = 10
MESSAGES: Final = 50  # of each conversation
ROWS: Final = 20
ROUNDS: Final = 60
CALLS: Final = 50  # of each arm in a round
QUERY_GOAL: Final = 1.05
REQUEST_GOAL: Final = 1.2

_TEXT: Final = (
    "Revenue grew by eleven percent while churn stayed flat; the pipeline for robots covers two quarters. " * 4
)
_COLUMNS: Final = "id, conversation_id, role, status, content, reply_to_id, provider, model, created_at"
_PLACE: Final = "conversation_id = $1 AND superseded_at IS NULL"
_END: Final = f"ORDER BY id DESC LIMIT {ROWS}"
_WALLED: Final = f"SELECT {_COLUMNS} FROM messages WHERE {_PLACE} {_END}"
_PLAIN: Final = f"SELECT {_COLUMNS} FROM messages WHERE tenant_id = $2 AND {_PLACE} {_END}"
_CONSTANT: Final = _PLAIN.replace("$2", "(SELECT $2::uuid)")

Arm = Callable[["Place"], Awaitable[int]]


class Place(NamedTuple):
    """A conversation to read."""

    tenant_id: UUID
    user_id: UUID
    conversation_id: UUID


def run() -> list[dict[str, Any]]:
    """Two rows: the query alone, and the request through the repository."""
    with LocalStack.temporary() as stack:
        settings = Settings.load(stack.environment())
        return asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> list[dict[str, Any]]:
    keyring = Keyring(settings.master_keys)
    await migrate(settings.database_owner_url, keyring)
    places = await _fill(settings.database_owner_url)
    signer = ContextSigner(keyring, time.time)
    return [await _query_alone(settings, signer, places), await _request(settings, signer, places)]


async def _fill(url: str) -> list[Place]:
    """Rows of every tenant; one conversation of each to read."""
    owner = await asyncpg.connect(url)
    user = new_id()
    await owner.execute("INSERT INTO users (id, issuer, subject, full_name) VALUES ($1, 'bench', 'bench', 'B')", user)
    places, conversations, messages = [], [], []
    for number in range(TENANTS):
        tenant = new_id()
        await owner.execute(
            "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
            "VALUES ($1, 'Bench', $2, 100, 100, 10)",
            tenant,
            f"bench-{number}",
        )
        mine = [new_id() for _ in range(CONVERSATIONS)]
        conversations += [(tenant, conversation, user, "ceo", "A talk") for conversation in mine]
        places.append(Place(tenant, user, mine[number % CONVERSATIONS]))
        # Written in turns, as people do, so that a conversation's rows do not lie side by side.
        for turn in range(MESSAGES):
            role = "assistant" if turn % 2 else "user"
            messages += [(tenant, new_id(), conversation, role, "completed", _TEXT) for conversation in mine]
    await owner.copy_records_to_table(
        "conversations", records=conversations, columns=("tenant_id", "id", "user_id", "executive", "title")
    )
    await owner.copy_records_to_table(
        "messages", records=messages, columns=("tenant_id", "id", "conversation_id", "role", "status", "content")
    )
    await owner.execute("VACUUM ANALYZE")
    await owner.close()
    return places


async def _query_alone(settings: Settings, signer: ContextSigner, places: list[Place]) -> dict[str, Any]:
    walled, plain = await asyncpg.connect(settings.database_url), await asyncpg.connect(settings.database_owner_url)
    place = places[TENANTS // 2]
    async with walled.transaction(), plain.transaction():
        signed = signer.sign(TenantContext(place.tenant_id, place.user_id), walled.get_server_pid())
        await walled.execute("SELECT set_config($1, $2, true)", SETTING, signed)
        inside, outside = await walled.prepare(_WALLED), await plain.prepare(_PLAIN)
        floor = await plain.prepare(_CONSTANT)

        async def under_the_policy(place: Place) -> int:
            return len(await inside.fetch(place.conversation_id))

        async def plain_where(place: Place) -> int:
            return len(await outside.fetch(place.conversation_id, place.tenant_id))

        async def constant(place: Place) -> int:
            return len(await floor.fetch(place.conversation_id, place.tenant_id))

        ours, baseline, least = await _in_turns([under_the_policy, plain_where, constant], [place])
    await walled.close()
    await plain.close()
    return _row(
        "tenant query by index under RLS, signed context",
        "the same query with a plain WHERE",
        QUERY_GOAL,
        ours,
        baseline,
        "prepared, in an open transaction: every statement verifies the context anew, by two SHA-256 with a key from a "
        f"table; a constant in the policy's sub-select would already cost {least / baseline:.3f}",
    )


async def _request(settings: Settings, signer: ContextSigner, places: list[Place]) -> dict[str, Any]:
    database = Database(create_engine(settings.database_url, pool_size=1), signer)
    plain = create_async_engine(f"postgresql+asyncpg://{settings.database_owner_url.partition('://')[2]}", pool_size=1)

    async def through_the_repository(place: Place) -> int:
        context = TenantContext(place.tenant_id, place.user_id)
        async with database.transaction(context) as session:
            return len(await ConversationRepository(session, context).messages(place.conversation_id, ROWS, None))

    async def unscoped(place: Place) -> int:
        query = (
            select(MessageRow)
            .where(
                MessageRow.tenant_id == place.tenant_id,
                MessageRow.conversation_id == place.conversation_id,
                MessageRow.superseded_at.is_(None),
            )
            .order_by(MessageRow.id.desc())
            .limit(ROWS)
        )
        async with AsyncSession(plain, expire_on_commit=False) as session, session.begin():
            return len(list(await session.scalars(query)))

    ours, baseline = await _in_turns([through_the_repository, unscoped], places)
    await database.close()
    await plain.dispose()
    return _row(
        f"the same request for {ROWS} rows through the repository, context signed, opened and verified",
        "the same through SQLAlchemy, unscoped, plain WHERE",
        REQUEST_GOAL,
        ours,
        baseline,
        "each request its own transaction on a pooled connection, every request another tenant",
    )


async def _in_turns(arms: list[Arm], places: list[Place]) -> list[float]:
    """Median µs of a call of each arm. They take turns in blocks, the first of a round last in the next."""
    taken: list[list[float]] = [[] for _ in arms]
    for round_number in range(ROUNDS + 2):
        turns = list(zip(arms, taken, strict=True))
        for arm, times in turns if round_number % 2 else turns[::-1]:
            for call in range(CALLS):
                place = places[(round_number * CALLS + call) % len(places)]
                begun = time.perf_counter()
                found = await arm(place)
                if round_number >= 2:  # the first rounds fill caches
                    times.append(time.perf_counter() - begun)
                if found != ROWS:
                    raise RuntimeError(f"{found} rows instead of {ROWS}")
    return [statistics.median(times) * 1e6 for times in taken]


def _row(what: str, against: str, goal: float, ours: float, baseline: float, note: str) -> dict[str, Any]:
    ratio = ours / baseline
    return {
        "what": what,
        "against": against,
        "goal": f"≤ {goal}",
        "ours": round(ours, 1),
        "baseline": round(baseline, 1),
        "ratio": round(ratio, 3),
        "unit": "µs",
        "reached": ratio <= goal,
        "note": f"{TENANTS} tenants of {CONVERSATIONS * MESSAGES} messages; {note}; median of {ROUNDS * CALLS} calls",
    }


if __name__ == "__main__":
    for line in run():
        print(line)
