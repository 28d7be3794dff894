"""Sets for tests: texts, a folder that the real tree reads, and a machine whose real loop pays for its cells.

Time is that of `tests.proofs.world`: nothing waits, and a year takes seconds.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from controller.analysis.appraisal import Appraiser
from controller.evalscript import cache
from controller.lifecycle.commands import Accept
from controller.lifecycle.phase import phase
from controller.manifest.validate import ValidManifest
from controller.model.job import Appraisal, Job
from controller.settings.deployments import DEPLOYMENTS, Credential
from controller.tree.change import Change
from controller.tree.tree import Tree
from tests.proofs.world import Judge, Machine, World
from tests.support.paths import ROOT

SLOVENIA = (ROOT / "docs" / "examples" / "slovenia" / "slovenia.geojson").read_text(encoding="utf-8")
INDEX = """//VERSION=3
function setup() { return {input: ["%s", "B08"], output: {bands: 1, sampleType: "FLOAT32"}}; }
function evaluatePixel(sample) { return [index(sample.B08, sample.%s)]; }
"""
SCRIPTS = {"ndvi.js": INDEX % ("B04", "B04"), "ndwi.js": INDEX % ("B03", "B03")}

COUNTRY = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: slovenia, labels: {team: agri}}
spec:
  axes:
    tile:
      grid: {areaFile: slovenia.geojson, pixel: 10, cell: 5000}
    window: {every: month, from: 2024-01, to: 2024-12, after: 5d}
    index:
      values:
        ndvi: {script: ndvi.js}
        ndwi: {script: ndwi.js}
  template:
    evalscriptFile: $index.script
    maxProcessingUnits: 700
    request:
      input:
        bounds: {bbox: $tile.bbox, properties: {crs: $tile.crs}}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: $window.range}}]
      output:
        width: $tile.width
        height: $tile.height
        responses: [{identifier: default, format: {type: image/tiff}}]
        delivery: {s3: {url: s3://my-bucket/slovenia/$index, credentialsRef: my-bucket}}
"""
"""A country at 10 m: 20 tiles, 12 months, 2 indices."""

FARM = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: farm}
spec:
  axes:
    window: {every: month, from: 2024-01, to: 2024-03, after: 5d}
    index:
      values:
        ndvi: {script: ndvi.js}
        ndwi: {script: ndwi.js}
  template:
    evalscriptFile: $index.script
    request:
      input:
        bounds: {bbox: [14.40, 35.80, 14.50, 35.90]}
        data: [{type: sentinel-2-l2a, dataFilter: {timeRange: $window.range}}]
      output:
        width: 64
        height: 64
        responses: [{identifier: default, format: {type: image/tiff}}]
        delivery: {s3: {url: s3://my-bucket/farm/$index, credentialsRef: my-bucket}}
"""
"""One place: 3 months, 2 indices."""

JOB = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata: {name: %s}
spec:
  evalscriptFile: ndvi.js
  request:
    input:
      bounds: {bbox: [14.40, 35.80, 14.50, 35.90]}
      data: [{type: sentinel-2-l2a, dataFilter: {timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}}]
    output:
      width: 64
      height: 64
      responses: [{identifier: default, format: {type: image/tiff}}]
      delivery: {s3: {url: s3://my-bucket/farm, credentialsRef: my-bucket}}
"""
"""An ordinary job, to be named."""

CREDENTIALS = {"my-bucket": Credential(name="my-bucket", prefixes=("s3://my-bucket/",))}


def polygon(*rings: list[list[float]]) -> str:
    """An area file of one polygon."""
    return json.dumps({"type": "Polygon", "coordinates": rings})


def box(west: float, south: float, east: float, north: float) -> str:
    """An area file of one box."""
    return polygon([[west, south], [east, south], [east, north], [west, north], [west, south]])


def appraiser(today: Callable[[], date]) -> Appraiser:
    return Appraiser(DEPLOYMENTS["sandbox"], CREDENTIALS, cache, today)


def write(root: Path, files: Mapping[str, str]) -> None:
    """Files below a folder, with the two scripts beside each of the sets."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        for name, script in SCRIPTS.items() if "kind: AsyncProcess" in text or '"AsyncProcess' in text else ():
            if not (file.parent / name).exists():
                (file.parent / name).write_text(script, encoding="utf-8")


class Jobs:
    """A folder as the real tree reads it, and the jobs that a loop would have by it."""

    def __init__(self, root: Path, files: Mapping[str, str], now: datetime) -> None:
        root.mkdir(exist_ok=True)
        self.root, self.now = root, now
        self.appraised: list[str] = []
        self.jobs: dict[str, Job] = {}
        self.bodies: dict[str, str] = {}
        write(root, files)
        self.tree = self.opened()

    def opened(self) -> Tree:
        real = appraiser(lambda: self.now.date())

        def appraise(item: ValidManifest) -> Appraisal:
            self.appraised.append(item.name)
            return real(item)

        return Tree(self.root, appraise, pricing=real.pricing)

    def scan(self) -> Change:
        """One scan, whose jobs are taken over."""
        change = self.tree.refresh(self.jobs, self.now)
        assert change.ready, change.reason
        self.jobs |= {job.name: job for job, _ in change.jobs}
        self.bodies |= {job.name: body() for job, body in change.jobs if body is not None}
        return change

    def changed(self) -> dict[str, str]:
        """What a scan does to each job, in a word."""
        before = dict(self.jobs)
        return {job.name: _word(before.get(job.name), job) for job, _ in self.scan().jobs}

    @property
    def wanted(self) -> dict[str, Job]:
        return {name: job for name, job in sorted(self.jobs.items()) if job.wanted}

    def problems(self, path: str) -> list[str]:
        return [str(problem) for item in self.tree.documents(path) for problem in item.problems]


def _word(before: Job | None, after: Job) -> str:
    if after.wanted is None:
        return "removed"
    if after.problems:
        return "stuck"
    if before is None or before.wanted is None:
        return "new"
    if before.problems and before.wanted.digest == after.wanted.digest:
        return "mended"
    return "moved" if before.wanted.digest == after.wanted.digest else "changed"


class Site(Machine):
    """A machine whose manifests are files in a folder, read by the real tree."""

    def __init__(self, world: World, root: Path, files: Mapping[str, str]) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.appraised: list[str] = []
        write(root, files)
        super().__init__(world, {})
        world.machines.append(self)

    def opened_tree(self) -> Tree:
        real = appraiser(lambda: self.now.date())

        def appraise(item: ValidManifest) -> Appraisal:
            self.appraised.append(item.name)
            return real(item)

        return Tree(self.root, appraise, pricing=real.pricing)

    def write(self, files: Mapping[str, str]) -> None:
        """Change files, which the watcher sees."""
        write(self.root, files)
        self.notice()

    def remove(self, path: str) -> None:
        (self.root / path).unlink()
        self.notice()

    def restart(self, down: float = 60) -> None:
        """The process ends, and another starts after so many seconds."""
        self.die(down, arrives=True)
        self._world.wait(down)

    def go_on(self, seconds: float) -> None:
        """Let time pass, and say yes to whatever waits for one now and then."""
        self._world.wait(min(seconds, 60))
        self.say_yes()
        self._world.wait(max(seconds - 60, 0))

    def say_yes(self) -> None:
        for batch in self.loop._admission.waiting():
            self.ask(Accept(hash=batch.hash).model_dump_json())

    def posts(self) -> dict[str, list[datetime]]:
        """When each job was paid for."""
        found: dict[str, list[datetime]] = {}
        for sent in self._world.cloud.sent:
            if sent.charged:
                found.setdefault(sent.job, []).append(sent.at)
        return found

    def phases(self) -> dict[str, str]:
        """The phase of each job that is wanted."""
        ledger, limits = self.ledger, self.loop.limits()
        return {
            name: phase(job, ledger.of(name), limits, self.now).phase.value
            for name, job in sorted(ledger.jobs.items())
            if job.wanted
        }


@contextmanager
def year(root: Path, files: Mapping[str, str], now: datetime) -> Iterator[tuple[World, Site]]:
    """A world at a moment, with one machine that reads these files."""
    world = World(Judge())
    world.now = now
    # A yes for a large change is not what these tests are about.
    world.policy = world.policy.model_copy(
        update={"large_change_jobs": 100_000, "large_change_processing_units": 1e9, "requests_per_minute": 100_000}
    )
    try:
        yield world, Site(world, root, files)
    finally:
        world.close()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
