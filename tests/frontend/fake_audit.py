"""The fake's audit log, deletion and receipts: what a company's log holds is what a test puts there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.response import Stream

from backend.domains.audit.words import ActionWords
from backend.registry import declarations
from module_sdk.api.access import Member, RoleRef
from module_sdk.api.audit import Actor, AuditAction, AuditCheckpoint, AuditEntry, AuditKey, AuditVerification, Outcome
from module_sdk.api.base import Page
from module_sdk.api.tenants import ErasureReceipt
from tests.frontend.fake_api import Refused, company_of, who

ApiRequest = Request[Any, Any, Any]
ADA = UUID("0192f0c0-0000-7000-8000-000000000001")
HASH = "ab" * 32
NEVER = AuditVerification(verified_at=None, entries=0, sealed_seq=0, waiting=0, intact=True, fault=None)


@dataclass
class Log:
    """What the fake answers; ``queries`` are the conditions of every list and export that was asked for."""

    entries: list[AuditEntry] = field(default_factory=list)
    found: AuditVerification = NEVER
    verdict: AuditVerification | None = None
    receipts: list[ErasureReceipt] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    checkpoint_pages: int = 2
    refusal: Refused | None = None


def entry(
    action: str,
    resource: str = "company:1",
    *,
    ago: timedelta = timedelta(),
    seq: int | None = 1,
    outcome: Outcome = "succeeded",
    kind: Literal["user", "api_key", "system"] = "user",
    **meta: Any,
) -> AuditEntry:
    """One entry by Ada Lovelace."""
    actor = Actor(kind=kind, user_id=ADA, api_key_id=None, name="Ada Lovelace")
    return AuditEntry(
        id=uuid4(),
        created_at=datetime.now(UTC) - ago,
        actor=actor,
        action=action,
        resource=resource,
        outcome=outcome,
        meta=meta,
        request_id="0192f0c0ffee",
        seq=seq,
    )


def receipt() -> ErasureReceipt:
    """Of a company that is gone."""
    at = datetime.now(UTC) - timedelta(days=2)
    return ErasureReceipt(
        id=uuid4(),
        tenant_id=uuid4(),
        tenant_name="Old Venture",
        requested_at=at - timedelta(days=7),
        erased_at=at,
        rows={"conversations": 40, "tenant_keys": 1},
        keys=1,
        audit_seq=812,
        audit_hash=HASH,
        key_id="k1",
        signature="c2lnbmF0dXJl",
    )


def _log(request: ApiRequest, state: State) -> Log:
    company_of(request, state, request.headers.get("x-tenant-id", ""))
    log: Log = state.log
    if log.refusal is not None:
        raise log.refusal
    return log


@get("/audit", sync_to_thread=False)
def entries(request: ApiRequest, state: State) -> Page[AuditEntry]:
    log = _log(request, state)
    given = dict(request.query_params)
    log.queries.append(given)
    start, limit = int(given.get("cursor", "0")), int(given.get("limit", "50"))
    wanted, outcome = given.get("action", ""), given.get("outcome", "")
    found = [
        one
        for one in log.entries
        if (one.action.startswith(wanted) if wanted.endswith(".") else wanted in ("", one.action))
        and outcome in ("", one.outcome)
    ]
    end = start + limit
    return Page(items=found[start:end], next_cursor=str(end) if end < len(found) else None)


@get("/audit/actions", sync_to_thread=False)
def actions(request: ApiRequest, state: State) -> Page[AuditAction]:
    _log(request, state)
    return Page(items=ActionWords(declarations().areas, declarations().actions).actions)


@get("/audit/export", sync_to_thread=False)
def export(request: ApiRequest, state: State) -> Stream:
    log = _log(request, state)
    log.queries.append(dict(request.query_params))

    async def content() -> Any:
        yield b"first line\n"
        yield b"trailer\n"

    return Stream(content(), media_type="application/x-ndjson")


@get("/audit/checkpoints", sync_to_thread=False)
def checkpoints(request: ApiRequest, state: State) -> Page[AuditCheckpoint]:
    pages = _log(request, state).checkpoint_pages
    page = int(request.query_params.get("cursor", "0"))
    one = AuditCheckpoint(
        tenant_id=ADA, seq=page + 1, hash=HASH, sealed_at=datetime.now(UTC), key_id="k1", signature="s"
    )
    return Page(items=[one], next_cursor=str(page + 1) if page + 1 < pages else None)


@get("/audit/keys", sync_to_thread=False)
def keys(request: ApiRequest, state: State) -> Page[AuditKey]:
    _log(request, state)
    return Page(items=[AuditKey(id="k1", algorithm="Ed25519", public_key="a2V5")])


@get("/audit/verification", sync_to_thread=False)
def verification(request: ApiRequest, state: State) -> AuditVerification:
    return _log(request, state).found


@post("/audit/verification", status_code=200, sync_to_thread=False)
def verify(request: ApiRequest, state: State) -> AuditVerification:
    log = _log(request, state)
    log.found = log.verdict or log.found
    return log.found


@get("/team/members", sync_to_thread=False)
def members(request: ApiRequest, state: State) -> Page[Member]:
    _log(request, state)
    role = RoleRef(key="owner", name="Owner")
    ada = Member(
        user_id=ADA, email=None, full_name="Ada Lovelace", roles=[role], manageable=True, joined_at=datetime.now(UTC)
    )
    return Page(items=[ada])


@get("/erasure-receipts", sync_to_thread=False)
def receipts(request: ApiRequest, state: State) -> Page[ErasureReceipt]:
    who(request, state)
    return Page(items=state.log.receipts)


AUDIT_HANDLERS = [entries, actions, export, checkpoints, keys, verification, verify, members, receipts]

__all__ = ["ADA", "AUDIT_HANDLERS", "Log", "entry", "receipt"]
