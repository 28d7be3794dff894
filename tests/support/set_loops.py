"""The real loop with a real tree and ledger, on a clock that a test moves, and a service that answers at once."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from controller.analysis.appraisal import Appraiser
from controller.cli.settings import load_settings
from controller.evalscript import cache as scripts
from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.lifecycle.commands import Accept
from controller.lifecycle.phase import phase
from controller.limits.gate import Limits
from controller.model.answers import (
    Accepted,
    Listing,
    NotVisible,
    PostAnswer,
    StillRunning,
    StoredObject,
    Unconfirmed,
    Unreadable,
)
from controller.model.reasons import JobState
from controller.model.step import List
from controller.model.submission import Submission
from controller.reconcile.calls.workers import Call, CallOutcome, Get, Got, Listed, ListObjects, Post, Posted
from controller.reconcile.loop import Loop
from controller.reconcile.reporter import Reporter
from controller.reconcile.reports.touched import Touched
from controller.reconcile.wiring import Nowhere
from controller.settings.settings import Settings
from controller.tree.git.info import checkout
from controller.tree.status_cache import StatusCache
from controller.tree.tree import Tree

SETTINGS = """\
deployment = "sandbox"
requestsPerMinute = 100000
maxRunning = 1000

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "bucket"
"""
ENVIRONMENT = {
    "SHJOBS_BASE_URL": "http://127.0.0.1:1", "SHJOBS_TOKEN_URL": "http://127.0.0.1:1/token",
    "SHJOBS_CLIENT_ID": "tests", "SHJOBS_CLIENT_SECRET": "not-a-real-secret",
    "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "not-a-real-key",
    "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "not-a-real-secret",
}  # fmt: skip
SCRIPT = """\
//VERSION=3
function setup() {
  return {input: ["B04", "B08"], output: {bands: 1, sampleType: "FLOAT32"}};
}
function evaluatePixel(sample) {
  return [(sample.B08 - sample.B04) / (sample.B08 + sample.B04)];
}
"""
SET = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {{name: farm}}
spec:
  axes:
    month: {{every: month, {months}, after: 5d}}
    index: {{values: {{{values}}}}}
{more}  template:
    evalscriptFile: ndvi.js
    request:
      input:
        bounds: {{bbox: [14.40, 35.80, 14.50, 35.90]}}
        data: [{{type: sentinel-2-l2a, dataFilter: {{timeRange: $month.range}}}}]
      output:
        width: {width}
        height: 600
        responses: [{{identifier: default, format: {{type: image/tiff}}}}]
        delivery: {{s3: {{url: s3://my-bucket/farm/$index, credentialsRef: my-bucket}}}}
"""
MOST_TURNS = 200
PLAIN = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata: {name: plain}
spec:
  evalscriptFile: ndvi.js
  request:
    input:
      bounds: {bbox: [14.40, 35.80, 14.50, 35.90]}
      data: [{type: sentinel-2-l2a, dataFilter: {timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}}]
    output:
      width: 600
      height: 600
      responses: [{identifier: default, format: {type: image/tiff}}]
      delivery: {s3: {url: s3://my-bucket/plain, credentialsRef: my-bucket}}
"""


def farm(months: str = "from: 2024-01", more: str = "", values: str = "a: {x: 1}", width: int = 600) -> str:
    """A set of one field: a cell a month for each value, without an end unless `months` says one."""
    return SET.format(months=months, more=more, values=values, width=width)


def settings_of(root: Path, text: str = "") -> Settings:
    """A repository at `root` with one script, and its settings."""
    (root / "jobs.d").mkdir(exist_ok=True)
    (root / "jobs.d" / "ndvi.js").write_text(SCRIPT, encoding="utf-8")
    rest = SETTINGS.replace("maxRunning = 1000\n", "") if "maxRunning" in text else SETTINGS
    (root / "shjobs.toml").write_text(f"{text}\n{rest}".lstrip(), encoding="utf-8")
    return load_settings(root / "shjobs.toml", ENVIRONMENT)


@dataclass(kw_only=True)
class Running:
    """A loop under way. `posted` counts POSTs by job.

    What differs from success, by job: `failing` are reported as failed, with `errors` as the message; `unfinished` go
    on running; `answers` are those to the POST; `unreadable` is why the bucket cannot be listed. A success costs `cost`
    processing units.
    """

    loop: Loop
    ledger: Ledger
    tree: Tree
    store: Store
    calls: deque[Call]
    now: datetime
    failing: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)
    answers: dict[str, PostAnswer] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    cost: float = 1.0
    posted: dict[str, int] = field(default_factory=dict)

    def rest(self, now: datetime | None = None) -> dict[str, str]:
        """Turn until nothing is under way any more, at this time; the reasons by job."""
        self.now = now or self.now
        self.loop.rescan()
        outcomes: list[CallOutcome] = []
        for _ in range(MOST_TURNS):
            self.loop.turn(outcomes, self.now)
            outcomes = [self._outcome(self.calls.popleft()) for _ in range(len(self.calls))]
            if not outcomes:
                if not any(map(self._is_awaited, self.ledger.everything())):
                    return {name: str(self.state(name).reason) for name in sorted(self.ledger.jobs)}
                self.now = max(self.loop.wakes_at(self.now) or self.now, self.now + timedelta(seconds=1))
        raise AssertionError(f"not at rest after {MOST_TURNS} turns")

    def turns(self, number: int) -> None:
        """So many turns at this time, each with the answers to the calls of the one before."""
        outcomes: list[CallOutcome] = []
        for _ in range(number):
            self.loop.turn(outcomes, self.now)
            outcomes = [self._outcome(self.calls.popleft()) for _ in range(len(self.calls))]
        self.loop.record(outcomes, self.now)

    def state(self, name: str) -> JobState:
        return phase(self.ledger.jobs[name], self.ledger.of(name), self.loop.limits(), self.now)

    def accept(self, label: str, by: str = "ann") -> None:
        """What `shjobs accept` puts into the inbox."""
        with self.store.transaction():
            self.store.add_command(self.now, Accept(hash=label, by=by).model_dump_json())

    def waiting(self) -> list[tuple[str, int, str]]:
        """The batches that wait for a yes: hash, cells, cause."""
        return [(each.hash, each.jobs, each.cause) for each in self.loop._admission.waiting()]

    def _is_awaited(self, item: Submission) -> bool:
        """Whether its outcome is still to come."""
        is_open = item.job in self.unfinished | self.unreadable.keys()
        is_open |= isinstance(self.answers.get(item.job), Unconfirmed)
        return item.outcome is None and not item.is_refused and not is_open

    def _outcome(self, call: Call) -> CallOutcome:
        match call:
            case Post(submission=item):
                self.posted[item.job] = self.posted.get(item.job, 0) + 1
                accepted = Accepted(request_id=f"{item.number:08x}-1111-4111-8111-111111111111")
                return Posted(call=call, answer=self.answers.get(item.job, accepted))
            case ListObjects() if call.job in self.unreadable:
                return Listed(call=call, answer=Unreadable(message=self.unreadable[call.job]))
            case Get() if call.job in self.unfinished:
                return Got(call=call, answer=StillRunning())
            case Get():
                return Got(call=call, answer=NotVisible())
            case ListObjects(step=List(submission=None)):
                return Listed(call=call, answer=Listing())
            case ListObjects(step=List(submission=Submission() as item)):
                return Listed(call=call, answer=self._delivered(item))
        raise AssertionError(call)

    def _delivered(self, item: Submission) -> Listing:
        if item.request_id is None:
            return Listing()
        folder, before = item.request_id, item.intended_at
        text = json.dumps({"input": {}, "output": {}, "costPU": self.cost})
        copy = StoredObject(key=f"{folder}/request-{folder}.json", bytes=900, etag="1" * 32, modified=before)
        if item.job in self.failing:
            error = StoredObject(key=f"{folder}/error.json", bytes=90, etag="2" * 32, modified=before)
            message = json.dumps({"message": self.errors.get(item.job, "it threw")})
            return Listing(objects=(error, copy), documents={copy.key: text, error.key: message})
        raster = StoredObject(key=f"{folder}/default.tif", bytes=8000, etag="0" * 32, modified=before)
        return Listing(objects=(raster, copy), documents={copy.key: text})


@contextmanager
def running(root: Path, now: datetime, text: str = "", *, touches: bool = False) -> Iterator[Running]:
    """The loop on the repository at `root`, started at this time; leaving it is the end of the process.

    With `touches` it records which commits have something to say.
    """
    settings, calls = settings_of(root, text), deque[Call]()
    bindings = {"deployment": settings.deployment.name, "account": settings.client_id}
    with Store.open(settings.state, bindings) as store:
        ledger, status_cache = Ledger(store), StatusCache(Nowhere())
        found: list[Running] = []
        appraiser = Appraiser(settings.deployment, settings.credentials, scripts, lambda: found[0].now.date())
        tree = Tree(settings.jobs, appraiser, checkout=partial(checkout, settings.jobs), pricing=appraiser.pricing)
        free = Limits(policy=settings, timing=settings.timing, slots=settings.max_running)
        touched = Touched(store.commits, ledger.jobs.values()) if touches else None
        reporter = Reporter(status_cache, "sandbox", lambda _change: None, touched=touched)
        loop = Loop(ledger, tree, free, calls.append, reporter)
        loop.start(now)
        found.append(Running(loop=loop, ledger=ledger, tree=tree, store=store, calls=calls, now=now))
        yield found[0]
