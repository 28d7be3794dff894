"""The site of the proofs that work with faults: manifests and a sandbox beside the real loop, all in this process.

Only the sandbox's pixels come from a stand-in, so that a thousand jobs are cheap; its ledger is the oracle.
"""

import queue
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.model.script import (
    FailureKind,
    Mosaicking,
    SampleType,
    ScriptFacts,
    ScriptFailure,
    ScriptInput,
    ScriptOutput,
)
from controller.model.submission import Submission
from controller.model.timing import Timing
from controller.reconcile.reports.changes import StatusChange, Watch
from controller.reconcile.runner import Flags, turn_to_rest
from controller.reconcile.wiring import Inbox, controller
from controller.sandbox.faults.faults import Fault
from controller.sandbox.jobs.runs import Renderer
from controller.sandbox.ledger import Entry
from controller.sandbox.options import SandboxOptions, ScriptCheck
from controller.sandbox.program import Sandbox
from controller.sandbox.render.render import Rendered, RenderedFile, RenderOptions
from controller.settings.settings import Settings
from tests.conftest import west_of

BUCKET = "my-bucket"
SHUT = "shut-bucket"
LATE = "late-bucket"
OUTPUTS = ("default", "mask")
REFUSED = "// refused when it is submitted"
RASTER = b"II*\0 two pixels of a raster"

SETTINGS = """\
deployment = "sandbox"
maxRunning = {running}
workers = 8
requestsPerMinute = 1000000
largeChangeJobs = 1000000
largeChangeProcessingUnits = 1000000

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "sandbox"

[credentials.shut-bucket]
prefixes = ["s3://shut-bucket/"]
folder = "shut"

[credentials.late-bucket]
prefixes = ["s3://late-bucket/"]
folder = "late"
"""

MANIFEST = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata:
  name: {name}
spec:
  request:
    input:
      bounds: {{bbox: [{west}, 35.80, 14.50, 35.90]}}
      data:
        - type: sentinel-2-l2a
          dataFilter: {{timeRange: {{from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}}}
    output:
      width: 64
      height: 32
      responses:
        - {{identifier: default, format: {{type: image/tiff}}}}
        - {{identifier: mask, format: {{type: image/tiff}}}}
      delivery: {{s3: {{url: "s3://{bucket}/rasters", credentialsRef: {bucket}}}}}
    evalscript: |
      //VERSION=3
      {line}
      function setup() {{
        return {{input: ["B04"], output: [{{id: "default", bands: 1}}, {{id: "mask", bands: 1}}]}};
      }}
      function evaluatePixel(sample) {{
        return {{default: [sample.B04], mask: [1]}};
      }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Where a sync left everything: the status of each job by name, and all submissions."""

    statuses: Mapping[str, Mapping[str, Any]]
    submissions: Sequence[Submission]

    def phase(self, name: str) -> str:
        return str(self.statuses[name]["phase"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A repository of manifests, the settings of the controller, and the sandbox it talks to."""

    root: Path
    settings: Settings
    sandbox: Sandbox

    def write(self, name: str, *, bucket: str = BUCKET, line: str = "") -> None:
        """A small job with two outputs; `line` is a comment in its script, by which a stand-in may know it."""
        text = MANIFEST.format(name=name, bucket=bucket, line=line, west=west_of(name))
        (self.settings.jobs / f"{name}.yaml").write_text(text, encoding="utf-8")

    def sync(self, clock: Clock | None = None, watch: Watch = lambda _: None) -> Ended:
        """Start the controller, turn its loop to rest, and stop it."""
        return sync(self.settings, clock, watch)

    def entries_by_job(self) -> dict[str, list[Entry]]:
        """The sandbox's ledger, line by line, under the job that each delivery prefix names."""
        found: dict[str, list[Entry]] = {}
        for entry in self.sandbox.ledger.entries():
            if entry.prefix:
                found.setdefault(job_of(entry.prefix), []).append(entry)
        return found


def sync(settings: Settings, clock: Clock | None = None, watch: Watch = lambda _: None) -> Ended:
    """Start a controller with these settings, turn its loop to rest, and stop it."""
    inbox: Inbox = queue.SimpleQueue()
    clock = clock or Clock()
    with controller(settings, watch, inbox) as (assembly, workers):
        turn_to_rest(assembly.loop, inbox, workers, clock, Flags(inbox))
        documents = assembly.documents(clock.now())
        return Ended(
            statuses={str(document["name"]): document for document in documents},
            submissions=list(assembly.ledger.everything()),
        )


@contextmanager
def site(
    timing: Timing,
    *,
    running: int,
    run_seconds: float = 0,
    renderer: Renderer | None = None,
    variables: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    endpoint: str = "",
) -> Iterator[Site]:
    """A fresh site in a temporary folder. `timing` is the controller's rhythm, `running` its places at the service.

    With an `endpoint` the buckets are those of an S3 store, instead of folders.
    """
    with tempfile.TemporaryDirectory(prefix="shjobs-proof-") as folder:
        root = Path(folder)
        options = SandboxOptions(
            folder=root / "sandbox",
            port=0,
            buckets=(BUCKET, SHUT, LATE),
            requests_per_minute=0,
            max_running=4 * running,
            run_seconds=run_seconds,
            script_check=ScriptCheck.AT_SUBMIT,
            faults=faults,
            s3_endpoint=endpoint or None,
        )
        (root / "jobs.d").mkdir()
        text = SETTINGS.format(running=running)
        if endpoint:
            text = re.sub(r"folder = .*", f'endpoint = "{endpoint}"\nregion = "us-east-1"', text)
        (root / "shjobs.toml").write_text(text, encoding="utf-8")
        with Sandbox(options, renderer=renderer or rendered, examine=_examined) as sandbox:
            settings = load_settings(root / "shjobs.toml", {**_environment(sandbox), **(variables or {})})
            yield Site(root=root, settings=settings.model_copy(update={"timing": timing}), sandbox=sandbox)


def rendered(body: Mapping[str, Any], folder: Path, options: RenderOptions) -> Rendered:
    """Stands in for the raster side: every declared output is there and holds something."""
    paths = [folder / f"{response['identifier']}.tif" for response in body["output"]["responses"]]
    for path in paths:
        path.write_bytes(RASTER)
    files = tuple(RenderedFile(identifier=path.stem, name=path.name, path=path) for path in paths)
    return Rendered(files=files, samples_per_pixel=1.0, scenes=1, userdata=None)


def job_of(prefix: str) -> str:
    """The job that a delivery prefix of a site names: `s3://<bucket>/rasters/<job>/<submission>`."""
    return prefix.split("/")[4]


def phases_seen(seen: dict[str, list[str]]) -> Watch:
    """A watch that notes every phase a job goes through."""

    def watch(news: StatusChange) -> None:
        seen.setdefault(news.job.name, []).append(news.job_state.phase)

    return watch


def _environment(sandbox: Sandbox) -> dict[str, str]:
    names = [name.replace("-", "_").upper() for name in (BUCKET, SHUT, LATE)]
    keys = ("ACCESS_KEY", "SECRET_ACCESS_KEY")
    return {
        "SHJOBS_BASE_URL": sandbox.base_url,
        "SHJOBS_TOKEN_URL": f"{sandbox.base_url}/oauth/token",
        "SHJOBS_CLIENT_ID": sandbox.options.client_id,
        "SHJOBS_CLIENT_SECRET": sandbox.options.client_secret,
        **{f"SHJOBS_CREDENTIALS_{name}_{key}": "any" for name in names for key in keys},
    }


def _examined(script: str) -> ScriptFacts | ScriptFailure:
    """Stands in for the sandbox's own look at a script; the controller's is the real one."""
    if REFUSED in script:
        return ScriptFailure(kind=FailureKind.SETUP, message="this script is not accepted")
    return ScriptFacts(
        inputs=(ScriptInput(bands=("B04",)),),
        outputs=tuple(ScriptOutput(id=name, bands=1, sample_type=SampleType.AUTO) for name in OUTPUTS),
        mosaicking=Mosaicking.SIMPLE,
        functions=frozenset({"setup", "evaluatePixel"}),
    )
