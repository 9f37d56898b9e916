"""`/audit`: entries, exports, checkpoints, keys, verification."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, get_args
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.params import QueryParameter, SkipValidation
from litestar.response import Stream

from backend.domains.audit import permissions
from backend.domains.audit.exporting import COLUMNS, Exporter, ExportForm
from backend.domains.audit.repository import EntryFilter
from backend.domains.audit.service import AuditService
from backend.domains.audit.verification import Verifications
from backend.domains.audit.words import ActionWords
from backend.kernel.audit.recording import record
from backend.kernel.auth.permissions import requires_permission, requires_person
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.errors import ValidationFailed
from backend.kernel.http.operation import operation
from backend.kernel.http.paging import Cursor, Limit, decode_cursor, page_of
from backend.kernel.http.validation import field_error
from module_sdk.api.audit import AuditAction, AuditCheckpoint, AuditEntry, AuditKey, AuditVerification, Outcome
from module_sdk.api.base import Page
from module_sdk.api.problems import FieldError
from module_sdk.contract.text import LINE

READ: Final = requires_permission(permissions.READ)
EXPORT: Final = requires_permission(permissions.EXPORT)
#: A chain has no more places than JSON's integers.
MOST_PLACES: Final = 2**53
MEDIA: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
DOWNLOAD: Final = {
    MEDIA["ndjson"]: '{"format":"ocsuite.audit/1",…}\n{"entry":{…},"seal":{…}}\n{"trailer":{…}}\n',
    MEDIA["csv"]: ",".join(COLUMNS) + "\r\n",
}

# These come as text and are read below: Litestar reads leniently, so that "null" would be no condition at all, and a
# number of seconds a moment.
WhoActed = Annotated[
    str | None,
    QueryParameter(description="The person who acted, by themselves or by an API key", format=OpenAPIFormat.UUID),
]
Action = Annotated[
    str | None,
    QueryParameter(max_length=100, pattern=LINE, description="`area.verb`, or `area.` for all of an area"),
]
Resource = Annotated[
    str | None,
    QueryParameter(max_length=200, pattern=LINE, description="`kind:id`, or `kind:` for all of a kind"),
]
Result = Annotated[
    str | None,
    QueryParameter(description="Only what was done, or only what was refused", enum=get_args(Outcome)),
]
After = Annotated[
    str | None,
    QueryParameter(description="Not before this moment, with its offset from UTC", format=OpenAPIFormat.DATE_TIME),
]
Before = Annotated[
    str | None,
    QueryParameter(description="Before this moment, with its offset from UTC", format=OpenAPIFormat.DATE_TIME),
]
Form = Annotated[ExportForm, QueryParameter(name="format", description="How entries are written")]


async def entry_filter(
    actor: WhoActed = None,
    action: Action = None,
    resource: Resource = None,
    outcome: Result = None,
    after: After = None,
    before: Before = None,
) -> EntryFilter:
    """The conditions that the query names."""
    who: UUID | None = _read("actor", actor, UUID)
    result: Outcome | None = _read("outcome", outcome, Outcome)
    bounds = {"after": _moment("after", after), "before": _moment("before", before)}
    return EntryFilter(actor=who, action=action, resource=resource, outcome=result, **bounds)


def _read(name: str, given: str | None, kind: Any) -> Any:
    try:
        return None if given is None else msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise ValidationFailed(errors=[field_error(error, f"query.{name}")]) from None


def _moment(name: str, given: str | None) -> datetime | None:
    moment: datetime | None = _read(name, given, datetime)
    try:
        if moment is None or moment.tzinfo is not None:
            return moment and moment.astimezone(UTC)
    except OverflowError:
        pass
    message = "Must be a moment of our era that says its offset from UTC, such as Z"
    raise ValidationFailed(errors=[FieldError(path=f"query.{name}", message=message)])


class AuditController(Controller):
    """The audit log of a company."""

    path = "/audit"
    tags = ("audit",)
    dependencies = {"wanted": Provide(entry_filter)}  # noqa: RUF012  # Litestar's own hook

    @operation("GET", operation_id="list_audit_entries", gate=READ, summary="Read the audit log")
    async def entries(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        wanted: NamedDependency[SkipValidation[EntryFilter]],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[AuditEntry]:
        """Newest first. `seq` is the entry's place in the sealed chain, null for the second until it is sealed."""
        before = decode_cursor(cursor, UUID)
        async with db.transaction(tenant) as session:
            found = await AuditService(session, tenant).entries(wanted, limit + 1, before)
        return page_of(found, limit, lambda item: item.id, lambda item: item)

    @operation(
        "GET",
        "/export",
        operation_id="export_audit_log",
        gate=EXPORT,
        download=DOWNLOAD,
        summary="Download the audit log",
    )
    async def export(
        self,
        tenant: NamedDependency[TenantContext],
        exporter: NamedDependency[Exporter],
        wanted: NamedDependency[SkipValidation[EntryFilter]],
        form: Form = "ndjson",
    ) -> Stream:
        """In order of the chain. `ndjson` carries the proofs that `ocsuite audit verify --export` checks; `csv` none.

        A download that breaks off is not whole: NDJSON then lacks its last line, `trailer`.
        """
        content = await exporter.begin(tenant, wanted, form)
        headers = {"Content-Disposition": f'attachment; filename="audit.{form}"', "Cache-Control": "no-store"}
        return Stream(content, media_type=MEDIA[form], headers=headers)

    @operation("GET", "/actions", operation_id="list_audit_actions", gate=READ, summary="List what can be on record")
    async def actions(
        self, tenant: NamedDependency[TenantContext], action_words: NamedDependency[ActionWords]
    ) -> Page[AuditAction]:
        """Every action with its words, by area, on one page; the same for every company."""
        return Page(items=action_words.actions)

    @operation(
        "GET", "/checkpoints", operation_id="list_audit_checkpoints", gate=READ, summary="List signed checkpoints"
    )
    async def checkpoints(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[AuditCheckpoint]:
        """Newest first. Whoever keeps one elsewhere can show later that the chain has lost its end."""
        place = decode_cursor(cursor, int)
        before = None if place is None else min(max(place, 0), MOST_PLACES)
        async with db.transaction(tenant) as session:
            found = await AuditService(session, tenant).checkpoints(limit + 1, before)
        return page_of(found, limit, lambda item: item.seq, lambda item: item)

    @operation(
        "GET",
        "/keys",
        operation_id="list_audit_keys",
        gate=requires_person(api_keys=True),
        summary="List the public keys of checkpoints and receipts",
    )
    async def keys(self, verifications: NamedDependency[Verifications]) -> Page[AuditKey]:
        """Oldest first, on one page. They are the installation's: who has a receipt may have no company any more."""
        return Page(items=(await verifications.keys()).published)


class AuditVerificationController(Controller):
    """Whether the log is as it was sealed."""

    path = "/audit/verification"
    tags = ("audit",)

    @operation("GET", operation_id="read_audit_verification", gate=READ, summary="Read the last verification")
    async def read(
        self, tenant: NamedDependency[TenantContext], verifications: NamedDependency[Verifications]
    ) -> AuditVerification:
        """The log is verified every day. `verified_at` is null before the first time; nothing is known then."""
        return await verifications.last(tenant.tenant_id)

    @operation("POST", operation_id="verify_audit_log", gate=READ, status=200, summary="Verify the log now")
    async def verify(
        self,
        tenant: NamedDependency[TenantContext],
        db: NamedDependency[Database],
        verifications: NamedDependency[Verifications],
    ) -> AuditVerification:
        """Walks over the whole chain, which takes a minute or so for a million entries."""
        async with db.transaction(tenant) as session:
            await record(session, "audit.verified", f"audit_log:{tenant.tenant_id}")
        return await verifications.verify_now(tenant.tenant_id)
