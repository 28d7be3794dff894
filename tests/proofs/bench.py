"""A workspace with one job and a sandbox of its own, in which its POST meets a chosen fate: for proofs that kill.

The program under test is always the real one, in a process of its own.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from controller.lifecycle.claim import SUFFIX, WITHDRAWN
from controller.sandbox.faults.faults import Fault
from controller.sandbox.ledger import Entry, unfinished
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from controller.sandbox.render.render import Rendered, RenderedFile, RenderOptions
from tests.conftest import ndvi
from tests.proofs.traced import LONGEST, ROOT, program

ANSWERED, ANSWER_LOST, REFUSED, NEVER_RECEIVED = "answered", "answer-lost", "refused-429", "never-received"
FATES: Mapping[str, Fault | None] = {
    ANSWERED: None,
    ANSWER_LOST: Fault(name="answer-lost"),
    REFUSED: Fault(name="rate-429", parameters={"milliseconds": 50}),
    NEVER_RECEIVED: Fault(name="reset-before-read"),
}

PREFIX = "s3://my-bucket/rasters/ndvi/e9e2dc4bb9dfe36c-r0-a0"
"""Where the one job delivers, as `shjobs plan` would say."""

ESTABLISHED, CLOSE_WAIT = "01", "08"

SETTINGS = """\
deployment = "sandbox"
timeScale = 0.01
unconfirmedGrace = "{grace}"
workers = 1
onUnconfirmed = "{policy}"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "{folder}"
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A fresh workspace with one job, and a sandbox in which one POST has the given fate."""

    root: Path
    sandbox: Sandbox
    policy: str
    grace: str

    @property
    def settings(self) -> str:
        return SETTINGS.format(policy=self.policy, grace=self.grace, folder=self.sandbox.options.folder)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SHJOBS_BASE_URL": self.sandbox.base_url,
            "SHJOBS_TOKEN_URL": f"{self.sandbox.base_url}/oauth/token",
            "SHJOBS_CLIENT_ID": "sandbox",
            "SHJOBS_CLIENT_SECRET": "sandbox-secret",
            "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "any",
            "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "any",
        }

    @property
    def job_state(self) -> tuple[str, str]:
        """Phase and reason of the status file."""
        path = self.root / "jobs.d" / "ndvi.status.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        return str(document.get("phase", "")), str(document.get("reason", ""))

    @property
    def claims_folder(self) -> Path:
        """Where the claims of its one submission lie in the bucket."""
        return self.sandbox.options.folder / f"{PREFIX}{SUFFIX}".removeprefix("s3://")

    @property
    def claims(self) -> list[str]:
        """The claims in the bucket that nobody withdrew."""
        names = {path.name for path in self.claims_folder.glob("*") if "#" not in path.name}
        return sorted(name for name in names if not name.endswith(WITHDRAWN) and f"{name}{WITHDRAWN}" not in names)

    def sync(self) -> subprocess.CompletedProcess[str]:
        """The program as anybody runs it."""
        return self.command("sync")

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any command of the program, to its end."""
        with self.started(*arguments) as process:
            try:
                said, errors = process.communicate(timeout=LONGEST)
            finally:
                process.kill()
        return subprocess.CompletedProcess(arguments, process.returncode, said, errors)

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        """Any command of the program, under way."""
        (self.root / "shjobs.toml").write_text(self.settings, encoding="utf-8")
        given = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        pipe = subprocess.PIPE
        command = program("controller", *arguments)
        return subprocess.Popen(command, cwd=self.root, env=given, stdout=pipe, stderr=pipe, text=True)

    def stored(self, answer: str) -> list[str]:
        """The delivery prefixes of the submissions with this answer, or `unanswered`; read from a copy of the state."""
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            copy = Path(folder) / "state"
            with suppress(FileNotFoundError):  # it died before there was any state
                shutil.copytree(self.root / "state", copy)
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(copy / "shjobs.db")) as database:
                chosen = "select prefix from submission where coalesce(answer, 'unanswered') = ?"
                return [str(row[0]) for row in database.execute(chosen, [answer])]
        return []

    def entries(self) -> list[Entry]:
        """The ledger, once every accepted request has come to its end."""
        return self._entries(lambda entries: not unfinished(entries))

    def entries_of_the_dead(self) -> list[Entry]:
        """The ledger, once the sandbox has dealt with everything that a dead program sent."""
        address = f":{int(self.sandbox.base_url.rpartition(':')[2]):04X}"
        return self._entries(lambda _: not _is_connected(address))

    def _entries(self, is_complete: Callable[[list[Entry]], bool]) -> list[Entry]:
        deadline = time.monotonic() + LONGEST
        while not is_complete(self.sandbox.ledger.entries()):
            assert time.monotonic() < deadline, "the sandbox never came to rest"
            time.sleep(0.01)
        return self.sandbox.ledger.entries()


def _is_connected(address: str) -> bool:
    """Whether a connection to the local address stands, or is closed by the other side only; see proc(5)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
    return any(row[1].endswith(address) and row[3] in (ESTABLISHED, CLOSE_WAIT) for row in rows)


def a_raster(body: Mapping[str, object], folder: Path, options: RenderOptions) -> Rendered:
    """Stands in for the pixels, so that every life takes the same steps however busy the machine is."""
    path = folder / "default.tif"
    path.write_bytes(b"a raster")
    file = RenderedFile(identifier="default", name=path.name, path=path)
    return Rendered(files=(file,), samples_per_pixel=3.0, scenes=3, userdata={})


@contextmanager
def bench(
    fate: str, policy: str, *, run_seconds: float = 0.0, faults: Sequence[Fault] = (), grace: str = "60s"
) -> Iterator[Bench]:
    """A workspace of its own, gone afterwards.

    `run_seconds` is how long a request runs at least, and `grace` how long it is searched for, before it is scaled.
    """
    with tempfile.TemporaryDirectory(prefix="shjobs-proof-") as name:
        root = Path(name)
        (root / "jobs.d").mkdir()
        (root / "jobs.d" / "ndvi.yaml").write_text(ndvi(), encoding="utf-8")
        fault = FATES[fate]
        options = SandboxOptions(
            folder=root / "sandbox",
            port=0,
            buckets=("my-bucket",),
            requests_per_minute=0,
            run_seconds=run_seconds,
            faults=(fault, *faults) if fault else tuple(faults),
        )
        with Sandbox(options, renderer=a_raster) as sandbox:
            yield Bench(root=root, sandbox=sandbox, policy=policy, grace=grace)
