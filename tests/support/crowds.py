"""A loop beside very many jobs: finished, running, queued or held ones, put into a ledger in memory at once.

Nothing is scanned and nothing is sent: a test hands the loop the outcomes itself.
"""

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from controller.ledger.ledger import Ledger
from controller.ledger.pause import Stops
from controller.ledger.store import Store
from controller.limits.gate import Limits
from controller.limits.settling import Stillness
from controller.manifest.validate import ValidManifest
from controller.model.answers import GetAnswer
from controller.model.files import FileRecord
from controller.model.job import Appraisal, Job
from controller.model.submission import Submission
from controller.reconcile.calls.workers import Call, CallOutcome, Get, Got
from controller.reconcile.loop import Loop
from controller.reconcile.reporter import Reporter
from controller.reconcile.scanner import Scanner
from controller.reconcile.wiring import Nowhere
from controller.settings.file import Policy
from controller.tree.status_cache import StatusCache
from controller.tree.tree import Tree
from tests.support.factories import NOW, TIMING, accepted, at, history, job, succeeded, wanted

LONG_AGO = timedelta(hours=2)


@dataclass(kw_only=True)
class Crowd:
    """A loop that has started and decided once about all of its jobs; `begun` is what it called for that."""

    loop: Loop
    ledger: Ledger
    calls: deque[Call]
    now: datetime
    begun: list[Call] = field(default_factory=list)

    def turn(self, *outcomes: CallOutcome) -> list[Call]:
        """One turn at this time; returns what it calls."""
        self.loop.turn(list(outcomes), self.now)
        made = list(self.calls)
        self.calls.clear()
        return made

    def next_get(self) -> Get:
        """Turn, at the times at which the loop wakes, until it polls a request."""
        while True:
            for call in self.turn():
                if isinstance(call, Get):
                    return call
            self.now = max(self.loop.wakes_at(self.now) or self.now, self.now + timedelta(milliseconds=1))

    def answer(self, call: Get, answer: GetAnswer) -> CallOutcome:
        return Got(call=call, answer=answer)


def digest_of(number: int) -> str:
    return f"1:{sha256(str(number).encode()).hexdigest()}"


def crowd_job(number: int, **different: object) -> Job:
    """A job with a request of its own."""
    digest = digest_of(number)
    return job(
        name=f"job-{number}",
        path=f"folder-{number % 100:02}/job-{number}.yaml",
        wanted=wanted(digest=digest, **different),
        history=history(digest=digest),
    )


def done(of: Job) -> Submission:
    """Its run succeeded hours ago."""
    assert of.wanted is not None
    ago = NOW - LONG_AGO
    row = succeeded(job=of.name, digest=of.wanted.digest, intended_at=ago, number=0, gone_at=ago, finished_at=ago)
    return replace(row, answered_at=ago, request_id=_id_of(of))


def under_way(of: Job, look_at: datetime) -> Submission:
    """It runs since hours, and is polled next then."""
    assert of.wanted is not None
    row = accepted(job=of.name, digest=of.wanted.digest, intended_at=NOW - LONG_AGO, number=0)
    return replace(row, request_id=_id_of(of), look_at=look_at)


def _id_of(of: Job) -> str:
    return f"{int(of.name.rpartition('-')[2]):08x}-1111-4111-8111-111111111111"


@contextmanager
def crowd(
    finished: int, running: int = 10, others: Sequence[Job] = (), apart: float = 1.0, **policy: object
) -> Iterator[Crowd]:  # fmt: skip
    """So many finished and running jobs, and these others, which have no submission.

    The running ones are polled for the first time so many seconds `apart`.
    """
    given = {"max_running": running, "requests_per_minute": 1_000_000, "large_change_jobs": 10}
    free_policy = Policy().model_copy(update={**given, **policy})
    with tempfile.TemporaryDirectory(prefix="shjobs-crowd-") as folder, Store.copy_of(Path(folder) / "none") as store:
        ledger = Ledger(store)
        _fill(ledger, finished, running, others, apart)
        calls, free = deque[Call](), Limits(policy=free_policy, timing=TIMING, slots=free_policy.max_running)
        root = Path(folder) / "jobs.d"
        root.mkdir()
        tree = Tree(root, _never)
        scanner = Scanner(tree, TIMING, Stops, settle=0.0)
        scanner.scan_at, scanner._stillness = (
            NOW + timedelta(days=365),
            Stillness(settle=0.0).scanned(NOW, changed=False),
        )
        reporter = Reporter(StatusCache(Nowhere()), "sandbox", lambda _change: None)
        loop = Loop(ledger, tree, free, calls.append, reporter, scanner)
        found = Crowd(loop=loop, ledger=ledger, calls=calls, now=NOW)
        loop.start(NOW)
        found.begun = found.turn()
        loop.report(NOW)
        while (wakes_at := loop.wakes_at(found.now)) and wakes_at < at(1):
            found.now = max(wakes_at, found.now + timedelta(milliseconds=1))
            found.turn()
        yield found


def _fill(ledger: Ledger, finished: int, running: int, others: Sequence[Job], apart: float) -> None:
    with ledger.transaction():
        for number in range(finished + running):
            each = crowd_job(number)
            ledger.put_job(each, "{}")
            ledger.add(done(each) if number < finished else under_way(each, at(2 + apart * (number - finished))))
        for each in others:
            ledger.put_job(each, "{}")
        files = [FileRecord(path=each.path, kind="manifest", size=900) for each in ledger.jobs.values()]
        ledger.note_files(files, ())


def _never(item: ValidManifest) -> Appraisal:
    raise AssertionError(f"{item.name} is read")
