"""Numbers, times and choices in words for people. Pure functions; times are aware datetimes."""

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_SYMBOLS: Final = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "BRL": "R$", "CAD": "CA$",
    "AUD": "A$", "NZD": "NZ$", "MXN": "MX$", "HKD": "HK$", "CNY": "CN¥", "TWD": "NT$",
}  # fmt: skip
_STEPS: Final = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))
_SPANS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
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
    """``5 minutes ago``, ``in 3 hours``, ``just now``."""
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    for span, word in _SPANS:
        if size >= span:
            words = count(int(size // span), word)
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now" if seconds >= 0 else "in a moment"
