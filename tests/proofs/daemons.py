"""One `shjobs run` on the ground of a proof: started, looked at from outside, and asked to end."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from tests.proofs.ground import Ended, Ground

MOST_STOP = 25.0  # seconds; DESIGN §12 "stop on SIGTERM"
# The tree never stands still here, so that nobody may wait for that.
VARIABLES = {
    "SHJOBS_SETTLE": "0s",
    "SHJOBS_LARGE_CHANGE_JOBS": "1000000",
    "SHJOBS_LARGE_CHANGE_PROCESSING_UNITS": "1000000000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the daemon holds at one moment: KiB of memory, threads, and open descriptors."""

    memory: int
    threads: int
    descriptors: int


class Daemon:
    """One `shjobs run`; `log` is what it said."""

    def __init__(self, field: Ground, **changed: str) -> None:
        self.log = field.root / "run.log"
        command = [sys.executable, "-m", "controller", "run", "--listen", "127.0.0.1:0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=field.root,
                env={**field.environment, **VARIABLES, **changed},
                stderr=log,
                stdout=subprocess.DEVNULL,
            )

    def sample(self) -> Sample:
        root = Path(f"/proc/{self.process.pid}")
        fields = dict(line.split(":", 1) for line in (root / "status").read_text().splitlines())
        return Sample(
            memory=int(fields["VmRSS"].split()[0]),
            threads=int(fields["Threads"]),
            descriptors=len(list((root / "fd").iterdir())),
        )

    def stopped(self) -> tuple[Ended, float]:
        """Ask it to end; how it did, and after how many seconds."""
        began = time.monotonic()
        self.process.send_signal(SIGTERM)
        try:
            code = self.process.wait(MOST_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"it did not stop within {MOST_STOP:.0f} s: {self.log.read_text()[-2000:]}") from None
        return Ended(code=code, said=self.log.read_text()), time.monotonic() - began


@contextmanager
def daemon(field: Ground, **changed: str) -> Iterator[Daemon]:
    """A daemon, with changed variables if given, that is killed at the latest when this is left."""
    running = Daemon(field, **changed)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
