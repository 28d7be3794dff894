"""The manifests in few, in many, and each in a folder of its own: the first load, a restart, a turn without news."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.finished import loop_on
from bench.rows import Row, in_turn, processor_seconds
from bench.scale.sizes import Sizes, step
from bench.scale.start import Start, first_start, restart
from bench.scans import bare_walk
from controller.model.timing import Timing
from controller.reconcile.calls.workers import Call

MEMORY = 450.0  # MiB
READY = 15.0  # seconds
PER_JOB = 1.3  # the time per job at full scale, beside that at the small one


def first_loads(sizes: Sizes, folders: int) -> Iterator[Row]:
    """The cost of a manifest is compared with that among few, without the start of the program itself."""
    label = f"{sizes.manifests:,} in {folders:,} folders"
    with step(f"{label}: first load"):
        least, small, large = [first_start(count, min(folders, count)) for count in (2, sizes.small, sizes.manifests)]
    row = partial(Row, scale=label)
    yield row(what="first load", figure=large.seconds, unit="s")
    yield row(
        what="first load, processor time", figure=_each(large, least), unit="ms a manifest",
        baseline=_each(small, least), against=f"at {sizes.small:,}", most=PER_JOB,
    )  # fmt: skip
    yield row(what="memory, new jobs", figure=large.mebibytes, unit="MiB", most=MEMORY, of="figure")


def restarts(sizes: Sizes, folders: int, root: Path) -> Iterator[Row]:
    """With the repository of the finished jobs."""
    label = f"{sizes.manifests:,} in {folders:,} folders"
    limited = partial(Row, scale=label, of="figure")
    with step(f"{label}: restart"):
        found = restart(root, sizes.manifests)
    yield limited(what="ready after a restart", figure=found.seconds, unit="s", most=READY)
    yield limited(what="processor time of a restart", figure=found.processor, unit="s")
    yield limited(what="memory, finished jobs", figure=found.mebibytes, unit="MiB", most=MEMORY)
    with step(f"{label}: turns without news"):
        turn, walk = _turns(root, sizes.rounds)
    yield Row(
        what="turn without news", scale=label, figure=1000 * turn, unit="ms", baseline=1000 * walk,
        against="bare walk", most=1.4,
    )  # fmt: skip


def _each(found: Start, least: Start) -> float:
    """Milliseconds of processor time for one manifest more."""
    return 1000 * (found.processor - least.processor) / (found.jobs - least.jobs)


def _turns(root: Path, rounds: int) -> list[float]:
    """Processor seconds of a turn that scans, and of a bare walk, which stats the status files too.

    Status files are compared once a minute, so there is a minute between two turns.
    """
    calls, minutes = deque[Call](), _minutes()
    with loop_on(root, calls) as (loop, _):
        loop.start(next(minutes))
        loop.turn((), next(minutes))
        loop.report(next(minutes))
        jobs = str(root / "jobs.d")
        took = in_turn(
            rounds,
            lambda: loop.turn((), next(minutes)),
            partial(bare_walk, jobs),
            clock=processor_seconds,
        )
    assert not calls
    return took


def _minutes() -> Iterator[datetime]:
    """The time a minute and a bit later, and again: by then a scan is due."""
    now = datetime.now(UTC)
    while True:
        now += timedelta(seconds=Timing().scan_every + 1)
        yield now
