"""Lines drawn as SVG paths on the server, so that no chart library is sent to the browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Line:
    """A path through the points and the closed area below it, for an SVG of the given size."""

    stroke: str
    area: str


#: Room above and below the extremes, so that the stroke is not cut.
MARGIN = 2.0


def height_of(value: float, *, height: float, low: float, high: float) -> float:
    """How far from the top ``value`` is drawn in a chart from ``low`` at the bottom to ``high`` at the top."""
    return MARGIN + (height - 2 * MARGIN) * (1 - (value - low) / ((high - low) or 1.0))


def line(values: Sequence[float], *, width: float, height: float, low: float, high: float) -> Line:
    """Values spread evenly over ``width``, scaled so that ``low`` is at the bottom and ``high`` at the top."""
    if len(values) < 2:
        return Line("", "")
    points = [
        (width * index / (len(values) - 1), height_of(value, height=height, low=low, high=high))
        for index, value in enumerate(values)
    ]
    stroke = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Line(stroke, f"{stroke}L{points[-1][0]:.1f} {height:.1f}L{points[0][0]:.1f} {height:.1f}Z")


def sparkline(values: Sequence[float], *, width: float = 120, height: float = 36) -> Line:
    """A line that uses its whole height, for a shape without an axis."""
    return line(values, width=width, height=height, low=min(values), high=max(values)) if values else Line("", "")


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About ``count`` round values from at or below ``low`` to at or above ``high``, evenly apart."""
    span = (high - low) or abs(high) or 1.0
    raw = span / count
    power = 10.0 ** floor(log10(raw))
    step = next((factor * power for factor in (1, 2, 2.5, 5) if factor * power >= raw), 10 * power)
    first, last = floor(low / step), ceil(high / step)
    return [index * step for index in range(first, last + 1)]
