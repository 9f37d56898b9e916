"""The dashboard: figures of the chosen company, drawn and put into words."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import reflex as rx

from frontend import words
from frontend.features.dashboard import charts
from frontend.platform.session import Notice, SessionState
from module_sdk.api.dashboard import Dashboard, MetricSnapshot

CHART_WIDTH: Final = 640
CHART_HEIGHT: Final = 220


@dataclass(frozen=True)
class MetricView:
    """One card. ``verdict`` is ``good``, ``bad`` or ``neutral``; the paths belong to a 120 by 36 SVG."""

    key: str = ""
    label: str = ""
    value: str = ""
    period: str = ""
    change: str = ""
    direction: str = ""
    verdict: str = "neutral"
    spoken: str = ""
    stroke: str = ""
    area: str = ""
    source: str = ""
    as_of: str = ""
    as_of_iso: str = ""
    as_of_exact: str = ""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: its words and where it stands, in the SVG's units, as text for its attributes."""

    words: str = ""
    at: str = "0"


@dataclass(frozen=True)
class PointView:
    """A row of the table behind a chart."""

    when: str = ""
    value: str = ""


@dataclass(frozen=True)
class ChartView:
    """A larger chart with its axes, and the same numbers for those who do not see it."""

    key: str = ""
    title: str = ""
    value: str = ""
    note: str = ""
    spoken: str = ""
    stroke: str = ""
    area: str = ""
    rows: list[Tick] = field(default_factory=list)
    columns: list[Tick] = field(default_factory=list)
    points: list[PointView] = field(default_factory=list)


class DashboardState(SessionState):
    """What the dashboard shows."""

    loaded: bool = False
    failed: bool = False
    problem: Notice = Notice()
    metrics: list[MetricView] = []
    main_charts: list[ChartView] = []
    demonstration: str = ""
    partial: bool = False
    unfinished: bool = False
    read_at: str = ""
    read_at_exact: str = ""
    read_at_iso: str = ""

    @rx.event
    async def load(self) -> Any:
        """Read the figures."""
        if (away := await self._enter()) is not None:
            return away
        self.failed = False
        async with self._talk(self._fail) as api:
            tenant = self._tenant(api)
            dashboard = await tenant.dashboard()
            profile = (await tenant.profile()).profile
            self.unfinished = (await tenant.onboarding()).step != "done"
            self._show(dashboard, profile.time_zone)
        return None

    def _fail(self, notice: Notice) -> None:
        self.failed, self.problem = not self.loaded, notice
        if self.loaded:
            # What was read before is still worth showing.
            self._tell(notice)

    def _show(self, dashboard: Dashboard, time_zone: str) -> None:
        now, where = datetime.now(UTC), words.zone(time_zone)
        titles = {source.capability: source.title for source in dashboard.sources}
        self.metrics = [
            metric_view(metric, dashboard.currency, titles.get(metric.source, metric.source), now, time_zone)
            for metric in dashboard.metrics
        ]
        by_key = {metric.key: metric for metric in dashboard.metrics}
        self.main_charts = [
            chart_view(by_key[key], dashboard.currency, by_key.get("runway") if key == "cash" else None)
            for key in ("cash", "revenue")
            if key in by_key
        ]
        self.demonstration = ", ".join(source.title for source in dashboard.sources if source.demonstration)
        self.partial = dashboard.status == "partial"
        self.read_at, self.read_at_exact = (
            words.ago(dashboard.generated_at, now),
            words.exact(dashboard.generated_at, where),
        )
        self.read_at_iso = dashboard.generated_at.isoformat()
        self.loaded = True


def metric_view(metric: MetricSnapshot, currency: str, source: str, now: datetime, time_zone: str) -> MetricView:
    """A card for ``metric``."""
    drawn = charts.sparkline([point.value for point in metric.trend])
    # What rounds to nothing did not move.
    moved = metric.change if metric.change and words.change(metric.change) != words.change(0.0) else 0.0
    direction = "up" if moved > 0 else "down" if moved < 0 else "flat"
    verdict = "neutral"
    if metric.good != "neutral" and direction != "flat":
        verdict = "good" if direction == metric.good else "bad"
    changed = "" if metric.change is None else words.change(moved)
    spoken = {"up": f"up {changed}", "down": f"down {changed}", "flat": "unchanged"}[direction] if changed else ""
    return MetricView(
        key=metric.key,
        label=metric.label,
        value=words.metric_value(metric.value, metric.unit, metric.currency or currency),
        period=words.PERIODS[metric.period],
        change=changed,
        direction=direction,
        verdict=verdict,
        spoken=spoken,
        stroke=drawn.stroke,
        area=drawn.area,
        source=source,
        as_of=words.ago(metric.as_of, now),
        as_of_iso=metric.as_of.isoformat(),
        as_of_exact=words.exact(metric.as_of, words.zone(time_zone)),
    )


def chart_view(metric: MetricSnapshot, currency: str, runway: MetricSnapshot | None) -> ChartView:
    """A larger chart of ``metric``; with ``runway``, how long it lasts stands beside it."""
    values = [point.value for point in metric.trend]
    if len(values) < 2:
        values = [metric.value, metric.value]
    unit_currency = metric.currency or currency
    marks = charts.ticks(min(0.0, *values), max(values))
    low, high = marks[0], marks[-1]
    drawn = charts.line(values, width=CHART_WIDTH, height=CHART_HEIGHT, low=low, high=high)
    count = len(metric.trend)
    dated = list(enumerate(metric.trend))[:: max(1, count // 4)]
    value = words.metric_value(metric.value, metric.unit, unit_currency)
    first = words.metric_value(values[0], metric.unit, unit_currency)
    return ChartView(
        key=metric.key,
        title=metric.label,
        value=value,
        note=f"{words.metric_value(runway.value, runway.unit, unit_currency)} of runway"
        if runway
        else words.PERIODS[metric.period],
        spoken=f"{metric.label}: from {first} to {value} over {len(values)} points.",
        stroke=drawn.stroke,
        area=drawn.area,
        rows=[
            Tick(
                words.metric_value(mark, metric.unit, unit_currency),
                f"{charts.height_of(mark, height=CHART_HEIGHT, low=low, high=high):.1f}",
            )
            for mark in marks
        ],
        columns=[Tick(f"{point.at:%b %y}", f"{CHART_WIDTH * index / max(1, count - 1):.1f}") for index, point in dated],
        points=[
            PointView(f"{point.at.day} {point.at:%b %Y}", words.metric_value(point.value, metric.unit, unit_currency))
            for point in metric.trend
        ],
    )
