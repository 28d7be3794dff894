"""What commands that read one job cost beside many finished jobs and beside few, and how soon a list begins."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.finished import NOWHERE
from bench.grown import MODEL, grow
from bench.program import environment
from bench.rows import Row
from bench.scale import command
from bench.scale.sizes import Sizes, repository, step

NAME = f"job-{MODEL}"
COMMANDS = (("why", NAME), ("describe", NAME), ("get", NAME))
FIRST_LINES = 10
SOON = 0.5  # seconds
MOST, MEMORY = 1.5, 90.0  # a ratio, MiB


def rows(sizes: Sizes, many: Path) -> Iterator[Row]:
    """`many` is the repository with all of them."""
    with repository() as few, step("reads of one job"):
        grow(few, sizes.few)
        for words in COMMANDS:
            yield from _compared(words, few, many, sizes)
    with step("the first lines of get"):
        soon = statistics.median(_used(many, ("get",), FIRST_LINES)["seconds"] for _ in range(sizes.rounds))
    yield Row(
        what=f"get, the first {FIRST_LINES} lines", scale=_scale(sizes), figure=soon, unit="s", most=SOON, of="figure"
    )


def _compared(words: tuple[str, ...], few: Path, many: Path, sizes: Sizes) -> Iterator[Row]:
    before, after = [], []
    for _ in range(sizes.rounds):
        before.append(_used(few, words))
        after.append(_used(many, words))
    row = partial(Row, scale=_scale(sizes))
    for key, what in (("processor", "processor time"), ("seconds", "from start to end")):
        figure, baseline = (1000 * statistics.median(each[key] for each in side) for side in (after, before))
        yield row(
            what=f"{words[0]} NAME, {what}", figure=figure, unit="ms", baseline=baseline,
            against=f"beside {sizes.few:,}", most=MOST,
        )  # fmt: skip
    peak = max(each["mebibytes"] for each in after)
    yield row(what=f"{words[0]} NAME, memory", figure=peak, unit="MiB", most=MEMORY, of="figure")


def _used(root: Path, words: tuple[str, ...], lines: int = 0) -> dict[str, float]:
    """What a command of ours used, by itself."""
    given = [sys.executable, command.__file__, str(lines), sys.executable, "-m", "controller", *words]
    done = subprocess.run(given, cwd=root, env=environment(SHJOBS_BASE_URL=NOWHERE), stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _scale(sizes: Sizes) -> str:
    return f"{sizes.manifests:,} finished jobs"
