"""Schemathesis against the running API: what the document says and what the API does have to be the same.

Every check is on. `OCSUITE_FUZZ_SECONDS` (24 if unset) bounds the run; `OCSUITE_FUZZ_SEED` repeats one, and `make test`
always draws the same.
"""

import copy
import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import httpx
import pytest
import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import CheckNode
from schemathesis.openapi.checks import EnsureResourceAvailability, ObjectLevelAuthorizationViolation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from backend.kernel.db.database import Database
from backend.kernel.http.paging import TimeKey, encode_cursor
from tests.support.depth import depth
from tests.support.people import Person, join
from tests.support.sse import ask

SECONDS = int(os.environ.get("OCSUITE_FUZZ_SECONDS", "24"))
#: Phases, and when they have to end. What is random comes first and alone, because it shares its time out among all
#: operations; what is enumerated has what is left.
TURNS = (
    (["fuzzing", "stateful"], max(SECONDS // 2, SECONDS - 45)),
    (["examples", "coverage"], SECONDS),
)
PHASES = {"fuzzing", "stateful", "examples", "coverage"}
#: How many times as long it may take where a machine is too busy to meet everything in time.
PATIENCE = (1, 2, 4)
PEOPLE = ("ada", "grace", "mallory")
PASSWORD = "correct horse battery"
CHECKS = {
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "positive_data_acceptance", "missing_required_header",
    "unsupported_method", "allow_header_conformance", "ignored_auth", "use_after_free", "ensure_resource_availability",
    "object_level_authorization",
}  # fmt: skip


#: What a company has, what links and keys there are, when a moment is one, which passwords are easy to guess, and which
#: addresses mislead the eye: a schema has no words for it.
UNKNOWN_TO_THE_DOCUMENT = (
    b'"Is not a permission"', b'"Is not a role of this company"', b'"Is yourself"', b'"path":"$.confirmation"',
    b'"code":"invitation_invalid"', b'"code":"link_invalid"', b'"Must be a moment of our era',
    b'Use a few unrelated words, or a longer sentence of your own"', b'"Contains a mark that cannot be seen',
    b'"Contains wide or styled letters', b'"Mixes letters of several scripts',
    b'"Contains letters that are not supported"', b'must hold something that can be seen',
)  # fmt: skip


async def signed_up(url: str, name: str) -> Person:
    """A person with a password, because Schemathesis signs in again whenever the tokens are about to end."""
    http = httpx.AsyncClient(base_url=url, timeout=20)
    email = f"{name}@fuzz.example"
    answer = await http.post("/auth/sign-up", json={"email": email, "password": PASSWORD, "full_name": name})
    assert answer.status_code == 201, answer.text
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return Person(UUID(answer.json()["user"]["id"]), http.cookies["ocsuite_session"], http)


def logins() -> dict[str, Any]:
    """How each person signs in, as Web Fuzzing Commons writes it."""
    return {
        "auth": [
            {
                "name": name,
                "loginEndpointAuth": {
                    "endpoint": "/auth/sign-in",
                    "verb": "POST",
                    "contentType": "application/json",
                    "payloadRaw": json.dumps({"email": f"{name}@fuzz.example", "password": PASSWORD}),
                    "token": {
                        "extractFrom": "body",
                        "extractSelector": "/access_token",
                        "sendIn": "header",
                        "sendName": "Authorization",
                        "sendTemplate": "Bearer {token}",
                    },
                },
            }
            for name in PEOPLE
        ]
    }


def narrowed(document: dict[str, Any], values: dict[str, list[str]]) -> dict[str, Any]:
    """The document with what it cannot know (ids that exist, names of time zones) filled in."""
    found = copy.deepcopy(document)
    time_zone = found["components"]["schemas"]["Profile"]["properties"]["time_zone"]
    assert time_zone["format"] == "time-zone"
    time_zone["enum"] = sorted(available_timezones())
    for methods in found["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                for name in (parameter["name"], f"{operation['operationId']} {parameter['name']}"):
                    if name in values:
                        parameter["schema"] = {"type": "string", "enum": values[name]}
    return found


@dataclass(frozen=True)
class Prepared:
    """The document narrowed to one company and its conversations, and the file that says how its people sign in."""

    document: dict[str, Any]
    logins: Path


@pytest.fixture
async def prepared(api_url: str, db: Database, document: dict[str, Any], tmp_path: Path) -> Prepared:
    """Two colleagues, one with conversations, and a stranger."""
    people = {name: await signed_up(api_url, name) for name in PEOPLE}
    member = await people["ada"].found()
    await join(db, member.tenant_id, people["grace"])
    started = [(await ask(member))[0].data for _ in range(4)]
    first = started[0]["conversation"]["id"]
    await ask(member, conversation_id=first)
    cursors = {
        name: (await member.request("GET", path, params={"limit": 1})).json()["next_cursor"]
        for name, path in (
            ("list_conversations", "/c-suite/conversations"),
            ("list_messages", f"/c-suite/conversations/{first}/messages"),
            ("list_members", "/team/members"),
            ("list_audit_entries", "/audit"),
        )
    }
    moment = encode_cursor(TimeKey(datetime.now(UTC), member.tenant_id))
    cursors |= {"list_invitations": moment, "list_api_keys": moment}
    cursors |= {"list_audit_checkpoints": encode_cursor(1), "list_erasure_receipts": encode_cursor(member.tenant_id)}
    for person in people.values():
        await person.http.aclose()
    tenant = [str(member.tenant_id)]
    values = {
        "X-Tenant-Id": tenant,
        "tenant_id": tenant,
        "executive": ["ceo"],
        "conversation_id": [event["conversation"]["id"] for event in started],
        "message_id": [event["message"]["id"] for event in started],
        **{f"{name} cursor": [cursor] for name, cursor in cursors.items()},
    }
    path = tmp_path / "logins.json"
    path.write_text(json.dumps(logins()))
    return Prepared(narrowed(document, values), path)


def configuration(url: str, logins_path: Path) -> SchemathesisConfig:
    """Everything on."""
    given = os.environ.get("OCSUITE_FUZZ_SEED") or ("1" if depth() == 1 else "")
    seed = {"seed": int(given)} if given else {}
    return SchemathesisConfig.from_dict(
        {
            **seed,
            "base-url": url,
            "request-timeout": 20,
            "continue-on-failure": True,
            "cache": {"enabled": False},  # every run begins anew
            # Other methods than these are among what the sweep sends to every operation.
            "phases": {"coverage": {"unexpected-methods": ["query", "options"]}},
            "auth": {"wfc": {"path": str(logins_path), "refresh_interval": 40, "peers": list(PEOPLE)}},
        }
    )


def is_a_fault(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """The exceptions, each with its reason."""
    answer = response.content
    if failure.title == "Schema-valid request rejected" and b'"code":"idempotency_key_reused"' in answer:
        return False  # the key is right by itself; it is what was sent with it before that refuses it
    if failure.title == "Schema-valid request rejected" and any(known in answer for known in UNKNOWN_TO_THE_DOCUMENT):
        return False
    if isinstance(failure, EnsureResourceAvailability) and case.operation.path == "/tenants/{tenant_id}/deletion":
        return False  # a company is made without a deletion that waits; its owner asks for that by itself
    if isinstance(failure, ObjectLevelAuthorizationViolation) and failure.peer == "grace":
        # Colleagues share their company and what belongs to it, not each other's conversations.
        return "c-suite" in (case.operation.tags or ())
    return True


@dataclass
class Report:
    """What a run did and found."""

    checks: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    faults: dict[tuple[str, str | None, str], str] = field(default_factory=dict)

    def add(self, event: EngineEvent) -> None:
        if isinstance(event, ScenarioFinished):
            self.cases[event.phase.value] += len(event.recorder.cases)
            self.operations |= {node.value.operation.label for node in event.recorder.cases.values()}
            for case_id, nodes in event.recorder.checks.items():
                for node in nodes:
                    self._add_check(event, case_id, node)
        elif isinstance(event, NonFatalError):
            self.faults["error", event.label, event.info.title] = event.info.format()
        elif isinstance(event, FatalError):
            raise event.exception

    def _add_check(self, event: ScenarioFinished, case_id: str, node: CheckNode) -> None:
        self.checks[node.name] += 1
        if node.failure_info is not None:
            failure, sample = node.failure_info.failure, node.failure_info.code_sample
            found = event.recorder.interactions.get(case_id)
            answer = found.response.content[:400] if found is not None and found.response is not None else b""
            text = f"{event.phase.value}: {failure.message[:1200]}\n{sample[:1200]}\n{answer!r}"
            self.faults.setdefault((node.name, failure.operation, failure.title), text)


def spend(schema: OpenApiSchema, report: Report, seconds: int) -> None:
    """Run every phase, all of them within so many seconds."""
    began = time.monotonic()
    for phases, end in TURNS:
        schema.config.phases.update(phases=phases)
        schema.config.max_time = max(1, round(began + end * seconds / SECONDS - time.monotonic()))
        for event in from_schema(schema).execute():
            report.add(event)
        spent = time.monotonic() - began
        print(*phases, f"until {spent:.1f} of {seconds} s:", report.cases, len(report.operations), "operations")


def test_the_document_and_the_api_agree(prepared: Prepared, api_url: str) -> None:
    schema = schemathesis.openapi.from_dict(prepared.document, config=configuration(api_url, prepared.logins))
    schema.hooks.hook("filter_failure")(is_a_fault)
    operations = sum(len(methods) for methods in prepared.document["paths"].values())
    report = Report()
    for times in PATIENCE:
        spend(schema, report, times * SECONDS)
        if report.cases.keys() >= PHASES and len(report.operations) == operations:
            break
    assert not report.faults, "\n\n".join(f"{key}\n{text}" for key, text in report.faults.items())
    assert set(report.checks) == CHECKS
    assert report.cases.keys() >= PHASES
    assert len(report.operations) == operations
