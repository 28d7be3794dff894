"""A repository whose jobs are all finished: manifests, ledger and status files, made by the real loop in no time.

The service and the buckets are stood in for by answers that come at once, so ten thousand jobs take a minute.
"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.analysis.appraisal import Appraiser
from controller.cli.settings import load_settings
from controller.evalscript import cache as scripts
from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.limits.gate import Limits
from controller.model.answers import Accepted, Listing, NotVisible, StoredObject
from controller.model.clock import Clock
from controller.reconcile.calls.workers import Call, CallOutcome, Get, Got, Listed, ListObjects, Post, Posted
from controller.reconcile.loop import Loop
from controller.reconcile.reporter import Reporter
from controller.reconcile.reports.announcer import Announcer
from controller.reconcile.reports.changes import Watch
from controller.settings.settings import Settings
from controller.settings.sinks import Sink
from controller.tree.status_cache import StatusCache
from controller.tree.status_files import StatusFiles
from controller.tree.tree import Tree

SETTINGS = """\
deployment = "sandbox"
maxRunning = 1000000
requestsPerMinute = 1000000000
largeChangeJobs = 1000000
largeChangeProcessingUnits = 1000000000
settle = "0s"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "buckets"
"""
ENVIRONMENT = {
    "SHJOBS_CLIENT_ID": "sandbox",
    "SHJOBS_CLIENT_SECRET": "sandbox-secret",
    "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "any",
    "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "any",
}
NOWHERE = "http://127.0.0.1:9"
"""The address of a service that does not exist: it is not called for finished jobs."""
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANIFEST = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata:
  name: job-{number}
  labels: {{team: agri}}
spec:
  evalscriptFile: {script}
  request:
    input:
      bounds:
        bbox: [{west:.7f}, 35.80, 14.90, 35.90]
      data:
        - type: sentinel-2-l2a
          dataFilter:
            timeRange: {{from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}
    output:
      width: 64
      height: 32
      responses:
        - {{identifier: default, format: {{type: image/tiff}}}}
      delivery:
        s3: {{url: s3://my-bucket/rasters, credentialsRef: my-bucket}}
"""
SCRIPT = """\
//VERSION=3
function setup() {
  return {input: ["B04", "B08"], output: {bands: 1, sampleType: "FLOAT32"}};
}
function evaluatePixel(sample) {
  return [index(sample.B08, sample.B04)];
}
"""
FOLDERS = 100


def manifests(root: Path, count: int, *, folders: int = FOLDERS, first: int = 0) -> None:
    """So many manifests in `root/jobs.d`, from the number `first`, in so many folders.

    The first come with the settings, and the script of them all.
    """
    jobs = root / "jobs.d"
    jobs.mkdir(parents=True, exist_ok=True)
    if not first:
        (jobs / "ndvi.js").write_text(SCRIPT, encoding="utf-8")
        (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
    for number in range(first, first + count):
        path = jobs / path_of(number, folders)
        if number - first < folders:
            path.parent.mkdir(exist_ok=True)
        path.write_text(text_of(number), encoding="utf-8")


def path_of(number: int, folders: int = FOLDERS) -> str:
    """Where the manifest of a number lies, from the jobs folder."""
    return f"folder-{number % folders:02}/job-{number}.yaml"


def west_of(number: int) -> float:
    """The western edge that no other manifest has: each asks for something else."""
    return round(14 + number / 1e6, 7)


def text_of(number: int) -> str:
    """The manifest of a number."""
    return MANIFEST.format(number=number, west=west_of(number), script="../ndvi.js")


def settings_of(root: Path, **changed: str) -> Settings:
    """The settings of a repository, with other variables of the environment if need be."""
    return load_settings(root / "shjobs.toml", {**ENVIRONMENT, **changed})


@contextmanager
def loop_on(
    root: Path, calls: deque[Call], watch: Watch = lambda _change: None, sinks: Sequence[Sink] = ()
) -> Iterator[tuple[Loop, Ledger]]:  # fmt: skip
    """The real loop on a repository; what it would call is only noted down, and what `sinks` are to hear recorded."""
    settings = settings_of(root)
    bindings = {"deployment": settings.deployment.name, "account": settings.client_id}
    with Store.open(settings.state, bindings) as store:
        ledger = Ledger(store)
        status_cache = StatusCache(StatusFiles(settings.jobs, settings.status_dir))
        appraise = Appraiser(settings.deployment, settings.credentials, scripts, Clock().today)
        tree = Tree(settings.jobs, appraise, statuses=status_cache.records, pricing=appraise.pricing)
        free = Limits(policy=settings, timing=settings.timing, slots=settings.max_running)
        announcer = Announcer(ledger, "0a1b2c3d", sinks)
        reporter = Reporter(status_cache, settings.deployment.name, watch, announcer)
        yield Loop(ledger, tree, free, calls.append, reporter), ledger


def finish(root: Path) -> None:
    """Take every job to Succeeded."""
    calls, now = deque[Call](), BEGAN
    with loop_on(root, calls) as (loop, ledger):
        loop.start(now)
        outcomes: list[CallOutcome] = []
        while True:
            loop.turn(outcomes, now)
            outcomes = [outcome(call) for call in calls]
            calls.clear()
            if not outcomes:
                wakes_at = loop.wakes_at(now)
                if all(item.outcome for item in ledger.everything()) or wakes_at is None:
                    loop.report(now)
                    return
                now = max(wakes_at, now + timedelta(seconds=1))
                loop.rescan(now + timedelta(days=1))


def outcome(call: Call) -> CallOutcome:
    """What a service that is done at once, and its bucket, would answer."""
    match call:
        case Post(submission=submission):
            request_id = f"{submission.number:08x}-1111-4111-8111-111111111111"
            return Posted(call=call, answer=Accepted(request_id=request_id))
        case Get():
            return Got(call=call, answer=NotVisible())
        case ListObjects(step=step) if step.submission is None:
            return Listed(call=call, answer=Listing())
        case ListObjects(step=step):
            assert step.submission is not None, "the case before"
            return Listed(call=call, answer=_delivered(step.submission.request_id or ""))


def _delivered(request_id: str) -> Listing:
    raster = StoredObject(key=f"{request_id}/default.tif", bytes=8000, etag="0" * 32, modified=BEGAN)
    copy = StoredObject(key=f"{request_id}/request-{request_id}.json", bytes=900, etag="1" * 32, modified=BEGAN)
    text = json.dumps({"input": {}, "output": {}, "costPU": 10.0})
    return Listing(objects=(raster, copy), documents={copy.key: text})
