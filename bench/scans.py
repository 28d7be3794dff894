"""A scan of a tree in which nothing has changed, beside a bare walk and `git status`."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.finished import manifests
from bench.rows import Row, in_turn
from controller.manifest.validate import ValidManifest
from controller.model.files import FileRecord
from controller.model.job import Appraisal
from controller.tree.files import seen_at
from controller.tree.tree import Tree

SCALES = (1_000, 10_000, 100_000)
ROUNDS = {1_000: 30, 10_000: 15, 100_000: 5}


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    for count in scales:
        with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
            root = Path(name)
            manifests(root, count)
            tree, now = _remembering(root), datetime.now(UTC)
            is_large = count == max(SCALES)
            git = _repository(root)
            took, walk, status = in_turn(
                ROUNDS[count],
                partial(tree.refresh, {}, now),
                partial(bare_walk, str(root / "jobs.d")),
                git,
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


def _remembering(root: Path) -> Tree:
    """A tree that knows every file, as after a restart."""
    jobs = root / "jobs.d"
    records: list[FileRecord] = []
    for path in jobs.rglob("*.*"):
        relative = path.relative_to(jobs).as_posix()
        kind = "script" if path.suffix == ".js" else "manifest"
        found = seen_at(path, relative, kind)
        assert found is not None
        uses = ("ndvi.js",) if kind == "manifest" else ()
        fields = {name: getattr(found, name) for name in FileRecord.__slots__}
        records.append(FileRecord(**{**fields, "uses": uses, "sha256": "0" * 64}))
    tree = Tree(jobs, _never)
    tree.remember(records, ())
    assert not tree.refresh({}, datetime.now(UTC)).paths, "nothing has changed"
    return tree


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
