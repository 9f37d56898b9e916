"""What a module and the product say to each other."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

# "$" alone would let a line feed follow, and "\d" the digits of every script.
CAPABILITY_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,4}$(?!\n)"
SEMVER_PATTERN = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$(?!\n)"
)
CapabilityName = Annotated[str, msgspec.Meta(max_length=120, pattern=CAPABILITY_PATTERN, examples=["csuite.ceo.chat"])]
SemVer = Annotated[str, msgspec.Meta(max_length=64, pattern=SEMVER_PATTERN, examples=["1.0.0"])]
Unit = Literal["currency", "percent", "count", "months", "days", "ratio"]


class MetricPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One past value; ``at`` is the end of its period."""

    at: datetime
    value: float


class MetricSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a company: its value in ``unit`` over ``period``, and where it was read.

    ``value`` of ``currency`` is in the major unit of ``currency``; ``percent`` is 0 to 100.
    ``trend`` holds past values, oldest first and the current one last; ``change`` is the relative change to the
    value before (0.1 is 10 % more), ``None`` if there was none or it was zero. ``good`` says which direction is good.
    """

    key: Annotated[str, msgspec.Meta(max_length=60, pattern=r"^[a-z][a-z0-9_]*$(?!\n)", examples=["monthly_revenue"])]
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    value: float
    unit: Unit
    period: Literal["now", "day", "week", "month", "quarter", "year"]
    as_of: datetime
    source: CapabilityName
    currency: str | None = None
    trend: list[MetricPoint] = []
    change: float | None = None
    good: Literal["up", "down", "neutral"] = "up"
    demonstration: bool = False


class ModuleCapability(msgspec.Struct, frozen=True, kw_only=True):
    """What a module can do: a dotted name, a semantic version and words for people."""

    name: CapabilityName
    version: SemVer
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    description: Annotated[str, msgspec.Meta(max_length=400)] = ""
    demonstration: bool = False


class TaskExecutionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit of work for a module. ``capability_version`` is a requirement: same major, at least this one."""

    task_id: UUID
    tenant_id: UUID
    capability: CapabilityName
    capability_version: SemVer
    idempotency_key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    arguments: dict[str, Any] = {}
    requested_at: datetime
    deadline: datetime | None = None


class TaskExecutionResult(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. ``failed`` may be tried again if ``retryable``; ``output`` belongs to ``succeeded`` alone."""

    task_id: UUID
    status: Literal["succeeded", "failed", "cancelled"]
    output: dict[str, Any] = {}
    error_code: str | None = None
    error_detail: str | None = None
    retryable: bool = False
    metrics: list[MetricSnapshot] = []
    finished_at: datetime
