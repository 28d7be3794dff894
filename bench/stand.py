"""The sandbox in a process of its own, without pixels: so that what is measured is what talks to it.

`python -m bench.stand FOLDER SECONDS POLLS DELAY` serves until its standard input ends, and says its address. Each
request runs at least so many seconds, and until so many polls have seen it; a POST is answered after so many seconds.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bench.program import ROOT, environment
from controller.sandbox.faults.faults import Fault
from controller.sandbox.ledger import Entry, SandboxLedger
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from controller.sandbox.render.render import Rendered, RenderedFile, RenderOptions


def no_pixels(_body: Mapping[str, object], folder: Path, _options: RenderOptions) -> Rendered:
    path = folder / "default.tif"
    path.write_bytes(b"a raster")
    file = RenderedFile(identifier="default", name=path.name, path=path)
    return Rendered(files=(file,), samples_per_pixel=1.0, scenes=1, userdata={})


@contextmanager
def sandbox(folder: Path, run_seconds: float = 0.0, run_polls: int = 0, *, delay: float = 0.0) -> Iterator[str]:
    """Its address, while it serves."""
    command = [sys.executable, "-m", "bench.stand", str(folder), str(run_seconds), str(run_polls), str(delay)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(60)


def entries(folder: Path) -> list[Entry]:
    """What its ledger says so far."""
    return SandboxLedger.read(folder / "ledger.jsonl")


def times_of(folder: Path, event: str) -> list[datetime]:
    """When each of these events was."""
    return [datetime.fromisoformat(entry.time) for entry in entries(folder) if entry.event == event]


def main() -> None:
    options = SandboxOptions(
        folder=Path(sys.argv[1]), port=0, buckets=("my-bucket",), requests_per_minute=0, max_running=1_000_000,
        run_seconds=float(sys.argv[2]), run_polls=int(sys.argv[3]),
    )  # fmt: skip
    with Sandbox(options, renderer=no_pixels) as served:
        if delay := float(sys.argv[4]):
            served.faults.add(Fault(name="slow-answer", times=-1, parameters={"seconds": delay}))
        sys.stdout.write(f"{served.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
