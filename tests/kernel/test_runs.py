"""Runs of a made-up domain, which writes reports page by page: nothing in `kernel/runs` is about conversations."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Text, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from structlog.testing import capture_logs

from backend.kernel.db import orm
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import NotFound, ProviderTimeout
from backend.kernel.foundation import Foundation
from backend.kernel.runs import follower as following
from backend.kernel.runs.follower import Follower
from backend.kernel.runs.leases import Leased, Leases
from backend.kernel.runs.run import LastEvent, Outcome, Standing
from backend.kernel.runs.runner import Runner
from backend.kernel.runs.streams import Event, LiveStream, RunRef
from backend.registry import Product
from backend.settings import Settings
from migrations import rls
from tests.conftest import SignIn
from tests.support.sse import Frame, frames

TABLE = """CREATE TABLE reports (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE, id uuid NOT NULL, status text NOT NULL,
  why text NOT NULL DEFAULT '', last_event_id int NOT NULL DEFAULT 0, lease_token uuid, lease_expires_at timestamptz,
  stop_requested_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, id))"""
DONE = "report.done"


class Base(DeclarativeBase):
    """Not the product's: its tables are all that a migrated database has."""

    type_annotation_map = orm.Base.type_annotation_map


class ReportRow(Leased, Base):
    """A report."""

    __tablename__ = "reports"

    status: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)


LEASES = Leases(ReportRow, ReportRow.status == "writing")


@dataclass
class Report:
    """A run of three pages, each written when ``pages`` lets it."""

    ref: RunRef
    lease_token: UUID
    live: LiveStream = field(default_factory=LiveStream)
    pages: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    raises: Exception | None = None
    released: int = 0

    async def work(self) -> None:
        for page in (1, 2, 3):
            await self.pages.acquire()
            self.live.publish("report.page", b'{"page":%d}' % page)
        if self.raises is not None:
            raise self.raises

    def flush(self) -> None:
        pass

    async def release(self) -> None:
        self.released += 1


class Ledger:
    """Reports in Postgres; ``known`` stands for the function that looks across tenants."""

    def __init__(self, base: Foundation) -> None:
        self._base = base
        self.known: list[RunRef] = []

    async def begin(self, ref: RunRef) -> Report:
        token = new_id()
        async with self._base.db.transaction(TenantContext(ref.tenant_id, None)) as session:
            lease = {"lease_token": token, "lease_expires_at": text("now() + interval '10 seconds'")}
            await session.execute(
                insert(ReportRow).values(tenant_id=ref.tenant_id, id=ref.id, status="writing", **lease)
            )
        report = Report(ref, token)
        report.live.publish("report.begun", b"{}")
        return report

    async def extend(self, ref: RunRef, token: UUID) -> bool | None:
        async with self._base.db.transaction(TenantContext(ref.tenant_id, None)) as session:
            return await LEASES.extend(session, ref, token)

    async def finish(self, run: Report, outcome: Outcome) -> LastEvent | None:
        why = outcome if isinstance(outcome, str) else outcome.code
        values = {"status": "ended", "why": why, "last_event_id": len(run.live.events) + 1}
        async with self._base.db.transaction(TenantContext(run.ref.tenant_id, None)) as session:
            return last(await LEASES.finish(session, run.ref, run.lease_token, values))

    async def settle(self, ref: RunRef, events: list[Event]) -> LastEvent | None:
        values = {"status": "ended", "why": "lost", "last_event_id": len(events) + 1}
        async with self._base.db.transaction(TenantContext(ref.tenant_id, None)) as session:
            return last(await LEASES.finish_lost(session, ref, values))

    async def request_stop(self, ref: RunRef) -> None:
        async with self._base.db.transaction(TenantContext(ref.tenant_id, None)) as session:
            await LEASES.request_stop(session, ref)

    async def lost(self, most: int) -> list[RunRef]:
        return self.known[:most]

    async def standing(self, context: TenantContext, run_id: UUID) -> Standing | None:
        async with self._base.db.transaction(context) as session:
            row = await session.scalar(select(ReportRow).where(ReportRow.id == run_id))
        if row is None:
            return None
        if row.status == "writing":
            return Standing(lease_over=bool(row.lease_over))
        ended = last(row)
        assert ended is not None
        return Standing(lease_over=False, last=Event(row.last_event_id, *ended), lost=row.why == "lost")


def last(row: ReportRow | None) -> LastEvent | None:
    return None if row is None else (DONE, b'{"why":"%b"}' % row.why.encode())


async def everybody(_context: TenantContext, _permission: str) -> bool:
    return True


@dataclass
class Desk:
    """A process that writes reports, and another one that reads them."""

    context: TenantContext
    base: Foundation
    ledger: Ledger
    runner: Runner[Report]
    elsewhere: Runner[Report]
    root: AsyncEngine

    async def begun(self, pages: int = 0, **options: Any) -> Report:
        """A report of which so many pages may be written."""
        report = await self.ledger.begin(RunRef(self.context.tenant_id, new_id()))
        for name, value in options.items():
            setattr(report, name, value)
        self.runner.begin(report)
        for _ in range(pages):
            report.pages.release()
        return report

    async def read(
        self, report: Report, after: int = 0, *, here: bool = False, context: TenantContext | None = None
    ) -> list[Frame]:
        """All events after a number, as a reader in this process, or in the other one, gets them."""
        reader = self.reader(here=here)
        stream = await reader.resume(context or self.context, "reports.read", report.ref.id, after)
        async with asyncio.timeout(60):
            return frames(b"".join([batch async for batch in stream]))

    def reader(self, permitted: Any = everybody, *, here: bool = False) -> Follower:
        runner = self.runner if here else self.elsewhere
        return Follower(
            self.base.tenant_keys,
            self.base.event_log,
            runner,
            self.ledger,
            endings=frozenset({DONE}),
            permitted=permitted,
        )

    async def sql(self, statement: str, report: Report) -> None:
        """A statement on the report's row, as somebody else."""
        async with self.root.begin() as connection:
            await connection.execute(text(f"UPDATE reports SET {statement} WHERE id = :id"), {"id": report.ref.id})

    async def lose(self, report: Report) -> None:
        """The process that writes it is gone, and its lease has run out."""
        # With another token in the row its process, which is here after all, can write as little as one that is gone.
        await self.sql("lease_token = gen_random_uuid(), lease_expires_at = now() - interval '1 second'", report)
        self.runner.stop(report.ref)
        await asyncio.gather(*self.runner._tasks)  # a heartbeat may have ended it already


def plant(connection: Connection) -> None:
    connection.execute(text(TABLE))
    with Operations.context(MigrationContext.configure(connection)):
        rls.tenant_table("reports")


@pytest.fixture(scope="module")
def table(settings: Settings) -> None:
    """The made-up domain's table, behind the wall that every table has."""

    async def create() -> None:
        async with root(settings) as engine, engine.begin() as connection:
            await connection.run_sync(plant)

    asyncio.run(create())


@asynccontextmanager
async def root(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"postgresql+asyncpg://{settings.database_owner_url.partition('://')[2]}")
    yield engine
    await engine.dispose()


@pytest.fixture
async def desk(table: None, settings: Settings, someone: SignIn) -> AsyncIterator[Desk]:
    member = await (await someone()).found()
    product = Product(settings)
    base, ledger = product.base, Ledger(product.base)
    runner, elsewhere = (Runner[Report](base.tenant_keys, base.event_log, ledger) for _ in range(2))
    context = TenantContext(member.tenant_id, member.person.user_id)
    async with root(settings) as engine:
        yield Desk(context, base, ledger, runner, elsewhere, engine)
        await runner.drain(0)
    await product.close()


async def test_a_reader_continues_after_every_number_wherever_it_reads(desk: Desk) -> None:
    report = await desk.begun(pages=3)
    whole = await desk.read(report, here=True)
    assert [frame.name for frame in whole] == ["report.begun", *["report.page"] * 3, DONE]
    assert [frame.number for frame in whole] == [1, 2, 3, 4, 5]
    assert whole[-1].data == {"why": "completed"}
    for after in range(6):
        expected = [frame.raw for frame in whole[after:]]
        assert [frame.raw for frame in await desk.read(report, after)] == expected
    await desk.base.redis.flushall()  # what is left is the end, in Postgres
    assert [frame.raw for frame in await desk.read(report, 2)] == [whole[-1].raw]
    assert await desk.read(report, 5) == []
    assert report.released >= 1


async def test_a_reader_elsewhere_follows_what_is_still_being_written(desk: Desk) -> None:
    report = await desk.begun(pages=1)
    stream = await desk.reader().resume(desk.context, "reports.read", report.ref.id, 0)
    seen: list[Frame] = []
    async for batch in stream:
        seen += frames(batch)
        if len(seen) == 2:
            report.pages.release()
            report.pages.release()
    assert [frame.number for frame in seen] == [1, 2, 3, 4, 5]


async def test_a_lost_run_is_ended_by_whoever_sees_it_first(desk: Desk) -> None:
    report = await desk.begun(pages=1)
    stream = desk.reader().frames(desk.context, "reports.read", report.ref.id, 0)
    shown = frames(await anext(stream))
    while len(shown) < 2:
        shown += frames(await anext(stream))
    await stream.aclose()
    await desk.lose(report)
    desk.ledger.known = [report.ref]
    assert await desk.elsewhere.settle_lost() == 1
    assert [(frame.number, frame.name) for frame in await desk.read(report)] == [
        (1, "report.begun"),
        (2, "report.page"),
        (3, DONE),
    ]
    assert (await desk.read(report, 2))[0].data == {"why": "lost"}
    # Whoever had seen more than was left behind is told of the end as well.
    assert [(frame.number, frame.name) for frame in await desk.read(report, 7)] == [(8, DONE)]


async def test_a_reader_ends_a_lost_run(desk: Desk) -> None:
    report = await desk.begun()
    await desk.lose(report)
    assert (await desk.read(report))[-1].data == {"why": "lost"}


async def test_one_lost_run_that_cannot_be_ended_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    report, broken = await desk.begun(), RunRef(new_id(), new_id())
    await desk.lose(report)
    desk.ledger.known = [broken, report.ref]
    settle = desk.elsewhere.settle

    async def failing(ref: RunRef) -> None:
        if ref == broken:
            raise RuntimeError("its text is not as it was")
        await settle(ref)

    monkeypatch.setattr(desk.elsewhere, "settle", failing)
    with capture_logs() as logs:
        assert await desk.elsewhere.settle_lost() == 2
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["run_not_settled"]
    assert (await desk.read(report))[-1].data == {"why": "lost"}


async def test_who_lost_the_lease_writes_nothing(desk: Desk) -> None:
    report = await desk.begun()
    with capture_logs() as logs:
        await desk.sql("lease_token = gen_random_uuid(), why = 'another'", report)
        for _ in range(3):
            report.pages.release()
        await asyncio.gather(*desk.runner._tasks)  # a heartbeat may have ended it already
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["lease_lost"]
    assert report.live.closed
    assert DONE not in [event.name for event in report.live.events]
    async with desk.root.connect() as connection:
        row = (await connection.execute(text("SELECT status, why FROM reports"))).all()[-1]
    assert tuple(row) == ("writing", "another")


async def test_a_stop_is_heeded_here_at_once_and_from_elsewhere_at_the_next_heartbeat(desk: Desk) -> None:
    here, asked = await desk.begun(), await desk.begun()
    await asyncio.sleep(0)
    desk.runner.stop(here.ref)
    await desk.ledger.request_stop(asked.ref)
    for report in (here, asked):
        assert (await desk.read(report, here=True))[-1].data == {"why": "stopped"}


@pytest.mark.parametrize(
    ("raises", "why"), [(ProviderTimeout(), "provider_timeout"), (RuntimeError("a bug"), "internal")]
)
async def test_what_fails_ends_as_failed(desk: Desk, raises: Exception, why: str) -> None:
    report = await desk.begun(pages=3, raises=raises)
    assert (await desk.read(report, here=True))[-1].data == {"why": why}
    assert report.released >= 1


async def test_a_run_whose_end_its_process_cannot_store_is_ended_by_a_reader(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_run: Report, _outcome: Outcome) -> LastEvent | None:
        raise ValueError("a bug")

    report = await desk.begun(pages=3)
    monkeypatch.setattr(desk.ledger, "finish", broken)
    with capture_logs() as logs:
        await asyncio.wait(desk.runner._tasks)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["run_not_ended"]
    await desk.sql("lease_expires_at = now() - interval '1 second'", report)
    seen = await desk.read(report, here=True)
    assert [frame.number for frame in seen] == [1, 2, 3, 4, 5]
    assert seen[-1].data == {"why": "lost"}


async def test_a_process_that_ends_leaves_no_run_open(desk: Desk) -> None:
    running, begun_just_now = await desk.begun(pages=1), await desk.begun()
    await desk.runner.drain(0)
    for report in (running, begun_just_now):
        assert (await desk.read(report))[-1].data == {"why": "interrupted"}


async def test_a_reader_that_loses_the_permission_is_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "CHECK_SECONDS", 0.01)
    asked: list[str] = []

    async def permitted(_context: TenantContext, permission: str) -> bool:
        asked.append(permission)
        return len(asked) < 3

    report = await desk.begun(pages=1)
    stream = await desk.reader(permitted, here=True).resume(desk.context, "reports.read", report.ref.id, 0)
    async with asyncio.timeout(20):
        seen = frames(b"".join([batch async for batch in stream]))
    assert [frame.name for frame in seen] == ["report.begun", "report.page"]
    assert asked == ["reports.read"] * 3


async def test_another_company_finds_no_run(desk: Desk, someone: SignIn) -> None:
    report = await desk.begun(pages=3)
    other = await (await someone("Eve Moneypenny")).found("Other")
    with pytest.raises(NotFound):
        await desk.read(report, context=TenantContext(other.tenant_id, other.person.user_id))
