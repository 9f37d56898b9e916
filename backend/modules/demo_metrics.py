"""``demo.metrics``: plausible figures for a company that has connected nothing yet, marked as demonstration data."""

import hashlib
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final, Literal, NamedTuple
from uuid import UUID

from module_sdk.contract.capability import MetricPoint, MetricSnapshot, ModuleCapability, Unit
from module_sdk.contract.module import MetricsRequest

_MONTHS: Final = 12


class _Figure(NamedTuple):
    key: str
    label: str
    unit: Unit
    period: Literal["now", "month"]
    good: Literal["up", "down"] = "up"
    digits: int = 0


class _Growth(NamedTuple):
    """A figure that grows by itself: its value a year ago, its growth a month and its wobble, both relative."""

    base: float
    monthly: float
    wobble: float
    scaled: bool = True  # larger companies have more of it


_FIGURES: Final = (
    _Figure("cash", "Cash", "currency", "now"),
    _Figure("revenue", "Revenue", "currency", "month"),
    _Figure("burn", "Net burn", "currency", "month", "down"),
    _Figure("runway", "Runway", "months", "now", digits=1),
    _Figure("customers", "Customers", "count", "now"),
    _Figure("leads", "New leads", "count", "month"),
    _Figure("conversion", "Lead conversion", "percent", "month", digits=1),
    _Figure("churn", "Customer churn", "percent", "month", "down", digits=1),
)
_GROWTH: Final = {
    "revenue": _Growth(96_000, 0.041, 0.03),
    "burn": _Growth(58_000, 0.004, 0.05),
    "customers": _Growth(182, 0.031, 0.015),
    "leads": _Growth(240, 0.022, 0.11),
    "conversion": _Growth(7.4, 0.008, 0.07, scaled=False),
    "churn": _Growth(2.9, -0.018, 0.09, scaled=False),
}
_CASH: Final = 1_640_000


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
        months = _month_starts(request.now)
        series = _series(request.tenant_id, months)
        return [self._snapshot(figure, request, months, series[figure.key]) for figure in _FIGURES]

    def _snapshot(
        self, figure: _Figure, request: MetricsRequest, months: list[datetime], series: list[float]
    ) -> MetricSnapshot:
        values = [round(value, figure.digits) for value in series]
        now, before = values[-1], values[-2]
        return MetricSnapshot(
            key=figure.key,
            label=figure.label,
            value=now,
            unit=figure.unit,
            period=figure.period,
            as_of=request.now,
            source=self.capability.name,
            currency=request.company.profile.currency if figure.unit == "currency" else None,
            trend=[MetricPoint(at=at, value=value) for at, value in zip(months, values, strict=True)],
            change=round((now - before) / before, 4) if before else None,
            good=figure.good,
            demonstration=True,
        )


def _series(tenant_id: UUID, months: list[datetime]) -> dict[str, list[float]]:
    """Twelve values of each figure, which agree with one another: burn eats cash, and both make the runway."""
    scale = 0.4 + 1.6 * _noise(tenant_id, "scale")
    series = {
        key: [
            growth.base * (scale if growth.scaled else 1) * (1 + growth.monthly) ** step
            * (1 + growth.wobble * (2 * _noise(tenant_id, f"{key}/{at:%Y-%m}") - 1))
            for step, at in enumerate(months)
        ]
        for key, growth in _GROWTH.items()
    }  # fmt: skip
    series["cash"] = [_CASH * scale - spent for spent in accumulate(series["burn"])]
    series["runway"] = [cash / burn for cash, burn in zip(series["cash"], series["burn"], strict=True)]
    return series


def _month_starts(now: datetime) -> list[datetime]:
    """The first of this month and of the eleven before, oldest first, in UTC."""
    months = now.year * 12 + now.month - 1
    return [datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in range(months - _MONTHS + 1, months + 1)]


def _noise(tenant_id: UUID, label: str) -> float:
    """A number in [0, 1) that depends on its arguments alone."""
    digest = hashlib.sha256(tenant_id.bytes + label.encode()).digest()
    return math.ldexp(int.from_bytes(digest[:6], "big"), -48)
