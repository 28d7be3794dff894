"""One row of the table: a figure, its baseline of the same run, and whether the budget of DESIGN §12 holds."""

import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`ratio` compares the figure with its baseline; `most` or `least` is the budget of whichever is compared.

    `of` says what the budget is for: the ratio, or the figure itself.
    """

    what: str
    scale: str
    figure: float
    unit: str
    baseline: float | None = None
    against: str = ""
    most: float | None = None
    least: float | None = None
    of: str = "ratio"

    @property
    def ratio(self) -> float | None:
        return self.figure / self.baseline if self.baseline else None

    @property
    def holds(self) -> bool | None:
        """None: there is no budget at this scale."""
        compared = self.ratio if self.of == "ratio" else self.figure
        if compared is None or (self.most is None and self.least is None):
            return None
        return (self.most is None or compared <= self.most) and (self.least is None or compared >= self.least)


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as text."""
    reported = [("WHAT", "SCALE", "FIGURE", "BASELINE", "RATIO", "BUDGET", "")]
    for row in rows:
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        baseline = f"{_number(row.baseline)} {row.unit} {row.against}" if row.baseline is not None else row.against
        verdict = {True: "holds", False: "BROKEN", None: ""}[row.holds]
        reported.append(
            (row.what, row.scale, f"{_number(row.figure)} {row.unit}", baseline, ratio, _budget(row), verdict)
        )
    widths = [max(map(len, column)) for column in zip(*reported, strict=True)]
    for line in reported:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _budget(row: Row) -> str:
    match row.least, row.most:
        case None, None:
            return ""
        case None, most:
            return f"{row.of} ≤ {most:g}"
        case least, None:
            return f"{row.of} ≥ {least:g}"
        case least, most:
            return f"{least:g} ≤ {row.of} ≤ {most:g}"


def record(rows: Sequence[Row], path: Path) -> None:
    """Keep them as JSON, with the machine they were measured on."""
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }
    reported = [{**asdict(row), "ratio": row.ratio, "holds": row.holds} for row in rows]
    path.write_text(json.dumps({"machine": machine, "rows": reported}, indent=2) + "\n", encoding="utf-8")


def in_turn(
    rounds: int, *acts: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[float]:  # fmt: skip
    """The median seconds of each, run in turn so that all meet the same machine; one round is not counted."""
    took: list[list[float]] = [[] for _ in acts]
    for number in range(rounds + 1):
        for times, act in zip(took, acts, strict=True):
            began = clock()
            act()
            if number:
                times.append(clock() - began)
    return [statistics.median(times) for times in took]


def processor_seconds() -> float:
    """What this process and the commands that it waited for have used: other programs do not change it."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
