"""The ground on which processes are raced, killed and starved: a repository, its sandbox, and the real program.

The sandbox runs in this process, so that its ledger, the oracle, is at hand; only its pixels come from a stand-in.
The controller is always a process of its own.
"""

import itertools
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controller.model.script import Mosaicking, SampleType, ScriptFacts, ScriptInput, ScriptOutput
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from controller.sandbox.render.render import Rendered, RenderedFile, RenderOptions
from tests.conftest import ndvi
from tests.support.patience import LONGEST

SETTINGS = """\
deployment = "sandbox"
timeScale = {scale}
scanEvery = "{scan_every}"
maxRunning = {running}
requestsPerMinute = 100000

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "{folder}"
"""
PATIENCE = LONGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run of the program ended: its exit code (negative: the signal) and what it said."""

    code: int
    said: str


class Running:
    """One `shjobs sync` under way."""

    def __init__(self, ground: "Ground", name: str) -> None:
        self._said = ground.root / f"{name}.said"
        command = [sys.executable, "-m", "controller", "sync"]
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                command, cwd=ground.root, env=ground.environment, stdout=subprocess.DEVNULL, stderr=said
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def is_stopped(self) -> bool:
        """Whether the kernel holds it still (SIGSTOP)."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except FileNotFoundError:
            return False

    def ended(self) -> Ended:
        """Wait for its end."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"sync did not end within {PATIENCE:.0f} s: {self._said.read_text()}") from None
        return Ended(code=code, said=self._said.read_text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A repository of manifests with its settings; `state` and `jobs` may lie on a disk of their own."""

    root: Path
    state: Path
    jobs: Path
    sandbox: Sandbox
    environment: Mapping[str, str] = field(repr=False)

    def write(self, name: str, number: int, bucket: str = "my-bucket") -> None:
        """Put a job into place in one step; every `number` below 10 000 is another request."""
        text = ndvi(name, west=round(14.4 - number * 0.0001, 4)).replace("my-bucket", bucket)
        fresh = self.root / f"{name}.new"
        fresh.write_text(text, encoding="utf-8")
        shutil.copyfile(fresh, self.jobs / f"{name}.new")
        (self.jobs / f"{name}.new").replace(self.jobs / f"{name}.yaml")

    def start(self, name: str = "sync") -> Running:
        return Running(self, name)

    def sync(self) -> Ended:
        return self.start().ended()

    def charges(self) -> Counter[str]:
        """How many times each delivery prefix was paid for."""
        return Counter(entry.prefix for entry in self.sandbox.ledger.entries() if entry.event == "charged")

    def accepted(self) -> dict[str, str]:
        """The prefix of every request the sandbox took, by its id."""
        return {entry.id: entry.prefix for entry in self.sandbox.ledger.entries() if entry.event == "accepted"}

    def posts(self) -> Counter[str]:
        """How many POSTs were read for each delivery prefix."""
        return Counter(entry.prefix for entry in self.sandbox.ledger.entries() if entry.event == "post")

    def submissions(self) -> list[tuple[str, str, str | None, str | None]]:
        """(prefix, answer, request id, verdict) of every row of the controller's ledger."""
        with closing(sqlite3.connect(self.state / "shjobs.db")) as ledger:
            return ledger.execute("select prefix, answer, request_id, verdict from submission").fetchall()

    def assert_paid_once(self, replay: str) -> None:
        """No prefix was charged, or its POST read, more than once."""
        twice = {prefix: times for prefix, times in self.charges().items() if times > 1}
        assert not twice, f"{replay}: charged more than once: {twice}"
        twice = {prefix: times for prefix, times in self.posts().items() if times > 1}
        assert not twice, f"{replay}: sent more than once: {twice}"


@contextmanager
def ground(
    *, scale: float, scan_every: str = "60s", running: int = 8, state: Path | None = None, jobs: Path | None = None
) -> Iterator[Ground]:
    """A fresh ground in a temporary folder, which is gone afterwards with everything that was started for it."""
    with tempfile.TemporaryDirectory(prefix="shjobs-proof-") as folder:
        root, delivered = Path(folder), Path(folder) / "sandbox"
        options = SandboxOptions(
            folder=delivered, port=0, buckets=("my-bucket",), requests_per_minute=0, max_running=4 * running
        )
        settings = SETTINGS.format(scale=scale, scan_every=scan_every, running=running, folder=delivered)
        (root / "shjobs.toml").write_text(settings, encoding="utf-8")
        places = {"state": state or root / "state", "jobs": jobs or root / "jobs.d"}
        places["jobs"].mkdir(exist_ok=True)
        with Sandbox(options, renderer=_render, examine=_examine) as sandbox:
            yield Ground(root=root, **places, sandbox=sandbox, environment=_environment(sandbox, **places))


@contextmanager
def changing(field: Ground, jobs: int, seed: int) -> Iterator[None]:
    """Edit one of so many manifests after the other while the block lasts, in a seeded order and rhythm."""
    chance, ended, numbers = random.Random(seed), threading.Event(), itertools.count(jobs)

    def change() -> None:
        while not ended.wait(chance.uniform(0.01, 0.2)):
            field.write(f"job-{chance.randrange(jobs)}", next(numbers))

    for job in range(jobs):
        field.write(f"job-{job}", job)
    thread = threading.Thread(target=change, name="editor")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Look again every 2 ms until it holds; False when it never did."""
    ends_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.002)
    return True


def copied(state: Path, folder: Path) -> Path:
    """The database with its log as a dead process left them, copied: looking must not mend what the next one finds."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in state.glob("shjobs.db*"):
        shutil.copyfile(path, folder / path.name)
    return folder


def flaw_of(folder: Path) -> str:
    """What is wrong with the database in this folder, in SQLite's words; empty when nothing is, or there is none."""
    try:
        with closing(sqlite3.connect(folder / "shjobs.db")) as ledger:
            [[found]] = ledger.execute("pragma integrity_check").fetchall()
    except (sqlite3.DatabaseError, ValueError) as error:
        return str(error)
    return "" if found == "ok" else str(found)


def _environment(sandbox: Sandbox, *, state: Path, jobs: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")}
    return {
        **kept,
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
        "SHJOBS_BASE_URL": sandbox.base_url,
        "SHJOBS_TOKEN_URL": f"{sandbox.base_url}/oauth/token",
        "SHJOBS_CLIENT_ID": sandbox.options.client_id,
        "SHJOBS_CLIENT_SECRET": sandbox.options.client_secret,
        "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "any",
        "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "any",
        "SHJOBS_STATE": str(state),
        "SHJOBS_JOBS": str(jobs),
    }


def _render(body: Mapping[str, object], folder: Path, options: RenderOptions) -> Rendered:
    """Stands in for the raster side."""
    path = folder / "default.tif"
    path.write_bytes(b"a raster")
    return Rendered(
        files=(RenderedFile(identifier="default", name=path.name, path=path),),
        samples_per_pixel=1.0,
        scenes=1,
        userdata={},
    )


def _examine(text: str) -> ScriptFacts:
    return ScriptFacts(
        inputs=(ScriptInput(bands=("B04", "B08")),),
        outputs=(ScriptOutput(id="default", bands=1, sample_type=SampleType.FLOAT32),),
        mosaicking=Mosaicking.SIMPLE,
        functions=frozenset(),
    )
