"""Ten minutes of everything at once: thousands of jobs, edits of every kind, every fault, and one daemon in the midst.

The sandbox's ledger judges the money; /proc tells whether the daemon grows. It is looked at once a second while the
editing lasts, in thirds of that time.
"""

import random
import sqlite3
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

import yaml

from controller.sandbox.faults.faults import KINDS, Fault, Moment
from controller.sandbox.ledger import Entry, unfinished
from tests.proofs.daemons import Daemon, Sample, daemon
from tests.proofs.ground import Ground, ground, until
from tests.proofs.record import tell

JOBS, SECONDS = 2_000, 600.0
SMALL_JOBS, SMALL_SECONDS = 30, 6.0
SCALE = 0.005
PLACES = 40
PAUSE = 0.15  # seconds between two edits, on average
RATE, SMALL_RATE = 0.004, 0.02  # of most faults: enough to meet them all, too little to keep the gate shut for good
TOKEN_RATE = 0.2  # a token lasts for so many calls that few are asked for
QUIET = 400.0  # seconds
MOST_GROWTH = 1.05
FEWEST = 3  # samples, one for each third
FEW = 3  # threads or descriptors that come and go with a call
UNFINISHED = {"Pending", "Submitting", "Running", "Verifying"}


class Editor:
    """Changes the tree as people do; each public method is one way, for one job."""

    def __init__(self, field: Ground, jobs: int, chance: random.Random) -> None:
        self._field, self._chance = field, chance
        self._fresh = iter(range(jobs, 10_000))
        self._said = {f"job-{number:04}": [number] for number in range(jobs)}
        self._path = {name: field.jobs / f"{name}.yaml" for name in self._said}
        self.done: Counter[str] = Counter()

    def lay(self) -> None:
        for name, numbers in self._said.items():
            self._field.write(name, numbers[-1])

    def act(self) -> None:
        """One change of a random kind to a random job."""
        way = self._chance.choice([self.edit, self.edit, self.revert, self.remove, self.restore, self.move, self.spoil])
        way(self._chance.choice(list(self._said)))
        self.done[way.__name__] += 1

    def edit(self, name: str) -> None:
        self._said[name].append(next(self._fresh, self._said[name][0]))
        self._write(name)

    def revert(self, name: str) -> None:
        self._said[name].append(self._chance.choice(self._said[name]))
        self._write(name)

    def remove(self, name: str) -> None:
        self._path[name].unlink(missing_ok=True)

    def restore(self, name: str) -> None:
        self._write(name)

    def move(self, name: str) -> None:
        """Into a folder that may be new."""
        self.remove(name)
        folder = self._field.jobs / f"folder-{self._chance.randrange(50)}"
        folder.mkdir(exist_ok=True)
        self._path[name] = folder / f"{name}.yaml"
        self._write(name)

    def spoil(self, name: str) -> None:
        self._path[name].write_text("apiVersion: shjobs/v1\nkind: [broken\n", encoding="utf-8")

    def mend(self) -> None:
        """Every job as it was last said."""
        for name in self._said:
            self._write(name)

    def _write(self, name: str) -> None:
        self._field.write(name, self._said[name][-1])
        (self._field.jobs / f"{name}.yaml").replace(self._path[name])


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Edit for so long under every fault; then what was paid, told and held."""
    jobs, seconds = (SMALL_JOBS, SMALL_SECONDS) if small else (JOBS, SECONDS)
    chance = random.Random(seed)
    replay = f"soak, seed {seed}"
    with ground(scale=SCALE, scan_every="600s", running=PLACES) as field:
        editor = Editor(field, jobs, chance)
        editor.lay()
        field.sandbox.faults.add(*(_fault(name, SMALL_RATE if small else RATE) for name in KINDS))
        with daemon(field) as running:
            samples = list(_edited(running, editor, seconds, chance, replay))
            field.sandbox.faults.clear()
            editor.mend()
            assert until(lambda: _is_quiet(field, jobs), QUIET), f"{replay}: never quiet: {_phases(field)}"
            assert until(lambda: not unfinished(field.sandbox.ledger.entries())), f"{replay}: the sandbox never ended"
            end, stop = running.stopped()
        assert end.code == 0, f"{replay}: it ended with {end.code}: {end.said[-2000:]}"
        assert "Traceback" not in end.said, f"{replay}: {end.said}"
        counts = judged(field, replay)
        phases = _phases(field)
    return {
        "jobs": jobs,
        "seconds": round(seconds),
        "edits": editor.done.total(),
        **counts,
        **{phase.lower(): count for phase, count in sorted(phases.items())},
        **_growth(samples, replay, judge=not small),
        "stop_s": round(stop, 2),
    }


def _fault(name: str, rate: float) -> Fault:
    return Fault(name=name, times=-1, rate=TOKEN_RATE if KINDS[name].moment is Moment.TOKEN else rate)


def _edited(running: Daemon, editor: Editor, seconds: float, chance: random.Random, replay: str) -> Iterator[Sample]:
    """Samples, once a second, of a daemon whose tree is edited for so long."""
    ended = threading.Event()

    def edit() -> None:
        while not ended.wait(chance.uniform(0, 2 * PAUSE)):
            editor.act()

    thread = threading.Thread(target=edit, name="editor")
    thread.start()
    try:
        ends_at, taken = time.monotonic() + seconds, 0
        while time.monotonic() < ends_at or taken < FEWEST:
            time.sleep(1)
            taken += 1
            assert running.process.poll() is None, f"{replay}: it ended by itself: {running.log.read_text()[-2000:]}"
            yield running.sample()
    finally:
        ended.set()
        thread.join()


def _phases(field: Ground) -> Counter[str]:
    """How many jobs are told to be in each phase."""
    found = Counter[str]()
    for path in field.jobs.rglob("*.status.yaml"):
        with suppress(FileNotFoundError):  # its manifest was moved meanwhile
            documents = yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader)
            found.update(document["phase"] for document in documents)
    return found


def _is_quiet(field: Ground, jobs: int) -> bool:
    time.sleep(0.5)
    phases = _phases(field)
    return phases.total() == jobs and not phases.keys() & UNFINISHED


def judged(field: Ground, replay: str) -> dict[str, object]:
    """What the two ledgers say of each other; raises for the first broken promise."""
    entries = field.sandbox.ledger.entries()
    by_event: dict[str, list[Entry]] = {}
    for entry in entries:
        by_event.setdefault(entry.event, []).append(entry)
    for event in ("accepted", "charged"):
        twice = [prefix for prefix, times in Counter(e.prefix for e in by_event.get(event, ())).items() if times > 1]
        assert not twice, f"{replay}: {event} more than once: {twice}"
    rows = _rows(field)
    known = {row[0] for row in rows if row[0]}
    lost = [each for each in by_event.get("accepted", ()) if each.id not in known and _is_named(field, each)]
    assert not lost, f"{replay}: accepted and named in the bucket, but not in the controller's ledger: {lost}"
    delivered = {each.id: each for each in by_event.get("delivered", ())}
    failed = {each.id for each in by_event.get("failed", ())}
    for request_id, outcome in rows:
        if outcome == "succeeded":
            assert _is_whole(field, delivered.get(request_id or "")), f"{replay}: {request_id} is called succeeded"
        if outcome == "failed" and request_id:
            assert request_id in failed, f"{replay}: {request_id} is called failed"
    struck = Counter(each.message for each in by_event.get("fault", ()))
    tell(f"{replay}: never struck: {', '.join(sorted(KINDS.keys() - struck.keys())) or 'none'}")
    return {
        "posts": len(by_event.get("post", ())),
        "charges": len(by_event.get("charged", ())),
        "double_charges": 0,
        "faults": struck.total(),
        "kinds_of_faults": len(struck),
        "accepted_ids_lost": 0,
        "wrong_outcomes": 0,
    }


def _rows(field: Ground) -> list[tuple[str | None, str | None]]:
    """Request id and outcome of every submission in the controller's ledger."""
    with closing(sqlite3.connect(field.state / "shjobs.db")) as ledger:
        return ledger.execute("select request_id, verdict from submission").fetchall()


def _is_named(field: Ground, accepted: Entry) -> bool:
    """Whether anything in the bucket tells that this request was taken."""
    folder = field.sandbox.options.folder / accepted.prefix.removeprefix("s3://")
    return any(accepted.id in str(path.relative_to(folder)) for path in folder.rglob("*"))


def _is_whole(field: Ground, delivered: Entry | None) -> bool:
    """Whether the service delivered its one output, and not empty."""
    if delivered is None:
        return False
    rasters = [key for key in delivered.keys if key.endswith("/default.tif")]
    folder = field.sandbox.options.folder / "my-bucket"
    return bool(rasters) and all((folder / key).stat().st_size > 0 for key in rasters)


def _growth(samples: Sequence[Sample], replay: str, *, judge: bool) -> dict[str, object]:
    """Medians of the middle and the last third; a short run is told, and not judged.

    Threads and descriptors come and go with calls: of them no third may need more than the one before, but for a few.
    """
    third = len(samples) // 3
    parts = samples[third : 2 * third], samples[2 * third :]
    reported: dict[str, object] = {}
    for name in ("memory", "threads", "descriptors"):
        before, after = ([getattr(each, name) for each in part] for part in parts)
        is_flat = (
            statistics.median(after) <= statistics.median(before) * MOST_GROWTH
            if name == "memory"
            else max(after) <= max(before) + FEW
        )
        assert is_flat or not judge, f"{replay}: {name} grew from {before} to {after}"
        unit = 1024 if name == "memory" else 1
        reported[f"{name}_middle"], reported[f"{name}_last"] = (
            round(statistics.median(part) / unit, 1) for part in (before, after)
        )
    return reported
