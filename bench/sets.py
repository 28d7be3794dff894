"""A set of ten thousand cells beside one of a hundred: its expansion, its memory, and a turn in which one cell changes.

Times of this part are the process's own processor time. The libraries for projections and shapes are loaded before.
"""

import gc
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from bench.finished import BEGAN, NOWHERE, SCRIPT, SETTINGS, loop_on, outcome, settings_of
from bench.program import Program, daemon, free_port, until
from bench.rows import Row
from controller.analysis.appraisal import Appraiser
from controller.evalscript import cache as scripts
from controller.ledger.ledger import Ledger
from controller.model.clock import Clock
from controller.reconcile.calls.workers import Call, CallOutcome, ListObjects
from controller.reconcile.loop import Loop
from controller.tree.tree import Tree

SCALES = (100, 10_000)
TURNS = 60
SET = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: %s, labels: {team: agri}}
spec:
  axes:
    tile:
      grid: {area: {bbox: [6.5, 44.0, %s]}, zone: 32, pixel: 10, cell: 1000}
    window: {every: month, from: 2024-01, to: %s}
  template:
    evalscriptFile: ndvi.js
    request:
      input:
        bounds: {bbox: $tile.bbox, properties: {crs: $tile.crs}}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: $window.range}}]
      output:
        width: $tile.width
        height: $tile.height
        responses: [{identifier: default, format: {type: image/tiff}}]
        delivery: {s3: {url: s3://my-bucket/%s, credentialsRef: my-bucket}}
"""
_AREAS = {2: ("6.51, 44.01", "2024-02"), 100: ("7.1, 44.4", "2024-04"), 10_000: ("8.8, 45.7", "2025-12")}
CELLS = {2: 4, 10_000: 9_168}
"""How many cells a set of about so many has, where a bench waits for all of them."""


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    small, large = scales
    yield _expansion(large)
    yield _memory(large)
    turns = {scale: _turn(scale) for scale in scales}
    yield Row(
        what="turn in which one cell changes", scale=f"{large:,} cells", figure=1000 * turns[large][0], unit="ms",
        baseline=1000 * turns[small][0], against=f"of {small} cells", most=1.5,
    )  # fmt: skip
    yield Row(
        what="status file", scale=f"{large:,} cells", figure=turns[large][1] / 1024, unit="KiB", most=16, of="figure"
    )


def write_set(root: Path, scale: int) -> None:
    """A repository with one set of about `scale` cells."""
    jobs = root / "jobs.d"
    jobs.mkdir(parents=True, exist_ok=True)
    (jobs / "ndvi.js").write_text(SCRIPT, encoding="utf-8")
    (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
    (jobs / "alps.yaml").write_text(set_text(scale), encoding="utf-8")


def set_text(scale: int, name: str = "alps") -> str:
    """The manifest of a set of about `scale` cells, which share no request with those of another name."""
    return SET % (name, *_AREAS[scale], name)


def _expansion(scale: int) -> Row:
    """The first scan that finds the set: parsed, checked, named, priced, with the digest of every request."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        first, root = Path(name, "first"), Path(name, "root")
        for folder, size in ((first, 2), (root, scale)):
            folder.mkdir()
            write_set(folder, size)
        settings = settings_of(root)
        appraise = Appraiser(settings.deployment, settings.credentials, scripts, Clock().today)
        Tree(first / "jobs.d", appraise, pricing=appraise.pricing).refresh({}, BEGAN)
        gc.collect()
        began = time.process_time()
        found = Tree(root / "jobs.d", appraise, pricing=appraise.pricing).refresh({}, BEGAN)
        took = time.process_time() - began
    cells = f"{len(found.jobs):,} cells"
    return Row(
        what="a set is read", scale=cells, figure=took, unit="s", most=2.0 * len(found.jobs) / scale, of="figure"
    )


def _memory(scale: int) -> Row:
    """The daemon with the set, everything held by a pause, against one with a set of two cells."""
    most = {}
    for size in (2, scale):
        with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
            root = Path(name)
            write_set(root, size)
            (root / "state").mkdir()
            (root / "state" / "PAUSE").touch()
            with daemon(root, free_port(), SHJOBS_BASE_URL=NOWHERE) as program:
                until(partial(_has_jobs, program, size / 2))
                time.sleep(3)
                most[size] = program.mebibytes
    return Row(
        what="memory of a set", scale=f"{scale:,} cells", figure=most[scale] - most[2], unit="MiB more than for 2",
        most=60.0, of="figure",
    )  # fmt: skip


def _has_jobs(program: Program, least: float) -> bool:
    """Whether the daemon knows so many jobs."""
    return program.metric("shjobs_jobs{") >= least


def _turn(scale: int) -> tuple[float, int]:
    """Seconds of a turn in which one of so many running cells becomes Succeeded, and the bytes of the status file."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        root, calls = Path(name), deque[Call]()
        write_set(root, scale)
        with loop_on(root, calls) as (loop, ledger):
            held, now = _until_listed_once(loop, ledger, calls)
            took = []
            for call in held[:TURNS]:
                now += timedelta(seconds=1)
                began = time.process_time()
                loop.turn([outcome(call)], now)
                took.append(time.process_time() - began)
        return median(took), (root / "jobs.d" / "alps.status.yaml").stat().st_size


def _until_listed_once(loop: Loop, ledger: Ledger, calls: deque[Call]) -> tuple[list[Call], datetime]:
    """Every cell waits for its second listing, which settles it: these calls, and the time by then."""
    now, held, outcomes = BEGAN, list[Call](), list[CallOutcome]()
    loop.start(now)
    while True:
        loop.turn(tuple(outcomes), now)
        open_calls = [*calls]
        outcomes.clear()
        calls.clear()
        for call in open_calls:
            submission = call.step.submission if isinstance(call, ListObjects) else None
            if submission is not None and submission.evidence is not None:
                held.append(call)
            else:
                outcomes.append(outcome(call))
        if not outcomes:
            wakes_at = loop.wakes_at(now)
            if len(held) == len(ledger.jobs):
                return held, now
            now = max(wakes_at or now, now + timedelta(seconds=1))
            loop.rescan(now + timedelta(days=1))
