"""Streams an export of the log: NDJSON with proofs (``export_lines``), or flat CSV for spreadsheets.

Pages are read as they are sent, by the system: the permission to export is asked for again before each. When it was
lost the stream breaks off, so that nobody takes what has arrived for the whole.
"""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

import msgspec

from backend.domains.audit.chain import Entry, NotCanonical, Seal, checkpoint_of
from backend.domains.audit.export_lines import entry_line, header_line, trailer_line, waiting_line
from backend.domains.audit.keys import open_keys
from backend.domains.audit.pages import ChainPages
from backend.domains.audit.permissions import EXPORT
from backend.domains.audit.repository import EntryFilter, SealedEntry, UnsealedEntry
from backend.kernel.audit.recording import record
from backend.kernel.auth.permissions import StillPermitted
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from crypto import Keyring

ExportForm = Literal["ndjson", "csv"]
Page = TypeVar("Page")
COLUMNS: Final = (
    "seq",
    "id",
    "created_at",
    "actor_kind",
    "actor_user_id",
    "actor_api_key_id",
    "actor_name",
    "action",
    "resource",
    "outcome",
    "meta",
    "request_id",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class PermissionLost(Exception):
    """Whoever exports may not do so any more; ends the stream without its last line."""


class Exporter:
    """Makes exports of a tenant's log."""

    def __init__(self, db: Database, keyring: Keyring, permitted: StillPermitted) -> None:
        self._db = db
        self._keyring = keyring
        self._permitted = permitted

    async def begin(self, context: TenantContext, wanted: EntryFilter, form: ExportForm) -> AsyncGenerator[bytes]:
        """Record the export and look where the log ends; the bytes follow when they are asked for."""
        given = wanted.given
        async with self._db.transaction(context) as session:
            await record(session, "audit.exported", f"audit_log:{context.tenant_id}", {"format": form, **given})
            keys = await open_keys(session, self._keyring)
        pages = await ChainPages.begin(self._db, context.tenant_id, wanted if given else None)
        if form == "csv":
            return self._csv(context, pages)
        moment = datetime.now(UTC)
        header = header_line(context.tenant_id, keys.published, exported_at=moment, filters=given or None)
        return self._ndjson(context, pages, header)

    async def _ndjson(self, context: TenantContext, pages: ChainPages, header: bytes) -> AsyncGenerator[bytes]:
        sealed = waiting = 0
        yield header
        async for page in self._allowed(context, pages.sealed()):
            lines = await asyncio.to_thread(_sealed_lines, page)
            sealed += len(lines)
            if lines:
                yield b"".join(lines)
        async for unsealed in self._allowed(context, pages.unsealed()):
            lines = await asyncio.to_thread(_waiting_lines, unsealed)
            waiting += len(lines)
            yield b"".join(lines)
        checkpoint = None if pages.checkpoint is None else checkpoint_of(context.tenant_id, pages.checkpoint)
        yield trailer_line(checkpoint, sealed=sealed, waiting=waiting)

    async def _csv(self, context: TenantContext, pages: ChainPages) -> AsyncGenerator[bytes]:
        yield _table([COLUMNS])
        async for page in self._allowed(context, pages.sealed()):
            yield await asyncio.to_thread(
                _table, (_cells(row.entry, row.seal) for row in page if row.entry is not None)
            )
        async for unsealed in self._allowed(context, pages.unsealed()):
            yield await asyncio.to_thread(_table, (_cells(row.entry, None) for row in unsealed))

    async def _allowed(self, context: TenantContext, pages: AsyncIterable[Page]) -> AsyncGenerator[Page]:
        """The pages as long as they may be had."""
        async for page in pages:
            if not await self._permitted(context, EXPORT):
                raise PermissionLost
            yield page


def _sealed_lines(page: Iterable[SealedEntry]) -> list[bytes]:
    """Lines of the entries that are there; who verifies the file finds the others missing."""
    lines = []
    for entry, seal, previous in page:
        try:
            if entry is not None:
                lines.append(entry_line(entry, seal, previous))
        except NotCanonical:
            continue  # was never sealed as it stands: missing too
    return lines


def _waiting_lines(page: Iterable[UnsealedEntry]) -> list[bytes]:
    lines = []
    for entry, _ in page:
        try:
            lines.append(waiting_line(entry))
        except NotCanonical:
            continue  # the sealer leaves it out as well
    return lines


def _table(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(entry: Entry, seal: Seal | None) -> list[str]:
    cells = [
        "" if seal is None else str(seal.seq),
        str(entry.id),
        entry.created_at.isoformat(),
        entry.actor_kind,
        str(entry.actor_user_id or ""),
        str(entry.actor_api_key_id or ""),
        entry.actor_name,
        entry.action,
        entry.resource,
        entry.outcome,
        msgspec.json.encode(entry.meta).decode(),
        entry.request_id,
    ]
    # What people named could be run as a formula by whoever opens the file in a spreadsheet.
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]
