"""Two clones of one repository, each with a state of its own, meet at one bucket: real processes, let go together."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest
import yaml

from controller.sandbox.ledger import Entry, unfinished
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from tests.conftest import ndvi
from tests.proofs.bench import a_raster
from tests.proofs.traced import ROOT, program
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
SETTINGS = """\
deployment = "sandbox"
timeScale = 0.02

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
{where}
"""


@pytest.fixture
def folder_bucket(tmp_path: Path) -> Iterator[tuple[Sandbox, str]]:
    """A sandbox that delivers into a folder, and where settings say it lies."""
    options = SandboxOptions(folder=tmp_path / "sandbox", port=0, buckets=("my-bucket",), requests_per_minute=0)
    with Sandbox(options, renderer=a_raster) as sandbox:
        yield sandbox, f'folder = "{options.folder}"'


@pytest.fixture
def s3_bucket(tmp_path: Path, endpoint: str) -> Iterator[tuple[Sandbox, str]]:
    """The same with an object store that speaks S3."""
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any"
    )
    client.create_bucket(Bucket="my-bucket")
    client.close()
    options = SandboxOptions(folder=tmp_path / "sandbox", port=0, s3_endpoint=endpoint, requests_per_minute=0)
    with Sandbox(options, renderer=a_raster) as sandbox:
        yield sandbox, f'endpoint = "{endpoint}"\nregion = "us-east-1"'


def cloned(root: Path, where: str) -> Path:
    """A clone with one job, which has never run."""
    (root / "jobs.d").mkdir(parents=True)
    (root / "jobs.d" / "ndvi.yaml").write_text(ndvi(), encoding="utf-8")
    (root / "shjobs.toml").write_text(SETTINGS.format(where=where), encoding="utf-8")
    os.mkfifo(root / "gate")
    return root


def environment(sandbox: Sandbox) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
        "SHJOBS_BASE_URL": sandbox.base_url,
        "SHJOBS_TOKEN_URL": f"{sandbox.base_url}/oauth/token",
        "SHJOBS_CLIENT_ID": "sandbox",
        "SHJOBS_CLIENT_SECRET": "sandbox-secret",
        "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "any",
        "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "any",
    }


def synced_together(roots: list[Path], given: Mapping[str, str]) -> list[tuple[int, str]]:
    """Exit code and words of each sync; all have read their imports before the first begins."""
    command = program("tests.proofs.gated", "gate", "controller", "sync")
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, cwd=root, env=given, text=True, stdout=pipe, stderr=subprocess.STDOUT)
        for root in roots
    ]
    try:
        gates = [(root / "gate").open("wb") for root in roots]  # waits for each to come to its gate
        for gate in gates:
            gate.close()
        words = [process.communicate(timeout=LONGEST)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, said) for process, said in zip(processes, words, strict=True)]


def taken(entries: list[Entry]) -> list[str]:
    """The ids of the requests that were taken, after what else was paid for them was counted."""
    counts = Counter(entry.event for entry in entries)
    assert (counts["post"], counts["accepted"], counts["charged"]) == (1, 1, 1)
    return [entry.id for entry in entries if entry.event == "accepted"]


@pytest.mark.parametrize("kind", ["folder_bucket", "s3_bucket"])
def test_two_clones_that_start_together_pay_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    sandbox, where = request.getfixturevalue(kind)
    roots = [cloned(tmp_path / name, where) for name in ("one", "two")]
    ended = synced_together(roots, environment(sandbox))
    entries = sandbox.ledger.entries()
    assert not unfinished(entries)
    [paid] = taken(entries)
    for root, (code, said) in zip(roots, ended, strict=True):
        until = time.monotonic() + LONGEST
        while code and time.monotonic() < until:  # on a busy machine its looks may end before the other's request shows
            time.sleep(0.2)
            [(code, said)] = synced_together([root], environment(sandbox))
        status = yaml.safe_load((root / "jobs.d" / "ndvi.status.yaml").read_text(encoding="utf-8"))
        assert (code, status["phase"], status.get("requestId")) == (0, "Succeeded", paid), (status, said)
