"""Lines drawn as SVG paths on the server, so that no chart library is sent to the browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Line:
    """A path through the points and the closed area below it, for an SVG of the given size."""

    stroke: str
    area: str


def line(values: Sequence[float], *, width: float, height: float, low: float, high: float, inset: float = 2) -> Line:
    """Values spread evenly over ``width``, scaled so that ``low`` is at the bottom and ``high`` at the top."""
    if len(values) < 2:
        return Line("", "")
    span = (high - low) or 1.0
    usable_width, usable_height = width - 2 * inset, height - 2 * inset
    points = [
        (inset + usable_width * index / (len(values) - 1), inset + usable_height * (1 - (value - low) / span))
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
