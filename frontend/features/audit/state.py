"""The audit log of the chosen company: entries by filter, verification, downloads."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

import reflex as rx

from frontend import words
from frontend.features.audit.views import (
    EXACT,
    Activities,
    EntryView,
    Filters,
    VerifiedView,
    activities,
    download_query,
    entry_view,
    filters_of,
    verified_view,
    wanted,
)
from frontend.kit.paged_list import PagedList, with_paged_lists
from frontend.kit.problems import DeniedView, denied_view
from frontend.platform import runtime
from frontend.platform.problems import DENIED
from frontend.platform.session import Notice, SessionState, notice_of
from module_sdk.api.audit import AuditAction, AuditEntry
from module_sdk.api.base import Page
from module_sdk.api.client import ApiError, TenantClient
from module_sdk.api.client.audit import AuditFilter

AUDIT_PATH: Final = "/audit"
PAGE_ROWS: Final = 50
MEMBER_ROWS: Final = 100
#: A filter offers this many people; there are companies with more, and a select is no way to find one among them.
MOST_PEOPLE: Final = 500


@dataclass(frozen=True)
class PersonChoice:
    """Somebody to filter by."""

    id: str = ""
    name: str = ""


@with_paged_lists
class AuditState(SessionState):
    """What the audit page shows."""

    loaded: bool = False
    failed: bool = False
    problem: Notice = Notice()
    denied: DeniedView = DeniedView()
    entries = PagedList(EntryView)
    people: list[PersonChoice] = []
    activities: list[Activities] = []
    filters: Filters = Filters()
    refreshing: bool = False
    more: bool = False
    fetching_more: bool = False
    verified: VerifiedView = VerifiedView()
    verifying: bool = False
    #: The query of the download route for the entries being shown.
    download: str = ""

    _cursor: str = ""
    _time_zone: str = "UTC"
    _words_of: dict[str, AuditAction] = {}
    _shown: AuditFilter = AuditFilter()

    @rx.var
    def filtered(self) -> bool:
        """Whether anything is filtered."""
        return self.filters != Filters()

    @rx.var
    def backwards(self) -> bool:
        """Whether the days are the wrong way round, so that nothing is looked for."""
        return self.filters.backwards

    @rx.event
    async def load(self) -> Any:
        """Read what the address asks for."""
        before = self.company
        away = await self._enter()
        self.refreshing = False
        if away is not None:
            return away
        if self.company.id != before.id:
            self._forget()
        self.failed, self.denied = False, DeniedView()
        self._tell_of_download()
        async with self._talk(self._fail) as api:
            try:
                await self._read(self._tenant(api))
            except ApiError as error:
                if error.problem.code != DENIED:
                    raise
                self._forget()
                self.denied = denied_view(error.problem, "The audit log is closed to you")
        return None

    @rx.event
    def choose(self, name: str, value: str) -> Any:
        """Set one filter; the address says so, and loads what it asks for."""
        return self._look_for(replace(self.filters, **{name: value}) if name in vars(self.filters) else self.filters)

    @rx.event
    def choose_span(self, span: str) -> Any:
        """Filter by time; exact dates begin with the last week."""
        chosen = replace(self.filters, span=span, first="", last="")
        if span == EXACT:
            today = datetime.now(words.zone(self._time_zone)).date()
            chosen = replace(chosen, first=(today - timedelta(days=6)).isoformat(), last=today.isoformat())
        return self._look_for(chosen)

    @rx.event
    def clear_filters(self) -> Any:
        """Show everything."""
        return self._look_for(Filters())

    @rx.event
    async def load_more(self) -> Any:
        """Append the next page."""
        if not self.more or self.fetching_more:
            return
        self.fetching_more = True
        yield
        async with self._talk() as api:
            page = await self._tenant(api).audit.entries(self._shown, cursor=self._cursor, limit=PAGE_ROWS)
            self.entries.append(*self._views(page.items))
            self._continue_at(page.next_cursor)
        self.fetching_more = False

    @rx.event
    async def verify(self) -> Any:
        """Walk over the whole chain now."""
        if self.verifying:
            return
        self.verifying = True
        yield
        async with self._talk() as api:
            found = await self._tenant(api).audit.verify()
            self.verified = verified_view(found, datetime.now(UTC), words.zone(self._time_zone))
            if found.intact:
                self._tell(Notice(kind="success", title="The log is intact", detail=f"{self.verified.sealed}."))
        self.verifying = False

    async def _read(self, tenant: TenantClient) -> None:
        now = datetime.now(UTC)
        if not self.loaded:
            if "company.read" in self.company.permissions:
                self._time_zone = (await tenant.profile()).profile.time_zone
            found = (await tenant.audit.actions()).items
            self._words_of = {action.key: action for action in found}
            self.activities = activities(found)
            if "members.read" in self.company.permissions:
                self.people = await _people(tenant)
        where = words.zone(self._time_zone)
        self.filters = filters_of(self.router.url.query)
        self._shown = wanted(self.filters, now, where)
        page = Page[AuditEntry](items=[])
        if not self.filters.backwards:
            page = await tenant.audit.entries(self._shown, limit=PAGE_ROWS)
        self.verified = verified_view(await tenant.audit.verification(), now, where)
        self.entries.replace(self._views(page.items))
        self._continue_at(page.next_cursor)
        self._offer_whom_is_looked_for()
        self.download = download_query(self.company.id, self._shown)
        self.loaded = True

    def _views(self, found: list[AuditEntry]) -> list[EntryView]:
        now, where = datetime.now(UTC), words.zone(self._time_zone)
        return [entry_view(entry, self._words_of, now, where) for entry in found]

    def _look_for(self, filters: Filters) -> Any:
        if filters == self.filters:
            return None
        self.filters, self.refreshing = filters, True
        return rx.redirect(f"{AUDIT_PATH}?{filters.query}" if filters.query else AUDIT_PATH, replace=True)

    def _offer_whom_is_looked_for(self) -> None:
        actor = self.filters.actor
        if actor and all(person.id != actor for person in self.people):
            self.people = [*self.people, PersonChoice(actor, "Somebody who left")]

    def _tell_of_download(self) -> None:
        """Why a download was refused: the route keeps the reason, and sends the browser back with its name."""
        name = parse_qs(self.router.url.query).get("told", [""])[-1]
        if name and (error := runtime.current().refusals.take(name)) is not None:
            self._tell(notice_of(error))

    def _continue_at(self, cursor: str | None) -> None:
        self._cursor, self.more = cursor or "", cursor is not None

    def _forget(self) -> None:
        """Show nothing of what was read before."""
        self.loaded, self.people, self.download = False, [], ""
        self.entries.clear()
        self.verified = VerifiedView()

    def _fail(self, notice: Notice) -> None:
        self.failed, self.problem = not self.loaded, notice
        if self.loaded:
            self._tell(notice)


async def _people(tenant: TenantClient) -> list[PersonChoice]:
    """Members by name."""
    found: list[PersonChoice] = []
    cursor: str | None = None
    while True:
        page = await tenant.access.members(cursor=cursor, limit=MEMBER_ROWS)
        found += [PersonChoice(str(member.user_id), member.full_name) for member in page.items]
        cursor = page.next_cursor
        if cursor is None or len(found) >= MOST_PEOPLE:
            return found
