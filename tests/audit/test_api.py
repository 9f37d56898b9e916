"""`/audit`: filters, pages, exports, checkpoints, keys and verification, over HTTP."""

import csv
from io import StringIO
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from backend.domains.audit import pages as paging
from backend.domains.audit.chain_verifier import checkpoint_is_ours
from backend.domains.audit.export_file import verify_export
from backend.domains.audit.exporting import COLUMNS, Exporter, PermissionLost
from backend.domains.audit.repository import EntryFilter
from backend.kernel.audit.recording import record
from backend.kernel.db.tenancy import TenantContext
from crypto import VerifyKey
from module_sdk.api.audit import AuditCheckpoint, AuditEntry
from tests.audit.kit import Log, Parts
from tests.conftest import SignIn
from tests.support.people import Member, join

ROUTES = (
    ("GET", "/audit"),
    ("GET", "/audit/export"),
    ("GET", "/audit/checkpoints"),
    ("GET", "/audit/verification"),
    ("POST", "/audit/verification"),
)


@pytest.fixture
async def owner_of_acme(someone: SignIn, parts: Parts) -> tuple[Member, Log]:
    """Ada, who founded Acme, with some entries of hers and of the system in its log."""
    member = await (await someone()).found("Acme")
    log = Log(parts, member.tenant_id)
    await member.request("PUT", f"/tenants/{member.tenant_id}/profile", json={"industry": "Robots"})
    await log.append(3)
    await log.seal()
    async with parts.db.transaction(TenantContext(member.tenant_id, None)) as session:
        await record(session, "access.refused", "operation:x", {"why": "=1+1"}, outcome="refused")
    return member, log


async def entries(member: Member, **query: Any) -> list[AuditEntry]:
    answer = await member.request("GET", "/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [msgspec.convert(item, AuditEntry, strict=False) for item in answer.json()["items"]]


async def test_entries_newest_first_with_their_places(owner_of_acme: tuple[Member, Log]) -> None:
    member, log = owner_of_acme
    found = await entries(member)
    assert [entry.action for entry in found] == [
        "access.refused", *["role.updated"] * 3, "company.profile_saved", "company.created",
    ]  # fmt: skip
    assert [entry.seq for entry in found] == [None, 5, 4, 3, 2, 1]
    assert (found[0].actor.kind, found[0].actor.name, found[0].actor.user_id) == ("system", "OCSuite", None)
    saved = found[4]
    assert (saved.actor.kind, saved.actor.name) == ("user", "Ada Lovelace")
    assert saved.actor.user_id == member.person.user_id
    assert saved.meta == {"changed": ["industry"]}
    assert saved.resource == f"company:{log.tenant_id}"
    assert len(saved.request_id) >= 8


async def test_filters_and_pages(owner_of_acme: tuple[Member, Log]) -> None:
    member, log = owner_of_acme
    everything = await entries(member)
    middle = everything[3].created_at
    for query, expected in (
        ({"actor": str(member.person.user_id)}, [4, 5]),
        ({"actor": str(uuid4())}, []),
        ({"action": "company.created"}, [5]),
        ({"action": "company."}, [4, 5]),
        ({"action": "company"}, []),
        ({"action": "comp%."}, []),
        ({"resource": "role:1"}, [2]),
        ({"resource": "role:"}, [1, 2, 3]),
        ({"outcome": "refused"}, [0]),
        ({"after": middle.isoformat()}, [0, 1, 2, 3]),
        ({"before": middle.isoformat()}, [4, 5]),
        ({"after": middle.isoformat(), "action": "role.updated", "outcome": "succeeded"}, [1, 2, 3]),
    ):
        assert await entries(member, **query) == [everything[place] for place in expected], query
    paged = list[dict[str, Any]]()
    cursor: str | None = None
    while True:
        place = {"cursor": cursor} if cursor else {}
        page = (await member.request("GET", "/audit", params={"limit": 2, "action": "role.", **place})).json()
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await log.append(1)  # what is new does not move what comes
    assert [item["id"] for item in paged] == [str(entry.id) for entry in everything[1:4]]


@pytest.mark.parametrize(
    "query",
    [
        {"after": "2026-01-01T00:00:00"},
        {"before": "0001-01-01T00:00:00+10:00"},
        {"outcome": "perhaps"},
        {"actor": "ada"},
        {"action": "a\x00"},
        {"cursor": "x"},
    ],
)
async def test_malformed_filters(owner_of_acme: tuple[Member, Log], query: dict[str, str]) -> None:
    answer = await owner_of_acme[0].request("GET", "/audit", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text


async def test_nobody_without_permission_and_no_other_company(
    owner_of_acme: tuple[Member, Log], someone: SignIn, parts: Parts
) -> None:
    acme, _ = owner_of_acme
    stranger = await (await someone("Mallory")).found("Evil")
    viewer = await join(parts.db, acme.tenant_id, await someone("Grace Hopper"), "viewer")
    for method, path in ROUTES:
        refused = await viewer.request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied"), path
        outside = await Member(stranger.person, acme.tenant_id).request(method, path)
        assert outside.status_code == 404, path
    refusals = await entries(acme, actor=str(viewer.person.user_id), outcome="refused")
    assert len(refusals) == len(ROUTES)
    assert await entries(stranger, actor=str(acme.person.user_id)) == []


async def test_checkpoints_carry_signatures_of_published_keys(owner_of_acme: tuple[Member, Log]) -> None:
    member, log = owner_of_acme
    for _ in range(2):
        await log.append(2)
        await log.seal()
    published = (await member.request("GET", "/audit/keys")).json()["items"]
    keys = {key["id"]: VerifyKey.from_base64(key["public_key"]) for key in published}
    page = (await member.request("GET", "/audit/checkpoints", params={"limit": 2})).json()
    rest = (await member.request("GET", "/audit/checkpoints", params={"cursor": page["next_cursor"]})).json()
    found = [msgspec.convert(item, AuditCheckpoint, strict=False) for item in page["items"] + rest["items"]]
    assert [checkpoint.seq for checkpoint in found] == [10, 8, 5]
    assert all(checkpoint_is_ours(checkpoint, keys) for checkpoint in found)
    assert rest["next_cursor"] is None


async def test_verification_now_and_kept(owner_of_acme: tuple[Member, Log]) -> None:
    member, log = owner_of_acme
    first = (await member.request("GET", "/audit/verification")).json()
    assert (first["verified_at"], first["intact"]) == (None, False)
    verified = (await member.request("POST", "/audit/verification")).json()
    assert (verified["intact"], verified["entries"], verified["sealed_seq"], verified["waiting"]) == (True, 7, 5, 2)
    assert (await member.request("GET", "/audit/verification")).json() == verified
    await log.tamper("UPDATE audit_logs SET meta = '{}' WHERE tenant_id = :tenant AND action = 'company.profile_saved'")
    broken = (await member.request("POST", "/audit/verification")).json()
    assert (broken["intact"], broken["fault"]["kind"], broken["fault"]["seq"]) == (False, "edited", 2)
    assert (await member.request("GET", "/audit/verification")).json() == broken
    assert (await entries(member, action="audit.verified", limit=1))[0].actor.user_id == member.person.user_id


async def test_the_worker_verifies_what_nobody_verified_for_a_day(parts: Parts) -> None:
    while await parts.verifications.verify_due():
        pass
    log = await (await parts.log()).sealed(2)
    assert await parts.verifications.verify_due() == 1
    assert await parts.verifications.verify_due() == 0
    await log.tamper(
        "UPDATE audit_verifications SET verified_at = now() - interval '25 hours' WHERE tenant_id = :tenant"
    )
    assert await parts.verifications.verify_due() == 1


async def test_exports_verify_offline(owner_of_acme: tuple[Member, Log], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)  # several pages of everything
    member, _ = owner_of_acme
    answer = await member.request("GET", "/audit/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.ndjson"'
    published = (await member.request("GET", "/audit/keys")).json()["items"]
    pinned = [VerifyKey.from_base64(key["public_key"]) for key in published]
    lines = answer.content.splitlines(keepends=True)
    report = verify_export(lines, pinned=pinned)
    assert (report.fault, report.complete, report.pinned) == (None, True, True)
    assert (report.entries, report.sealed_seq, report.waiting) == (7, 5, 2)
    assert b'"action":"audit.exported"' in lines[-2], "the export itself is on record, and waits to be sealed"
    filtered = await member.request("GET", "/audit/export", params={"action": "role.", "format": "ndjson"})
    partial = verify_export(filtered.content.splitlines(keepends=True), pinned=pinned)
    assert (partial.fault, partial.complete, partial.entries, partial.waiting) == (None, False, 3, 0)
    (exported,) = await entries(member, action="audit.exported", limit=1)
    assert exported.meta == {"format": "ndjson", "action": "role."}


async def test_csv_is_flat_and_runs_no_formula(owner_of_acme: tuple[Member, Log]) -> None:
    member, log = owner_of_acme
    await log.tamper("UPDATE audit_logs SET actor_name = '=1+1' WHERE tenant_id = :tenant AND outcome = 'refused'")
    answer = await member.request("GET", "/audit/export", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert tuple(rows[0]) == COLUMNS
    assert [row["seq"] for row in rows] == ["1", "2", "3", "4", "5", "", ""]
    assert rows[5]["actor_name"] == "'=1+1"
    assert msgspec.json.decode(rows[1]["meta"]) == {"changed": ["industry"]}


async def test_an_export_breaks_off_when_the_permission_is_lost(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    log, asked = await (await parts.log()).sealed(5), list[str]()

    async def permitted(_: TenantContext, permission: str) -> bool:
        asked.append(permission)
        return len(asked) < 3

    content = await Exporter(parts.db, parts.keyring, permitted).begin(
        TenantContext(log.tenant_id, None), EntryFilter(), "ndjson"
    )
    pieces = [await anext(content) for _ in range(3)]
    with pytest.raises(PermissionLost):
        await anext(content)
    assert (len(b"".join(pieces).splitlines()), set(asked)) == (5, {"audit.export"})
