"""Entries of the audit log, its verification and its filters as the page shows them. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, get_args
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from frontend import words
from frontend.features.audit.words import area_icon, meta_lines, say
from frontend.platform.problems import sentence
from module_sdk.api.audit import ActorKind, AuditAction, AuditEntry, AuditFault, AuditVerification, FaultKind, Outcome
from module_sdk.api.client.audit import AuditFilter

SPANS: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
EXACT: Final = "dates"
ACTION_CHARS: Final = 100
_KINDS: Final[Mapping[ActorKind, str]] = {
    "user": "A person, in the web app or through the API",
    "api_key": "An API key, for the person who made it",
    "system": "OCSuite itself",
}
_FAULTS: Final[Mapping[FaultKind, str]] = {
    "edited": "An entry was edited after it was sealed",
    "removed": "An entry was removed",
    "inserted": "An entry was put in afterwards",
    "reordered": "Entries were put into another order",
    "cut_off": "Entries are missing at the end",
    "forged": "A hash or a signature is not ours",
}


@dataclass(frozen=True)
class Detail:
    """A line of an entry's details."""

    label: str = ""
    value: str = ""


@dataclass(frozen=True)
class EntryView:
    """One entry as a sentence. ``by`` says on whose behalf, for keys and the system; ``when`` is relative.

    ``day`` is that of the company's time zone, and ``day_name`` the same in words.
    """

    id: str = ""
    day: str = ""
    day_name: str = ""
    icon: str = ""
    actor: str = ""
    by: str = ""
    verb: str = ""
    thing: str = ""
    tail: str = ""
    refused: bool = False
    when: str = ""
    iso: str = ""
    exact: str = ""
    details: list[Detail] = field(default_factory=list)


@dataclass(frozen=True)
class Activity:
    """Something to filter by: an action, or with a dot at its end all of an area."""

    value: str = ""
    title: str = ""


@dataclass(frozen=True)
class Activities:
    """The actions of an area; of several the first choice is the area as a whole."""

    title: str = ""
    choices: list[Activity] = field(default_factory=list)


@dataclass(frozen=True)
class Filters:
    """What is looked for, as in the page's address; ``""`` means everything.

    ``span`` is a key of :data:`SPANS` or ``dates``, with which ``first`` and ``last`` are days, both included.
    """

    actor: str = ""
    action: str = ""
    outcome: str = ""
    span: str = ""
    first: str = ""
    last: str = ""

    @property
    def backwards(self) -> bool:
        """Whether the last day is before the first one."""
        return bool(self.first and self.last) and self.last < self.first

    @property
    def query(self) -> str:
        """The same in an address."""
        return urlencode({name: value for name, value in vars(self).items() if value})


@dataclass(frozen=True)
class VerifiedView:
    """What the last verification came to. ``verdict`` is ``intact``, ``fault`` or ``unknown`` before the first."""

    verdict: str = "unknown"
    when: str = ""
    iso: str = ""
    exact: str = ""
    sealed: str = ""
    waiting: str = ""
    fault: str = ""
    place: str = ""
    entry: str = ""
    detail: str = ""


def activities(actions: Iterable[AuditAction]) -> list[Activities]:
    """``actions`` by area, in their order."""
    areas: dict[str, Activities] = {}
    for action in actions:
        area = areas.setdefault(action.key.partition(".")[0], Activities(action.area))
        area.choices.append(Activity(action.key, action.title))
    for key, area in areas.items():
        if len(area.choices) > 1:
            area.choices.insert(0, Activity(f"{key}.", f"{area.title}: everything"))
    return list(areas.values())


def entry_view(entry: AuditEntry, words_of: Mapping[str, AuditAction], now: datetime, where: tzinfo) -> EntryView:
    """``entry`` as a sentence."""
    actor, said = entry.actor, say(words_of.get(entry.action), entry.action, entry.resource, entry.meta)
    local = entry.created_at.astimezone(where)
    return EntryView(
        id=str(entry.id),
        day=local.date().isoformat(),
        day_name=_day_name(local.date(), now.astimezone(where).date()),
        icon=area_icon(entry.action),
        actor=actor.name,
        by="by API key" if actor.kind == "api_key" else "",
        verb=said.verb,
        thing=said.thing,
        tail=said.tail,
        refused=entry.outcome == "refused",
        when=words.ago(entry.created_at, now),
        iso=entry.created_at.isoformat(),
        exact=f"{local.day} {local:%b %Y, %H:%M:%S %Z}".strip(),
        details=_details(entry),
    )


def _details(entry: AuditEntry) -> list[Detail]:
    place = f"Number {entry.seq}" if entry.seq is not None else "Not sealed yet; that takes about a second"
    lines = [
        ("Action", entry.action),
        ("Resource", entry.resource),
        ("Actor", _KINDS[entry.actor.kind]),
        ("Outcome", "Refused" if entry.outcome == "refused" else "Done"),
        *meta_lines(entry.meta),
        ("Place in the chain", place),
        ("Request", entry.request_id or "None: it was not a request"),
        ("Entry", str(entry.id)),
    ]
    return [Detail(label, value) for label, value in lines]


def _day_name(day: date, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return f"{day:%A}, {day.day} {day:%B %Y}"


def filters_of(query: str) -> Filters:
    """The filters that an address asks for; what cannot be one is left out."""
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    span = given.get("span", "")
    exact = span == EXACT
    action, outcome = given.get("action", ""), given.get("outcome", "")
    return Filters(
        actor=_uuid(given.get("actor", "")),
        action=action if action.isprintable() and len(action) <= ACTION_CHARS else "",
        outcome=outcome if outcome in get_args(Outcome) else "",
        span=span if exact or span in SPANS else "",
        first=_iso_day(given.get("first", "")) if exact else "",
        last=_iso_day(given.get("last", "")) if exact else "",
    )


def wanted(filters: Filters, now: datetime, where: tzinfo) -> AuditFilter:
    """``filters`` as the API takes them."""
    after = now - SPANS[filters.span] if filters.span in SPANS else _start(filters.first, where)
    outcome: Outcome | None = "refused" if filters.outcome == "refused" else "succeeded" if filters.outcome else None
    return AuditFilter(
        actor=UUID(filters.actor) if filters.actor else None,
        action=filters.action or None,
        outcome=outcome,
        after=after,
        before=_start(filters.last, where, days=1),
    )


def download_query(company_id: str, chosen: AuditFilter) -> str:
    """What the download route needs to know to send the same entries."""
    given: dict[str, Any] = {name: value for name, value in chosen.query().items() if value is not None}
    return urlencode({"company": company_id, **given})


def verified_view(found: AuditVerification, now: datetime, where: tzinfo) -> VerifiedView:
    """``found`` in words."""
    at = found.verified_at
    if at is None:
        return VerifiedView()
    view = VerifiedView(
        verdict="intact" if found.intact else "fault",
        when=words.ago(at, now),
        iso=at.isoformat(),
        exact=words.exact(at, where),
        sealed=f"{found.sealed_seq:,} {'entry' if found.sealed_seq == 1 else 'entries'} sealed",
        waiting=f"{found.waiting:,} waiting to be sealed" if found.waiting else "",
    )
    return view if found.fault is None else _with_fault(view, found.fault)


def _with_fault(view: VerifiedView, fault: AuditFault) -> VerifiedView:
    return VerifiedView(
        verdict="fault",
        when=view.when,
        iso=view.iso,
        exact=view.exact,
        sealed=view.sealed,
        waiting=view.waiting,
        fault=_FAULTS[fault.kind],
        place=f"{fault.seq:,}",
        entry="" if fault.entry_id is None else str(fault.entry_id),
        detail=sentence(fault.detail),
    )


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _iso_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _start(day: str, where: tzinfo, days: int = 0) -> datetime | None:
    """When ``day`` begins, or the day so many ``days`` later; ``None`` without one, or for one beyond the calendar."""
    if not day:
        return None
    try:
        begin = date.fromisoformat(day) + timedelta(days=days)
        return datetime.combine(begin, time.min, where).astimezone(UTC)
    except OverflowError:
        return None
