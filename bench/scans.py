"""A scan of a tree in which nothing has changed, with the status files of finished jobs beside the manifests.

It is compared with a bare walk, which stats the status files too, and with `git status`; in processor time.
"""

import os
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.finished import loop_on
from bench.grown import grow
from bench.rows import Row, in_turn, processor_seconds
from controller.manifest.validate import ValidManifest
from controller.model.files import READ, STATUS
from controller.model.job import Appraisal
from controller.tree.files import Known
from controller.tree.tree import Tree

SCALES = (1_000, 10_000, 100_000)
ROUNDS = {1_000: 30, 10_000: 15, 100_000: 5}


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    for count in scales:
        with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
            root = Path(name)
            grow(root, count)
            scan = _scan(root)
            is_large = count == max(SCALES)
            git = _repository(root)
            took, walk, status = in_turn(
                ROUNDS[count],
                scan,
                partial(bare_walk, str(root / "jobs.d")),
                git,
                clock=processor_seconds,
            )
        common: dict[str, Any] = {"scale": f"{count:,} manifests", "unit": "ms"}
        yield Row(
            what="no-change scan", figure=1000 * took, baseline=1000 * walk, against="bare walk",
            most=1.4 if is_large else None, **common,
        )  # fmt: skip
        yield Row(what="no-change scan", figure=1000 * took, baseline=1000 * status, against="git status", **common)


def bare_walk(folder: str) -> int:
    """scandir and stat of everything, and nothing else."""
    count = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                count += bare_walk(entry.path)
            else:
                entry.stat()
                count += 1
    return count


def _scan(root: Path) -> Callable[[], object]:
    """A scan that knows every file and job, as after a restart."""
    with loop_on(root, deque()) as (_, ledger):
        files, jobs = list(ledger.files()), dict(ledger.jobs)
    tree = Tree(root / "jobs.d", _never, statuses=Known(each for each in files if each.kind == STATUS))
    tree.remember((each for each in files if each.kind in READ), jobs.values())

    def scan() -> None:
        found = tree.refresh(jobs, datetime.now(UTC))
        assert not (found.paths or found.jobs or found.modified), "nothing has changed"

    return scan


def _never(_: ValidManifest) -> Appraisal:
    raise AssertionError("nothing has changed")


def _repository(root: Path) -> Callable[[], None]:
    """`git status` of the same files."""
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    author = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "gc.auto=0")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *author, *arguments], cwd=root, env=plain, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "bench")
    return lambda: git("status", "--porcelain")
