"""Ten sets of ten thousand cells, each cell on hold by a pause: the first load, and a restart."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.finished import SCRIPT, SETTINGS
from bench.rows import Row
from bench.scale.layouts import MEMORY, READY
from bench.scale.sizes import Sizes, repository, step
from bench.scale.start import hold, start
from bench.sets import CELLS, set_text


def rows(sizes: Sizes) -> Iterator[Row]:
    with repository() as root:
        _write(root, sizes)
        hold(root)
        cells = sizes.sets * CELLS[sizes.cells]
        with step("sets: first load"):
            first = start(root, cells)
        with step("sets: restart"):
            again = start(root, cells)
    assert first.jobs == again.jobs == cells
    limited = partial(Row, scale=f"{sizes.sets} sets, {cells:,} cells", of="figure")
    yield limited(what="first load", figure=first.seconds, unit="s")
    yield limited(what="first load, processor time", figure=1000 * first.processor / cells, unit="ms a cell")
    yield limited(what="memory, new jobs", figure=first.mebibytes, unit="MiB", most=MEMORY)
    yield limited(what="ready after a restart", figure=again.seconds, unit="s", most=READY)
    yield limited(what="processor time of a restart", figure=again.processor, unit="s")
    yield limited(what="memory after a restart", figure=again.mebibytes, unit="MiB", most=MEMORY)


def _write(root: Path, sizes: Sizes) -> None:
    jobs = root / "jobs.d"
    jobs.mkdir()
    (jobs / "ndvi.js").write_text(SCRIPT, encoding="utf-8")
    (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
    for number in range(sizes.sets):
        (jobs / f"alps-{number}.yaml").write_text(set_text(sizes.cells, f"alps-{number}"), encoding="utf-8")
