"""``demo.metrics``: plausible figures for a company that has connected nothing yet, marked as demonstration data."""

import hashlib
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from module_sdk.contract import MetricPoint, MetricSnapshot, ModuleCapability, Unit
from module_sdk.module import MetricsRequest

_MONTHS: Final = 12


class _Figure(NamedTuple):
    key: str
    label: str
    unit: Unit
    base: float
    growth: float  # a month, relative
    wobble: float  # relative
    good: str
    digits: int


_FIGURES: Final = (
    _Figure("cash", "Cash", "currency", 1_240_000, -0.028, 0.012, "up", 0),
    _Figure("revenue", "Revenue", "currency", 96_000, 0.041, 0.03, "up", 0),
    _Figure("burn", "Net burn", "currency", 58_000, 0.004, 0.05, "down", 0),
    _Figure("runway", "Runway", "months", 21.4, -0.025, 0.01, "up", 1),
    _Figure("customers", "Customers", "count", 182, 0.031, 0.015, "up", 0),
    _Figure("leads", "New leads", "count", 240, 0.022, 0.11, "up", 0),
    _Figure("conversion", "Lead conversion", "percent", 7.4, 0.008, 0.07, "up", 1),
    _Figure("churn", "Customer churn", "percent", 2.9, -0.018, 0.09, "down", 1),
)
_MONTHLY: Final = {"revenue", "burn", "leads", "conversion", "churn"}


class DemoMetrics:
    """The same company gets the same figures all month long; two companies get different ones."""

    capability: Final = ModuleCapability(
        name="demo.metrics",
        version="1.0.0",
        title="Demonstration data",
        description="Figures made up for companies that have connected no system yet.",
        demonstration=True,
    )

    async def metrics(self, request: MetricsRequest) -> Sequence[MetricSnapshot]:
        """Twelve months of each figure, ending with the running month."""
        scale = 0.4 + 1.6 * _noise(request.tenant_id, "scale")
        return [self._snapshot(figure, request, scale) for figure in _FIGURES]

    def _snapshot(self, figure: _Figure, request: MetricsRequest, scale: float) -> MetricSnapshot:
        scale = 1.0 if figure.unit in ("percent", "months") else scale
        ends = _month_starts(request.now)
        values = [
            round(
                figure.base * scale * (1 + figure.growth) ** step
                * (1 + figure.wobble * (2 * _noise(request.tenant_id, f"{figure.key}/{at:%Y-%m}") - 1)),
                figure.digits,
            )
            for step, at in enumerate(ends)
        ]  # fmt: skip
        before = values[-2]
        return MetricSnapshot(
            key=figure.key,
            label=figure.label,
            value=values[-1],
            unit=figure.unit,
            period="month" if figure.key in _MONTHLY else "now",
            as_of=request.now,
            source=self.capability.name,
            currency=request.company.profile.currency if figure.unit == "currency" else None,
            trend=[MetricPoint(at=at, value=value) for at, value in zip(ends, values, strict=True)],
            change=round((values[-1] - before) / before, 4) if before else None,
            good="down" if figure.good == "down" else "up",
            demonstration=True,
        )


def _month_starts(now: datetime) -> list[datetime]:
    """The first of this month and of the eleven before, oldest first, in UTC."""
    months = now.year * 12 + now.month - 1
    return [datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in range(months - _MONTHS + 1, months + 1)]


def _noise(tenant_id: UUID, label: str) -> float:
    """A number in [0, 1) that depends on its arguments alone."""
    digest = hashlib.sha256(tenant_id.bytes + label.encode()).digest()
    return math.ldexp(int.from_bytes(digest[:6], "big"), -48)
