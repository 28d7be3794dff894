"""A thousand jobs in flight beside finished ones: what submitting them costs, and following them an hour later.

The service is the sandbox, where they run for ever. An hour is not waited for: the ledger is changed to say that they
were submitted then, with their next polls spread over the longest interval between two, as they are by then.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.finished import manifests
from bench.grown import accept_terms, grow
from bench.program import Program, daemon, free_port, until
from bench.rows import Row
from bench.scale.layouts import MEMORY, PER_JOB
from bench.scale.sizes import LONGEST, Sizes, repository, step
from bench.scale.start import PAUSE
from bench.stand import sandbox, times_of
from controller.ledger.location import FILE_NAME
from controller.ledger.rows.cells import format_time
from controller.model.timing import Timing

FOREVER = 1e6  # seconds
AGE = timedelta(hours=1)
BUSY = 8.0  # percent of a core
PUNCTUAL = 0.8  # of the polls that fall due: fewer would be cheap
QUIET = 3.0  # seconds that hold everything that follows a start, or a merge
IDLE = 0.02  # processor seconds that a daemon with nothing to do uses meanwhile, at most
CALM = 0.1  # processor seconds that a daemon uses meanwhile, at most, which only polls


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Some time of a daemon: `busy` in percent of a core, `polls` that the service answered."""

    busy: float
    polls: int
    scans: float
    mebibytes: float


def rows(sizes: Sizes, root: Path) -> Iterator[Row]:
    """`root` is the repository of the finished jobs."""
    with step("in flight beside few"), repository() as few:
        grow(few, sizes.few)
        alone, _ = _flown(few, sizes.few, sizes.running, 0.0)
    with step("in flight beside all"):
        beside, window = _flown(root, sizes.manifests, sizes.running, sizes.window)
    scale = f"{sizes.running:,} run, {sizes.manifests:,} finished"
    limited = partial(Row, scale=scale, of="figure")
    yield Row(
        what="processor time per submitted job", scale=scale, figure=beside, unit="ms",
        baseline=alone, against=f"beside {sizes.few:,}", most=PER_JOB,
    )  # fmt: skip
    yield limited(what="in flight", figure=window.busy, unit="% of a core", most=BUSY)
    due = sizes.running * sizes.window / Timing().poll_longest
    yield Row(
        what="polls meanwhile", scale=scale, figure=float(window.polls), unit="polls",
        baseline=due, against="fall due", least=PUNCTUAL,
    )  # fmt: skip
    yield limited(what="scans meanwhile", figure=window.scans, unit="scans", least=1.0)
    yield limited(what="memory", figure=window.mebibytes, unit="MiB", most=MEMORY)


def _flown(root: Path, finished: int, running: int, seconds: float) -> tuple[float, _Window]:
    """Milliseconds of processor time per submitted job, and a window of so many seconds an hour later."""
    with sandbox(root / "buckets", FOREVER) as address:
        accept_terms(root, address)
        with daemon(root, free_port(), SHJOBS_BASE_URL=address) as program:
            per_job = _submitted(root, program, finished, running)
        _make_older(root)
        with daemon(root, free_port(), SHJOBS_BASE_URL=address) as program:
            return per_job, _watched(root, program, seconds)


def _submitted(root: Path, program: Program, finished: int, running: int) -> float:
    """They come at once, as from a merge."""
    manifests(root / "aside", running, folders=1, first=finished)
    until(program.is_ready, PAUSE, LONGEST)
    until(lambda: _used(program, QUIET) < IDLE, longest=LONGEST)
    before = program.processor_seconds
    (root / "aside" / "jobs.d" / "folder-00").rename(root / "jobs.d" / "new")
    until(lambda: _count(root, "accepted") >= running, 5 * PAUSE, LONGEST)
    time.sleep(QUIET)
    assert _count(root, "accepted") == running
    return 1000 * (program.processor_seconds - before) / running


def _make_older(root: Path) -> None:
    now, longest = datetime.now(UTC), Timing().poll_longest
    with closing(sqlite3.connect(root / "state" / FILE_NAME)) as db, db:
        numbers = [row[0] for row in db.execute("select number from submission where verdict is null")]
        for index, number in enumerate(numbers):
            look_at = now + timedelta(seconds=longest * index / len(numbers))
            db.execute(
                "update submission set intended_at = ?1, answered_at = ?1, look_at = ?2 where number = ?3",
                (format_time(now - AGE), format_time(look_at), number),
            )


def _watched(root: Path, program: Program, seconds: float) -> _Window:
    until(program.is_ready, PAUSE, LONGEST)
    until(lambda: _used(program, QUIET) < CALM, longest=LONGEST)  # what was changed is written to the status files
    polls, scans = _count(root, "status"), program.metric("shjobs_scan_seconds_count")
    began, used = time.monotonic(), _used(program, seconds)
    return _Window(
        busy=100 * used / (time.monotonic() - began),
        polls=_count(root, "status") - polls,
        scans=program.metric("shjobs_scan_seconds_count") - scans,
        mebibytes=program.mebibytes,
    )


def _used(program: Program, seconds: float) -> float:
    """Its processor time in so many seconds from now."""
    before = program.processor_seconds
    time.sleep(seconds)
    return program.processor_seconds - before


def _count(root: Path, event: str) -> int:
    return len(times_of(root / "buckets", event))
