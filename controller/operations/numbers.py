"""Human-readable numbers, the same in every table and line."""

from collections.abc import Mapping
from typing import Any


def count(number: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def units(amount: float | None) -> str:
    """Processing units with two decimals, empty when unknown."""
    return "" if amount is None else f"{amount:,.2f}"


def short_units(amount: float) -> str:
    """`600`, `20.75`: processing units in a headline."""
    return units(amount).removesuffix(".00")


def money(amount: float | None, price: Mapping[str, Any]) -> str:
    """That many processing units at a price with `perUnit` and `currency`; empty when unknown."""
    return "" if amount is None else f"{amount * price['perUnit']:,.2f} {price['currency']}"


def human_size(amount: int) -> str:
    """Bytes in the largest unit that leaves at least one."""
    value = float(amount)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def age(seconds: float) -> str:
    """`45s`, `12m`, `3h`, `5d`: in the largest unit that leaves at least two, but for seconds."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:,.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"
