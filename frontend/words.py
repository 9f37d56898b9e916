"""Numbers, times and choices in words for people. Pure functions; times are aware datetimes."""

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_SYMBOLS: Final = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "BRL": "R$", "CAD": "CA$",
    "AUD": "A$", "NZD": "NZ$", "MXN": "MX$", "HKD": "HK$", "CNY": "CN¥", "TWD": "NT$",
}  # fmt: skip
_STEPS: Final = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))
#: Seconds of a unit, and of the next smaller one.
_SPANS: Final = ((86_400, 3_600, "day"), (3_600, 60, "hour"), (60, 1, "minute"))
PERIODS: Final = {
    "now": "Right now", "day": "Today", "week": "This week", "month": "This month", "quarter": "This quarter",
    "year": "This year",
}  # fmt: skip


def count(number: int, thing: str) -> str:
    """``1 point``, ``3 points``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def compact(value: float) -> str:
    """``1234567`` as ``1.23M``: three significant digits, at most one letter."""
    size = abs(value)
    # The bound below each step is where rounding would show 1000 of the smaller one.
    for step, letter in _STEPS:
        if size >= step * 0.9995:
            return _three(value / step) + letter
    return _three(value)


def _three(value: float) -> str:
    size = abs(value)
    places = 2 if size < 10 else 1 if size < 100 else 0
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: float, currency: str) -> str:
    """An amount in the major unit, compact, with the currency's sign or its code."""
    sign, size = ("-" if value < 0 else ""), compact(abs(value))
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{size}" if symbol else f"{sign}{size} {currency}"


def metric_value(value: float, unit: str, currency: str) -> str:
    """A figure with its unit."""
    if unit == "currency":
        return money(value, currency)
    if unit == "percent":
        return f"{_three(value)}%"
    if unit in ("months", "days"):
        number = f"{value:.1f}".removesuffix(".0")
        return f"{number} {unit if number != '1' else unit.removesuffix('s')}"
    return compact(value)


def change(value: float) -> str:
    """A relative change, ``0.1`` as ``10%``, without its sign: an arrow shows that."""
    size = abs(value) * 100
    return f"{size:.1f}%" if size < 9.95 else f"{size:.0f}%"


def zone(name: str) -> tzinfo:
    """The time zone called ``name``, UTC for one that is not known here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def exact(moment: datetime, where: tzinfo = UTC) -> str:
    """``20 Nov 2026, 09:30 UTC``."""
    local = moment.astimezone(where)
    return f"{local.day} {local:%b %Y, %H:%M %Z}".strip()


def ago(moment: datetime, now: datetime) -> str:
    """``5 minutes ago``, ``in 3 hours``, ``just now``; the browser says the same as time goes on (``kit/browser.js``).

    What has passed is counted in whole units, what is to come in the nearest: a key made for 90 days ends in 90 days.
    """
    seconds = (now - moment).total_seconds()
    size, past = abs(seconds), seconds >= 0
    for span, smaller, word in _SPANS:
        if size + (0 if past else smaller / 2) >= span:
            words = count(int(size / span + (0 if past else 0.5)), word)
            return f"{words} ago" if past else f"in {words}"
    return "just now" if past else "in a moment"
