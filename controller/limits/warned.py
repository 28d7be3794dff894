"""Holds a job for what `check` warns of, as the setting `holdOn` asks: reading a warning costs less than its raster.

Pure. The warnings of a job are those that no comment silences with a reason.
"""

from collections.abc import Collection, Iterable

from controller.model.errors import SILENCING, Problem
from controller.settings.values import EVERY_WARNING


def holding_warnings(warnings: Iterable[Problem], hold_on: Collection[str]) -> tuple[Problem, ...]:
    """Those of the warnings that hold their job: every one, or those whose codes the setting lists."""
    return tuple(each for each in warnings if EVERY_WARNING in hold_on or each.code in hold_on)


def held_message(holding: Collection[Problem]) -> str:
    """What holds the job, and what releases it."""
    first, *others = holding
    more = f" (and {len(others)} more)" if others else ""
    accept = f", or accept it with a reason: `shjobs: ignore {first.code} why it is meant`"
    return (
        f"holdOn holds it: {first.code}: {first.message}{more}; `shjobs check` shows where; "
        f"fix it{'' if first.code in SILENCING else accept}"
    )
