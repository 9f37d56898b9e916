"""What types cannot say: every rule with a value that keeps it and one that breaks it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from module_sdk.contract.capability import (
    MetricPoint,
    MetricSnapshot,
    ModuleCapability,
    TaskExecutionRequest,
    TaskExecutionResult,
)
from module_sdk.contract.validation import (
    MAX_DOCUMENT_BYTES,
    MAX_INTEGER,
    MAX_REQUEST_BYTES,
    ContractViolation,
    check_document,
    decode_request,
    validate_handling,
    validate_metrics,
    validate_request,
    validate_result,
)
from tests.module_sdk.patience import PATIENT

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TASK = UUID(int=1)
REQUEST = TaskExecutionRequest(
    task_id=TASK,
    tenant_id=UUID(int=2),
    capability="crm.contacts.sync",
    capability_version="1.2.0",
    idempotency_key="k",
    arguments={"list": ["a", 1, None, True, 1.5, {"deep": {}}]},
    requested_at=NOW,
    deadline=NOW + timedelta(minutes=1),
)

RESULT = TaskExecutionResult(task_id=TASK, status="succeeded", output={"done": 3}, finished_at=NOW)
FAILED = TaskExecutionResult(task_id=TASK, status="failed", error_code="too_slow", retryable=True, finished_at=NOW)
TREND = [MetricPoint(at=NOW - timedelta(days=30), value=90.0), MetricPoint(at=NOW, value=100.0)]
METRIC = MetricSnapshot(
    key="cash",
    label="Cash",
    value=100.0,
    unit="currency",
    period="now",
    as_of=NOW,
    source="crm.contacts.sync",
    currency="EUR",
    trend=TREND,
    change=0.11,
)
CAPABILITY = ModuleCapability(name="crm.contacts.sync", version="1.3.0", title="Contacts")
NAIVE = datetime(2026, 5, 1)  # noqa: DTZ001 - what the rule is about


def faults(call: Any, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
    with pytest.raises(ContractViolation) as caught:
        call(*args, **kwargs)
    assert all(path in str(caught.value) and message in str(caught.value) for path, message in caught.value.errors)
    return caught.value.errors


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth > 1 else {}


def test_what_is_proper_passes_unchanged() -> None:
    assert decode_request(msgspec.json.encode(REQUEST)) == REQUEST
    assert validate_request(REQUEST) == REQUEST
    assert validate_result(REQUEST, RESULT, produced_by=CAPABILITY) == RESULT
    assert validate_result(REQUEST, FAILED) == FAILED
    assert validate_metrics([METRIC], produced_by=CAPABILITY) == [METRIC]
    validate_handling(REQUEST, CAPABILITY)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"capability": "Sync"}, "$.capability"),
        ({"capability": "a.b\n"}, "$.capability"),
        ({"capability_version": "1.2"}, "$.capability_version"),
        ({"idempotency_key": ""}, "$.idempotency_key"),
        ({"task_id": "x"}, "$.task_id"),
        ({"arguments": []}, "$.arguments"),
        ({"arguments": {"a": {"b\0": 1}}}, "$.arguments.a"),
        ({"arguments": {"a": ["x\0"]}}, "$.arguments.a[0]"),
        ({"arguments": nested(17)}, "$.arguments" + ".a" * 16),
        ({"arguments": {"n": MAX_INTEGER + 1}}, "$.arguments.n"),
        ({"arguments": {"n": "x" * MAX_DOCUMENT_BYTES}}, "$.arguments"),
        ({"requested_at": "2026-05-01T00:00:00"}, "$.requested_at"),
        ({"deadline": "2026-05-02T00:00:00"}, "$.deadline"),
        ({"deadline": "2026-05-01T00:00:00Z"}, "$.deadline"),
        ({"priority": 1}, "$"),
    ],
)
def test_requests_that_are_refused(change: dict[str, Any], path: str) -> None:
    body = {**json.loads(msgspec.json.encode(REQUEST)), **change}
    assert [found for found, _ in faults(decode_request, json.dumps(body).encode())] == [path]


def test_the_deepest_and_the_largest_number_that_are_allowed() -> None:
    validate_request(replace(REQUEST, arguments=nested(16)))
    validate_request(replace(REQUEST, arguments={"n": [MAX_INTEGER, -MAX_INTEGER]}))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'"\\ud800"', b"[" * 100_000, b" " * (MAX_REQUEST_BYTES + 1)]
)
def test_bytes_that_hold_no_request(body: bytes) -> None:
    assert faults(decode_request, body)[0][0] == "$"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@PATIENT
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with pytest.raises(ContractViolation):
        decode_request(body)


@PATIENT
@given(arguments=st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_what_passes_survives_json(arguments: dict[str, Any]) -> None:
    request = replace(REQUEST, arguments=arguments)
    try:
        checked = validate_request(request)
    except ContractViolation:
        return
    assert decode_request(msgspec.json.encode(checked)) == request


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "not finite"),
        (float("inf"), "not finite"),
        ((1, 2), "tuple, which is no JSON"),
        ({1}, "set, which is no JSON"),
        (NOW, "datetime, which is no JSON"),
        (b"x", "bytes, which is no JSON"),
        ("\ud800", "surrogate"),
        ({1: 2}, "key"),
    ],
)
def test_documents_are_json_and_nothing_else(value: object, message: str) -> None:
    ((path, found),) = faults(check_document, {"a": value}, "$.output")
    assert path == "$.output.a"
    assert message in found


def test_a_document_that_holds_itself_is_too_deep() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    assert "deeper" in faults(validate_request, replace(REQUEST, arguments=loop))[0][1]


def test_faults_are_bounded_in_number_and_length() -> None:
    found = faults(check_document, {"k" * 5000: [float("nan")] * 1000}, "$")
    assert len(found) == 50
    assert max(len(path) for path, _ in found) < 100


@pytest.mark.parametrize(
    ("result", "paths"),
    [
        (replace(RESULT, task_id=UUID(int=9)), ["$.task_id"]),
        (replace(RESULT, finished_at=NAIVE), ["$.finished_at"]),
        (replace(RESULT, retryable=True), ["$.retryable"]),
        (replace(RESULT, error_code="x", error_detail="y"), ["$.error_code", "$.error_detail"]),
        (replace(RESULT, output={"a": object()}), ["$.output.a"]),
        (replace(RESULT, status="done"), ["$.status"]),
        (replace(RESULT, output="text"), ["$.output"]),
        (replace(RESULT, metrics=[METRIC, METRIC]), ["$.metrics[1].key"]),
        (replace(RESULT, metrics=[replace(METRIC, value="high")]), ["$.metrics[0].value"]),
        (replace(FAILED, output={"a": 1}), ["$.output"]),
        (replace(FAILED, error_code=None), ["$.error_code"]),
        (replace(FAILED, error_code="Too slow"), ["$.error_code"]),
        (replace(FAILED, error_code="_x"), ["$.error_code"]),
        (replace(FAILED, error_code="x" * 61), ["$.error_code"]),
        (replace(FAILED, error_detail="x" * 2001), ["$.error_detail"]),
        (replace(FAILED, error_detail="\0"), ["$.error_detail"]),
        (replace(FAILED, status="cancelled"), ["$.retryable"]),
        (replace(RESULT, status="cancelled", retryable=True), ["$.output", "$.retryable"]),
        ({"task_id": TASK}, ["$"]),
        (None, ["$"]),
    ],
)
def test_results_that_are_refused(result: Any, paths: list[str]) -> None:
    assert [path for path, _ in faults(validate_result, REQUEST, result)] == paths


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"value": float("nan"), "trend": []}, "value"),
        ({"value": float("inf")}, "value"),
        ({"change": float("-inf")}, "change"),
        ({"currency": None}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "ÄÖÜ"}, "currency"),
        ({"unit": "count"}, "currency"),
        ({"unit": "metres"}, "unit"),
        ({"key": "Cash"}, "key"),
        ({"key": "cash\n"}, "key"),
        ({"label": ""}, "label"),
        ({"as_of": NAIVE}, "as_of"),
        ({"trend": TREND[::-1], "value": 90.0}, "trend[1].at"),
        ({"trend": [TREND[1], TREND[1]]}, "trend[1].at"),
        ({"trend": [MetricPoint(at=NAIVE, value=1.0), TREND[1]]}, "trend[0].at"),
        (
            {"trend": [MetricPoint(at=NOW, value=float("nan")), replace(TREND[1], at=NOW + timedelta(1))]},
            "trend[0].value",
        ),
        ({"value": 99.0}, "trend[1].value"),
        ({"trend": [MetricPoint(at=NOW + timedelta(at), value=100.0) for at in range(401)]}, "trend"),
        ({"source": "other.source"}, "source"),
    ],
)
def test_metrics_that_are_refused(change: dict[str, Any], path: str) -> None:
    found = faults(validate_metrics, [replace(METRIC, **change)], produced_by=CAPABILITY)
    assert [where for where, _ in found] == [f"$[0].{path}"]


def test_a_trend_is_ordered_in_time_and_not_by_the_clock_on_the_wall() -> None:
    east = MetricPoint(at=datetime(2026, 5, 1, 8, tzinfo=timezone(timedelta(hours=9))), value=1.0)
    validate_metrics([replace(METRIC, trend=[east, TREND[1]])])


def test_figures_of_a_demonstration_are_marked() -> None:
    made_up = replace(CAPABILITY, demonstration=True)
    assert faults(validate_metrics, [METRIC], produced_by=made_up)[0][0] == "$[0].demonstration"
    validate_metrics([replace(METRIC, demonstration=True)], produced_by=made_up)


def test_sets_of_metrics_that_are_refused() -> None:
    many = [replace(METRIC, key=f"k{at}") for at in range(201)]
    assert [path for path, _ in faults(validate_metrics, many)] == ["$"]
    assert [path for path, _ in faults(validate_metrics, [METRIC, METRIC])] == ["$[1].key"]
    assert [path for path, _ in faults(validate_metrics, iter([METRIC]))] == ["$"]
    assert [path for path, _ in faults(validate_metrics, ["cash"])] == ["$[0]"]


def test_requests_for_someone_else() -> None:
    other = replace(CAPABILITY, name="crm.deals.sync", version="2.0.0")
    assert [path for path, _ in faults(validate_handling, REQUEST, other)] == ["$.capability", "$.capability_version"]
