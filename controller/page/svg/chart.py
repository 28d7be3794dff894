"""The bars of a month: what each day cost, the sum so far against the budget. Lengths are units of the drawing."""

from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 180, 60, 22, 8
_STEPS = (1, 2, 2.5, 5, 10)


def day_chart(days: Sequence[dict[str, Any]], budget: float | None, passed: int) -> dict[str, Any]:
    """Bars by day, spent below reserved, and a line of the sum up to day `passed`, with the budget if there is one.

    Bars have an axis of their own: a day is small beside a month.
    """
    amounts = [(each["spent"], each["reserved"]) for each in days]
    top = nice(max((spent + reserved for spent, reserved in amounts), default=0.0))
    inner = HEIGHT - TOP - BOTTOM
    step = (WIDTH - LEFT) / len(days)

    def y(value: float, most: float) -> float:
        return round(TOP + inner * (1 - min(1.0, value / most)), 1)

    bars = [
        {
            "x": round(LEFT + index * step + step * 0.15, 1),
            "width": round(step * 0.7, 1),
            "day": day["day"],
            "spent": {"y": y(spent, top), "height": round(inner * spent / top, 1)},
            "reserved": {"y": y(spent + reserved, top), "height": round(inner * reserved / top, 1)},
            "amount": spent + reserved,
        }
        for index, (day, (spent, reserved)) in enumerate(zip(days, amounts, strict=True))
    ]
    sums, total = [], 0.0
    for spent, reserved in amounts[:passed]:
        total += spent + reserved
        sums.append(total)
    most = nice(max(total, budget or 0.0))
    line = [(round(LEFT + (index + 0.5) * step, 1), y(value, most)) for index, value in enumerate(sums)]
    return {
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "bottom": HEIGHT - BOTTOM, "top": top, "most": most,
        "bars": bars,
        "labels": [{"x": round(LEFT + (day - 0.5) * step, 1), "day": day} for day in range(1, len(days) + 1, 5)],
        "sum": " ".join(f"{x},{height}" for x, height in line),
        "budget": None if budget is None else y(budget, most),
    }  # fmt: skip


def nice(value: float) -> float:
    """The next round number above, for the end of an axis; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power > value:
        power /= 10
    return next(power * each for each in _STEPS if power * each >= value * 0.999)
