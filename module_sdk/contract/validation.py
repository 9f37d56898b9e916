"""The rules of the contract that types alone cannot say, used by the API and by the workers alike.

Whatever crosses the contract is checked on both sides: a request before it is stored and again before it is executed,
a result before it is believed. Everything wrong is reported at once, as paths and sentences.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from module_sdk.contract.capability import (
    MetricSnapshot,
    ModuleCapability,
    TaskExecutionRequest,
    TaskExecutionResult,
)
from module_sdk.contract.versions import is_compatible

S = TypeVar("S", bound=msgspec.Struct)

MAX_REQUEST_BYTES: Final = 1_048_576
MAX_DOCUMENT_BYTES: Final = 262_144
"""Of ``arguments`` and of ``output``, as JSON."""
MAX_DOCUMENT_DEPTH: Final = 16
MAX_INTEGER: Final = 2**53 - 1
"""Beyond it, readers of JSON begin to disagree about a number."""
MAX_METRICS: Final = 200
MAX_TREND_POINTS: Final = 400
MAX_ERROR_DETAIL_CHARS: Final = 2000
_MAX_FAULTS: Final = 50
_AS_THEY_ARE: Final = (datetime, UUID)
#: How msgspec ends a message: "… - at `$.a[0]`", or "… - at `key` in `$.a`".
_LOCATED: Final = re.compile(r"(.*) - at (?:`key` in )?`(\$.*)`", re.DOTALL)
_ERROR_CODE_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


class ContractViolation(ValueError):
    """Something breaks the contract. ``errors`` are pairs of a path such as ``$.trend[1].at`` and a sentence."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {message}" for path, message in errors))
        self.errors = list(errors)


class Findings:
    """Collects what is wrong; raises it all together at the end of :func:`findings`."""

    def __init__(self) -> None:
        self._errors: list[tuple[str, str]] = []

    def add(self, path: str, message: str) -> None:
        """Notes one fault; after the fiftieth no more."""
        if len(self._errors) < _MAX_FAULTS:
            self._errors.append((path, message))

    def expect(self, holds: bool, path: str, message: str) -> None:
        """Notes a fault unless ``holds``."""
        if not holds:
            self.add(path, message)

    def aware(self, value: datetime | None, path: str) -> bool:
        """Notes a date without a time zone; true where there is none to note."""
        holds = value is None or value.utcoffset() is not None
        self.expect(holds, path, "needs a time zone")
        return holds

    def check(self) -> None:
        """Raises :class:`ContractViolation` if there was a fault."""
        if self._errors:
            raise ContractViolation(self._errors)


@contextmanager
def findings() -> Iterator[Findings]:
    """Collects faults through the block and raises them at its end."""
    found = Findings()
    yield found
    found.check()


def decode_request(body: bytes) -> TaskExecutionRequest:
    """The request that ``body`` holds as JSON, checked by :func:`validate_request`."""
    if len(body) > MAX_REQUEST_BYTES:
        raise ContractViolation([("$", f"is larger than {MAX_REQUEST_BYTES} bytes")])
    request = _structural(lambda: msgspec.json.decode(body, type=TaskExecutionRequest))
    return validate_request(request)


def validate_request(request: TaskExecutionRequest) -> TaskExecutionRequest:
    """``request`` if all is well; also for one that was built in Python, where nothing has checked its types yet."""
    request = _with_document(request, TaskExecutionRequest, "arguments")
    with findings() as found:
        aware = found.aware(request.requested_at, "$.requested_at")
        if found.aware(request.deadline, "$.deadline") and aware and request.deadline is not None:
            found.expect(request.deadline > request.requested_at, "$.deadline", "is not after requested_at")
    return request


def validate_handling(request: TaskExecutionRequest, capability: ModuleCapability) -> None:
    """Refuses a request that ``capability`` must not answer, for another name or an incompatible version."""
    with findings() as found:
        found.expect(request.capability == capability.name, "$.capability", f"is not {capability.name}")
        found.expect(
            is_compatible(capability.version, request.capability_version),
            "$.capability_version",
            f"is not satisfied by {capability.version}",
        )


def validate_result(
    request: TaskExecutionRequest, result: TaskExecutionResult, *, produced_by: ModuleCapability | None = None
) -> TaskExecutionResult:
    """``result`` if it is a proper answer to ``request``; raises :class:`ContractViolation`."""
    result = _with_document(result, TaskExecutionResult, "output")
    with findings() as found:
        found.expect(result.task_id == request.task_id, "$.task_id", "is not the request's")
        found.aware(result.finished_at, "$.finished_at")
        _check_outcome(result, found)
        _check_metrics(result.metrics, produced_by, "$.metrics", found)
    return result


def _check_outcome(result: TaskExecutionResult, found: Findings) -> None:
    failed = result.status == "failed"
    found.expect(result.status == "succeeded" or not result.output, "$.output", "belongs to succeeded alone")
    found.expect(failed or not result.retryable, "$.retryable", "belongs to failed alone")
    if result.status == "succeeded":
        found.expect(result.error_code is None, "$.error_code", "does not belong to succeeded")
        found.expect(result.error_detail is None, "$.error_detail", "does not belong to succeeded")
    found.expect(not failed or result.error_code is not None, "$.error_code", "is required when failed")
    code = result.error_code
    if code is not None:
        proper = 0 < len(code) <= 60 and code[0].isalpha() and _ERROR_CODE_CHARS.issuperset(code)
        found.expect(proper, "$.error_code", "is not snake_case of at most 60 characters")
    if result.error_detail is not None:
        found.expect(
            len(result.error_detail) <= MAX_ERROR_DETAIL_CHARS,
            "$.error_detail",
            f"is longer than {MAX_ERROR_DETAIL_CHARS} characters",
        )
        found.expect(_storable(result.error_detail), "$.error_detail", "holds NUL or half a surrogate pair")


def validate_metrics(
    metrics: Sequence[MetricSnapshot], *, produced_by: ModuleCapability | None = None
) -> list[MetricSnapshot]:
    """``metrics`` if all are well; with ``produced_by`` also that they name it as their source."""
    if not isinstance(metrics, list | tuple):
        raise ContractViolation([("$", "is no list")])
    checked = [conform(metric, MetricSnapshot, f"$[{at}]") for at, metric in enumerate(metrics)]
    with findings() as found:
        _check_metrics(checked, produced_by, "$", found)
    return checked


def _check_metrics(
    metrics: Sequence[MetricSnapshot], produced_by: ModuleCapability | None, path: str, found: Findings
) -> None:
    found.expect(len(metrics) <= MAX_METRICS, path, f"holds more than {MAX_METRICS}")
    keys: set[str] = set()
    for at, metric in enumerate(metrics):
        here = f"{path}[{at}]"
        found.expect(metric.key not in keys, f"{here}.key", "appears twice")
        keys.add(metric.key)
        _check_metric(metric, here, found)
        if produced_by is not None:
            found.expect(metric.source == produced_by.name, f"{here}.source", f"is not {produced_by.name}")
            honest = metric.demonstration or not produced_by.demonstration
            found.expect(honest, f"{here}.demonstration", "must mark the figures of a demonstration")


def _check_metric(metric: MetricSnapshot, path: str, found: Findings) -> None:
    found.expect(math.isfinite(metric.value), f"{path}.value", "is not finite")
    found.expect(metric.change is None or math.isfinite(metric.change), f"{path}.change", "is not finite")
    found.aware(metric.as_of, f"{path}.as_of")
    code = metric.currency
    if metric.unit == "currency":
        proper = code is not None and len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
        found.expect(proper, f"{path}.currency", "needs the three letters of ISO 4217")
    else:
        found.expect(code is None, f"{path}.currency", "belongs to the unit currency alone")
    _check_trend(metric, f"{path}.trend", found)


def _check_trend(metric: MetricSnapshot, path: str, found: Findings) -> None:
    trend = metric.trend
    found.expect(len(trend) <= MAX_TREND_POINTS, path, f"holds more than {MAX_TREND_POINTS} points")
    before: datetime | None = None
    for at, point in enumerate(trend):
        found.expect(math.isfinite(point.value), f"{path}[{at}].value", "is not finite")
        if found.aware(point.at, f"{path}[{at}].at"):
            found.expect(before is None or point.at > before, f"{path}[{at}].at", "is not after the point before")
            before = point.at
    if trend:
        current = trend[-1].value == metric.value or not math.isfinite(metric.value)
        found.expect(current, f"{path}[{len(trend) - 1}].value", "is not the current value")


def check_document(document: object, path: str) -> None:
    """Refuses what JSON, its readers and the database would not keep as it is, or what is too deep or too large.

    Allowed are objects, arrays (lists), text without NUL, booleans, null, finite numbers, and integers up to 2^53 - 1.
    """
    with findings() as found:
        _check_value(document, path, 1, found)
    size = len(msgspec.json.encode(document))
    if size > MAX_DOCUMENT_BYTES:
        raise ContractViolation([(path, f"is larger than {MAX_DOCUMENT_BYTES} bytes")])


def _check_value(value: object, path: str, depth: int, found: Findings) -> None:
    if isinstance(value, dict | list):
        # Also what ends the walk of a structure that holds itself.
        if depth > MAX_DOCUMENT_DEPTH:
            found.add(path, f"is nested deeper than {MAX_DOCUMENT_DEPTH}")
            return
        items: Iterable[tuple[object, object]] = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if isinstance(value, dict) and not (isinstance(key, str) and _storable(key)):
                found.add(path, "has a key that is not proper text")
                continue
            below = f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key:.60}"
            _check_value(item, below, depth + 1, found)
    elif isinstance(value, str):
        found.expect(_storable(value), path, "holds NUL or half a surrogate pair")
    elif isinstance(value, float):
        found.expect(math.isfinite(value), path, "is not finite")
    elif isinstance(value, int):
        found.expect(-MAX_INTEGER <= value <= MAX_INTEGER, path, "is beyond 2^53 - 1")
    elif value is not None:
        found.add(path, f"is a {type(value).__name__}, which is no JSON")


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def conform(value: object, kind: type[S], path: str = "$") -> S:
    """A checked copy of ``value``: msgspec checks no types where a Struct is built in Python."""

    def rebuild() -> S:
        plain = msgspec.to_builtins(value, builtin_types=_AS_THEY_ARE)
        return msgspec.convert(plain, kind, builtin_types=_AS_THEY_ARE)

    if not isinstance(value, kind):
        raise ContractViolation([(path, f"is a {type(value).__name__} and no {kind.__name__}")])
    return _structural(rebuild, path)


def _with_document(value: object, kind: type[S], field: str) -> S:
    """:func:`conform`, after the free document in ``field`` was found to be one that can be copied."""
    if isinstance(value, kind):
        check_document(getattr(value, field), f"$.{field}")
    return conform(value, kind)


def _structural(make: Callable[[], S], path: str = "$") -> S:
    try:
        return make()
    except msgspec.ValidationError as error:
        located = _LOCATED.fullmatch(str(error))
        message, where = located.groups() if located else (str(error), "$")
        raise ContractViolation([(path + where[1:], message)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractViolation([(path, "is not JSON")]) from error
    except RecursionError as error:
        raise ContractViolation([(path, "is nested too deeply")]) from error
    except TypeError as error:
        # What to_builtins raises for an object that has no form in JSON.
        raise ContractViolation([(path, str(error))]) from error
