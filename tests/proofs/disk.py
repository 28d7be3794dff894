"""A full disk: under the controller's ledger, and under the status files, as a small tmpfs that is filled.

It is filled to a seeded margin before a sync, or at a seeded moment of it. Afterwards space is freed, and one plain
sync must bring every job to its end. A run counts only if the full disk was met. Needs a mount, and so root.
"""

import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from controller.model.errors import ShjobsError
from tests.proofs.ground import Ended, Ground, copied, flaw_of, ground, until
from tests.proofs.record import tell

SIZE = 3 << 20  # bytes: the ledger with its log, and room for a sync of all jobs
PAGE = 4096
MOST_PAGES = 90  # what a sync of the jobs below writes, about
LATEST = 0.8  # seconds after the lock was taken
JOBS = 8
SCALE = 0.005
LEDGER = ("database or disk is full", "disk I/O error", "No space left on device")

Run = Callable[[random.Random, str], Counter[str]]


class NoSmallDiskError(ShjobsError):
    """This machine does not let us make a small disk; the text says why."""


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """A full ledger before a sync 60 times and during one 30 times, full status files 20 times (small: 1, 1, 1)."""
    wanted = (1, 1, 1) if small else (60, 30, 20)
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    for run, times in zip((_full_before, _full_during, _full_tree), wanted, strict=True):
        counts += _met(run, times, chance, f"disk, seed {seed}, {run.__name__.strip('_')}")
    return {
        "full_ledger_before_a_sync": counts["full_before"],
        "full_ledger_during_a_sync": counts["full_during"],
        "full_status_files": counts["full_tree"],
        "runs_that_did_not_meet_it": counts["missed"],
        "stopped_with_a_clear_message": counts["clear"],
        "jobs_succeeded_after_one_more_sync": counts["succeeded"],
        "submissions_paid_for": counts["paid"],
        "paid_twice": counts["charges"] - counts["paid"],
    }


@contextmanager
def small_disk(size: int = SIZE) -> Iterator[Path]:
    """A tmpfs of that many bytes. Raises `NoSmallDiskError` where mounting is not allowed."""
    with tempfile.TemporaryDirectory(prefix="shjobs-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "shjobs-proof", folder]
        try:
            done = subprocess.run(mount, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise NoSmallDiskError("a tmpfs cannot be mounted here: there is no command `mount`") from error
        if done.returncode:
            raise NoSmallDiskError(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, margin: int = 0) -> None:
    """Write ballast until only `margin` bytes are left."""
    with _ballast(disk).open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(PAGE))
        except OSError:
            ballast.truncate(max(0, ballast.tell() - margin))


def free(disk: Path) -> None:
    _ballast(disk).unlink()


def _ballast(disk: Path) -> Path:
    return disk / "ballast"


def _met(run: Run, times: int, chance: random.Random, replay: str) -> Counter[str]:
    """Run until the full disk was met so many times."""
    counts: Counter[str] = Counter()
    name = run.__name__.strip("_")
    for attempt in range(4 * times):
        if attempt % 10 == 0:
            tell(f"{replay}, run {attempt}")
        if counts[name] == times:
            return counts
        found = run(chance, f"{replay}, run {attempt}")
        counts += found
        counts[name if found else "missed"] += 1
    assert counts[name] == times, f"{replay}: the full disk was met {counts[name]} times only"
    return counts


def _full_before(chance: random.Random, replay: str) -> Counter[str]:
    with small_disk() as disk, ground(scale=SCALE, state=disk / "state") as field:
        if chance.random() < 0.75:
            _write_jobs(field, 0)
            _assert_all_done(field, field.sync(), replay)
        _write_jobs(field, JOBS)
        fill(disk, chance.randrange(MOST_PAGES) * PAGE)
        return _recovered(field, disk, field.sync(), replay)


def _full_during(chance: random.Random, replay: str) -> Counter[str]:
    with small_disk() as disk, ground(scale=SCALE, state=disk / "state") as field:
        _write_jobs(field, 0)
        return _recovered(field, disk, _filled_during_a_sync(field, disk, chance.uniform(0, LATEST)), replay)


def _full_tree(chance: random.Random, replay: str) -> Counter[str]:
    """Only the status files cannot be written: every job must still be followed to its end."""
    with small_disk() as disk, ground(scale=SCALE, jobs=disk / "jobs.d") as field:
        _write_jobs(field, 0)
        end = _filled_during_a_sync(field, disk, chance.uniform(0, LATEST))
        if end.code == 0:
            return Counter()
        assert "status files are not up to date" in end.said, f"{replay}: {end}"
        verdicts = _verdicts(field)
        assert verdicts == {"succeeded": JOBS}, f"{replay}: not followed to the end: {dict(verdicts)}"
        posts = field.posts()
        counts = _recovered(field, disk, end, replay)
        assert field.posts() == posts, f"{replay}: further POSTs"
        return counts


def _write_jobs(field: Ground, first: int) -> None:
    for job in range(JOBS):
        field.write(f"job-{job}", first + job)


def _filled_during_a_sync(field: Ground, disk: Path, seconds: float) -> Ended:
    """Start a sync, and fill the disk so long after it took the lock."""
    running = field.start()
    lock = field.state / "lock"
    until(lambda: not running.is_alive or (lock.exists() and lock.read_text() == f"process {running.pid}"))
    time.sleep(seconds)
    fill(disk)
    return running.ended()


def _recovered(field: Ground, disk: Path, end: Ended, replay: str) -> Counter[str]:
    """Check how the sync ended on the full disk, free it, and sync once more; empty when it had ended before."""
    if end.code == 0:
        return Counter()
    assert end.code == 2, f"{replay}: ended with {end.code}: {end.said}"
    assert "Traceback" not in end.said, f"{replay}: a traceback: {end.said}"
    assert any(words in end.said for words in LEDGER), f"{replay}: no clear message: {end.said}"
    assert "move it away" not in end.said, f"{replay}: told to move a healthy database away: {end.said}"
    reason = flaw_of(copied(field.state, field.root / "copy"))
    assert not reason, f"{replay}: the database is unreadable: {reason}"
    free(disk)
    _assert_all_done(field, field.sync(), replay)
    field.assert_paid_once(replay)
    charges = field.charges()
    return Counter(clear=1, succeeded=JOBS, paid=len(charges), charges=charges.total())


def _verdicts(field: Ground) -> Counter[str | None]:
    """Of every submission but those that certainly asked for nothing, since the disk was full before their claim."""
    return Counter(verdict for _, answer, _, verdict in field.submissions() if answer != "refused")


def _assert_all_done(field: Ground, end: Ended, replay: str) -> None:
    """The sync ended with 0, and every submission and every job's status file says Succeeded."""
    assert end.code == 0, f"{replay}: a plain sync ended with {end.code}: {end.said}"
    verdicts = _verdicts(field)
    assert verdicts.keys() == {"succeeded"}, f"{replay}: {dict(verdicts)}"
    phases = [yaml.safe_load(path.read_text())["phase"] for path in field.jobs.glob("*.status.yaml")]
    assert phases == ["Succeeded"] * JOBS, f"{replay}: {phases}"
