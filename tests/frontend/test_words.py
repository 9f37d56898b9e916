from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from frontend import words
from frontend.features.dashboard import charts

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (7.126, "7.13"), (999.4, "999"), (999.6, "1k"), (1_234, "1.23k"), (12_345, "12.3k"), (999_900, "1M"),
     (1_320_000, "1.32M"), (-45_600, "-45.6k"), (2e9, "2B")],
)  # fmt: skip
def test_compact(value: float, shown: str) -> None:
    assert words.compact(value) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(1_320_000, "currency", "€1.32M"), (-500, "currency", "-€500"), (2.41, "percent", "2.41%"),
     (14.2, "months", "14.2 months"), (1.0, "months", "1 month"), (30, "days", "30 days"), (225, "count", "225")],
)  # fmt: skip
def test_metric_value(value: float, unit: str, shown: str) -> None:
    assert words.metric_value(value, unit, "EUR") == shown


def test_currency_without_a_sign_keeps_its_code() -> None:
    assert words.money(1_500, "CHF") == "1.5k CHF"


@pytest.mark.parametrize(
    ("delta", "shown"),
    [(timedelta(0), "just now"), (timedelta(seconds=59), "just now"), (timedelta(seconds=60), "1 minute ago"),
     (timedelta(hours=25), "1 day ago"), (-timedelta(hours=3), "in 3 hours"), (-timedelta(seconds=5), "in a moment"),
     (-timedelta(days=7, seconds=-2), "in 7 days"), (-timedelta(days=90, seconds=-30), "in 90 days"),
     (-timedelta(hours=23, minutes=40), "in 1 day"), (-timedelta(hours=23, minutes=20), "in 23 hours"),
     (-timedelta(minutes=59, seconds=58), "in 1 hour"), (-timedelta(seconds=59.6), "in 1 minute"),
     (timedelta(days=7, seconds=-2), "6 days ago")],
)  # fmt: skip
def test_ago(delta: timedelta, shown: str) -> None:
    assert words.ago(NOW - delta, NOW) == shown


def test_exact_uses_the_zone_and_survives_an_unknown_one() -> None:
    assert words.exact(NOW, words.zone("Europe/Berlin")) == "20 Nov 2026, 10:30 CET"
    assert words.exact(NOW, words.zone("Mars/Olympus")) == "20 Nov 2026, 09:30 UTC"
    assert words.exact(NOW, words.zone("../../etc/passwd")) == "20 Nov 2026, 09:30 UTC"


def test_lines_stay_inside_and_flat_ones_are_drawn() -> None:
    drawn = charts.sparkline([3, 1, 2], width=100, height=20)
    assert drawn.stroke == "M0.0 2.0L50.0 18.0L100.0 10.0"
    assert drawn.area.endswith("L100.0 20.0L0.0 20.0Z")
    assert charts.sparkline([5, 5]).stroke.startswith("M0.0")
    assert charts.sparkline([5]) == charts.sparkline([]) == charts.Line("", "")


@pytest.mark.parametrize(("low", "high"), [(0, 156_000), (-20, 90), (0, 0.004), (5, 5)])
def test_ticks_are_round_and_cover_the_values(low: float, high: float) -> None:
    marks = charts.ticks(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high
    assert 2 <= len(marks) <= 7
    steps = {round(after - before, 9) for before, after in pairwise(marks)}
    assert len(steps) == 1
