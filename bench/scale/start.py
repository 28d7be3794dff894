"""A daemon from its start until it is ready and has reported every job: the first time, and again."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.finished import NOWHERE, manifests
from bench.program import daemon, free_port, until
from bench.scale.sizes import LONGEST, repository
from controller.ledger.location import FILE_NAME

PAUSE = 0.1  # seconds between two looks: a look costs the daemon time


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`seconds` and `processor` (in seconds too) until it was ready and knew its `jobs`, `mebibytes` by then."""

    seconds: float
    processor: float
    mebibytes: float
    jobs: float


def first_start(count: int, folders: int) -> Start:
    """So many new manifests, all on hold by a pause."""
    with repository() as root:
        manifests(root, count, folders=folders)
        hold(root)
        return start(root, count)


def hold(root: Path) -> None:
    """Nothing is submitted."""
    (root / "state").mkdir(exist_ok=True)
    (root / "state" / "PAUSE").touch()


def start(root: Path, least: int) -> Start:
    """Start it, and stop it once it has reported so many jobs."""
    with daemon(root, free_port(), SHJOBS_BASE_URL=NOWHERE) as program:
        seconds = until(program.is_ready, PAUSE, LONGEST)
        # With a script that is still examined it is ready before it knows every job.
        seconds += until(lambda: program.metric("shjobs_jobs{") >= least, 5 * PAUSE, LONGEST)
        processor, jobs = program.processor_seconds, program.metric("shjobs_jobs{")
        time.sleep(1)
        return Start(seconds=seconds, processor=processor, mebibytes=program.mebibytes, jobs=jobs)


def restart(root: Path, count: int) -> Start:
    """The same beside finished jobs, of which nothing may be read, decided or reported again."""
    before = _state(root)
    found = start(root, count)
    assert _state(root) == before, "the restart found something to do"
    assert found.jobs == count, f"{found.jobs:g} jobs instead of {count}"
    return found


def _state(root: Path) -> list[Any]:
    """What is known of the files, and how many events there are."""
    with closing(sqlite3.connect(root / "state" / FILE_NAME)) as db:
        files = db.execute("select * from file order by path").fetchall()
        return [files, db.execute("select count(*) from event").fetchone()]
