"""How much of everything, and a repository for a step of the part `scale`."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LONGEST = 1800.0  # seconds that a step may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """`few` and `small` are what a figure at `manifests` is compared with; `window` is in seconds, and holds a scan.

    What does not depend on the layout is measured in the last of `folders`.
    """

    manifests: int = 100_000
    folders: tuple[int, ...] = (10, 100_000, 1_000)
    few: int = 100
    small: int = 1_000
    running: int = 1_000
    window: float = 65.0
    sets: int = 10
    cells: int = 10_000
    rounds: int = 5


@contextmanager
def step(name: str) -> Iterator[None]:
    """Says how long a step took, on the error output."""
    began = time.monotonic()
    yield
    sys.stderr.write(f"  {name}: {time.monotonic() - began:.0f} s\n")
    sys.stderr.flush()


@contextmanager
def repository() -> Iterator[Path]:
    """An empty folder, while it is needed."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        yield Path(name)
