"""A daemon beside jobs that are all finished: how soon it is ready, and what it costs to have it there."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.finished import NOWHERE, manifests
from bench.grown import grow
from bench.program import daemon, environment, free_port, until
from bench.rows import Row, in_turn

SCALES = (100, 1_000, 10_000)
SECONDS = 65.0  # holds one scan: there is one a minute


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    for count in scales:
        with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
            root = Path(name)
            grow(root, count)
            yield from _restarted(root, count, is_large=count == max(scales))
            for path in (root / "state").iterdir():
                path.unlink()
            shutil.rmtree(root / "jobs.d")
            yield from _fresh(root, count, is_large=count == max(scales))


def _restarted(root: Path, count: int, *, is_large: bool) -> Iterator[Row]:
    scale = f"{count:,} finished jobs"
    with daemon(root, free_port(), SHJOBS_BASE_URL=NOWHERE) as program:
        ready = until(program.is_ready)
        time.sleep(3)
        scans = program.metric("shjobs_scan_seconds_count")
        before = program.processor_seconds
        time.sleep(SECONDS)
        busy = 100 * (program.processor_seconds - before) / SECONDS
        scans = program.metric("shjobs_scan_seconds_count") - scans
        calls = program.metric("shjobs_call_seconds_count")
        memory = program.mebibytes
        stop = program.seconds_to_stop()
    [get] = in_turn(5, partial(_get, root))
    limited = partial(Row, scale=scale, of="figure")
    yield limited(what="ready after a restart", figure=ready, unit="s", most=3.0 if is_large else None)
    yield limited(what="idle", figure=busy, unit="% of a core", most=1.0 if is_large else None)
    yield limited(what="scans while idle", figure=scans, unit="scans", least=1.0)
    yield limited(what="calls while idle", figure=calls, unit="calls", most=0.0)
    yield limited(what="memory", figure=memory, unit="MiB", most=150.0 if is_large else None)
    yield limited(what="get", figure=get, unit="s", most=0.5 if is_large else None)
    yield limited(what="stop on SIGTERM", figure=stop, unit="s", most=5.0)


def _get(root: Path) -> None:
    """`shjobs get` of them all, from its start to its end."""
    command = [sys.executable, "-m", "controller", "get", "-o", "table"]
    given = environment(SHJOBS_BASE_URL=NOWHERE)
    subprocess.run(command, cwd=root, env=given, stdout=subprocess.DEVNULL, check=True)


def _fresh(root: Path, count: int, *, is_large: bool) -> Iterator[Row]:
    """The same jobs seen for the first time, all on hold by a pause."""
    manifests(root, count)
    (root / "state" / "PAUSE").touch()
    with daemon(root, free_port(), SHJOBS_BASE_URL=NOWHERE) as program:
        until(program.is_ready)
        time.sleep(3)
        memory = program.mebibytes
    most = 150.0 if is_large else None
    yield Row(what="memory", scale=f"{count:,} new jobs", figure=memory, unit="MiB", most=most, of="figure")
