"""What is known of the files below the jobs folder, and whether they are still the same.

`scanning` reads what changed: the loop calls it with what it remembers; `check` and `plan` with nothing. Whoever only
wants to know whether anything changed does not load the rules of manifests.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.loader.known import Known
from controller.loader.record import FileRecord, read, stat_below
from controller.loader.walk import SUFFIXES, Walk


def is_unchanged(root: Path, known: Known) -> bool:
    """Whether the files are those that are known; only those are read whose stat is another, or was too fresh."""
    walk = Walk(root, known)
    if walk.run() or walk.missing:
        return False
    altered = [path for path, record in known.scripts.items() if not record.has(stat_below(walk.real, path))]
    return all(_has_same_bytes(walk.real, known.get(path)) for path in [*walk.suspects, *altered])


def _has_same_bytes(root: str, record: FileRecord | None) -> bool:
    return record is not None and read(root, record.path, record.kind)[1].sha256 == record.sha256 != ""


def strays(root: Path, statuses: Known, pulse: Callable[[], None] = lambda: None) -> frozenset[str]:
    """The status files below `root`, a mirror of the tree, that are not as they were left."""
    walk = Walk(root, Known(), statuses, pulse)
    walk.run(is_mirror=True)
    return frozenset(walk.strays)


def manifests_of(status: str) -> set[str]:
    """The manifests whose status file this may be."""
    return {status.removesuffix(".status.yaml") + suffix for suffix in SUFFIXES}


@contextmanager
def collector_paused() -> Iterator[None]:
    """Ten thousand results make the garbage collector the slowest part of a load, and there is no garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
