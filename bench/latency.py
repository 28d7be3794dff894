"""From a changed file to its POST, in a daemon that does not wait for the tree to settle: alone, among many, and beside
a thousand manifests that are broken.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from bench.finished import MANIFEST, finish, manifests
from bench.program import Program, daemon, free_port, until
from bench.rows import Row
from bench.stand import sandbox, times_of

Beside = Callable[[Program], AbstractContextManager[None]]
SCALES = (10, 100, 1_000)
CHANGES = 50
BROKEN = 1_000
LIVE = """\
deployment = "sandbox"
timeScale = 0.05
maxRunning = 100000
requestsPerMinute = 1000000000
settle = "0s"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "sandbox"
"""


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    alone: list[float] = []
    for count in scales:
        took = measured(count)
        alone = alone or took
        scale = f"{count:,} finished jobs"
        median, slowest = statistics.median(took), max(took)
        yield Row(what="change to POST, median", scale=scale, figure=median, unit="ms", most=250.0, of="figure")
        yield Row(
            what=f"change to POST, slowest of {CHANGES}",
            scale=scale,
            figure=slowest,
            unit="ms",
            most=1000.0,
            of="figure",
        )
    beside = measured(scales[0], broken=BROKEN)
    before, after = statistics.median(alone), statistics.median(beside)
    yield Row(
        what="change to POST, median", scale=f"{BROKEN:,} broken beside", figure=after, unit="ms", baseline=before,
        against="without them", most=max(1.1, (before + 20) / before),
    )  # fmt: skip


def measured(count: int, broken: int = 0, beside: Beside | None = None) -> list[float]:
    """Milliseconds from each of fifty changes to the moment at which the sandbox had read its POST.

    `beside` is what goes on meanwhile, of the daemon.
    """
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        root = Path(name)
        manifests(root, count)
        finish(root)
        (root / "shjobs.toml").write_text(LIVE, encoding="utf-8")
        for number in range(broken):
            path = root / "jobs.d" / f"broken-{number % 10}" / f"{number}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(_text(number + 1).replace("width: 64", "width: 640000"), encoding="utf-8")
        with sandbox(root / "sandbox") as address, daemon(root, free_port(), SHJOBS_BASE_URL=address) as program:
            until(program.is_ready)
            with beside(program) if beside else nullcontext():
                return [_change(root, program, number) for number in range(CHANGES + 3)][3:]


def _change(root: Path, program: Program, number: int) -> float:
    time.sleep(0.2)
    path = root / "jobs.d" / "live.yaml"
    path.write_text(_text(0, number), encoding="utf-8")
    began = datetime.now(UTC)
    until(lambda: _posts(root) > number, pause=0.005)
    assert program.process.poll() is None
    return (times_of(root / "sandbox", "post")[-1] - began).total_seconds() * 1000


def _posts(root: Path) -> int:
    return len(times_of(root / "sandbox", "post"))


def _text(name: int, number: int = 0) -> str:
    script = "../ndvi.js" if name else "ndvi.js"
    text = MANIFEST.format(number=name, west=14.5 + number / 1e4 + name / 1e7, script=script)
    return text.replace(f"job-{name}", f"live-{name}")
