"""Many jobs through the sandbox: submissions a second beside a bare loop of POSTs, and processor time beside a loop
written by hand with the vendor's client, each in the time that the service itself would take.

Both sides do the same: the loop asks when `sync` does and looks into its bucket (`bench.vendor`), and a request runs
until it has been asked for so often. If it ran for a time, the side that comes late to its polls would have fewer.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import requests

from bench.finished import MANIFEST, SCRIPT, manifests
from bench.program import ROOT, environment, until
from bench.rows import Row
from bench.stand import sandbox, times_of

SCALES = (10, 100, 1_000)
RUN = 120.0  # seconds that a request runs while only submissions are measured
POLLS = 5  # that see a request running, otherwise: it is then about two minutes old
ALIKE = 0.05  # how much the polls of both sides may differ
SETTINGS = """\
deployment = "sandbox"
maxRunning = 100000
workers = 8
requestsPerMinute = 1000000000
largeChangeJobs = 1000000
largeChangeProcessingUnits = 1000000000

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "sandbox"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What following so many requests took: processor seconds of the process, and polls that the service answered."""

    seconds: float
    polls: int


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    few = min(scales)
    for count in scales:
        is_large = count == max(scales)
        row = partial(Row, scale=f"{count:,} jobs", against="vendor's client")
        yield row(
            what="submissions a second", figure=_submitted(count), unit="/s", baseline=_bare(count),
            against="bare POST loop", least=0.8 if is_large else None,
        )  # fmt: skip
        ours, vendors = _followed(count)
        yield row(
            what="polls per job", figure=ours.polls / count, unit="polls", baseline=vendors.polls / count,
            most=1 + ALIKE if is_large else None, least=1 - ALIKE if is_large else None,
        )  # fmt: skip
        yield row(
            what="processor time per job", figure=1000 * ours.seconds / count, unit="ms",
            baseline=1000 * vendors.seconds / count, most=1.0 if is_large else None,
        )  # fmt: skip
        if count == few:
            first = ours, vendors
        else:
            further = [
                1000 * (now.seconds - then.seconds) / (count - few)
                for now, then in zip((ours, vendors), first, strict=True)
            ]
            yield row(what="processor time per further job", figure=further[0], unit="ms", baseline=further[1])


def _submitted(count: int) -> float:
    """Submissions a second of one `sync`, from the first that was accepted to the last."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        root = Path(name)
        with sandbox(root / "sandbox", RUN) as address, _syncing(root, address, count) as process:
            until(lambda: process.poll() is not None or len(_accepted(root)) == count, pause=0.5)
            process.send_signal(signal.SIGTERM)
        accepted = _accepted(root)
    assert len(accepted) == count, f"{len(accepted)} of {count} were accepted"
    return (count - 1) / (max(accepted) - min(accepted)).total_seconds()


def _accepted(root: Path) -> list[datetime]:
    return times_of(root / "sandbox", "accepted")


def _followed(count: int) -> tuple[_Side, _Side]:
    """A `sync` and the hand-written loop, each from its start until every request has ended.

    They run side by side, and mostly wait.
    """
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        root, folder = Path(name) / "ours", Path(name) / "vendor"
        with sandbox(root / "sandbox", run_polls=POLLS) as address, sandbox(folder, run_polls=POLLS) as other:
            processes = [_syncing(root, address, count), _asking(folder, other, count)]
            seconds = [_processor_seconds(process) for process in processes]
        sides = (root / "sandbox", folder)
        assert all(len(times_of(side, "accepted")) == count for side in sides)
        polls = [len(times_of(side, "status")) for side in sides]
    ours, vendors = (_Side(seconds=each, polls=asked) for each, asked in zip(seconds, polls, strict=True))
    return ours, vendors


def _syncing(root: Path, address: str, count: int) -> "subprocess.Popen[bytes]":
    """A `sync` of so many new jobs that has just been started."""
    manifests(root, count)
    (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
    command = [sys.executable, "-m", "controller", "sync"]
    with (root / "out").open("wb") as out:
        given = environment(SHJOBS_BASE_URL=address)
        return subprocess.Popen(command, cwd=root, env=given, stdout=out, stderr=out)


def _processor_seconds(process: "subprocess.Popen[bytes]") -> float:
    """What a process used, once it has ended well."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{process.args!r} ended with {process.returncode}"
    return used.ru_utime + used.ru_stime


def _bare(count: int) -> float:
    """POSTs a second of a loop that keeps its connection and does nothing else."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        folder = Path(name)
        with sandbox(folder, RUN) as address, requests.Session() as http:
            http.trust_env = False
            http.headers.update({"Authorization": f"Bearer {_token(address)}", "Content-Type": "application/json"})
            bodies = [json.dumps(body(number)) for number in range(count)]
            began = time.perf_counter()
            for text in bodies:
                answer = http.post(f"{address}/async/v1/process", data=text)
                assert answer.status_code == 200, answer.text
            return (count - 1) / (time.perf_counter() - began)


def body(number: int) -> dict[str, Any]:
    """The request of one of the manifests, with keys and a prefix of its own."""
    import yaml

    request: dict[str, Any] = yaml.load(
        MANIFEST.format(number=number, west=14 + number / 1e6, script="x.js").replace("Z", ".000Z"), yaml.CBaseLoader
    )["spec"]["request"]
    request["input"]["bounds"]["bbox"] = [14 + number / 1e6, 35.8, 14.9, 35.9]
    request["output"] = {
        **request["output"],
        "width": 64,
        "height": 32,
        "delivery": {"s3": {"url": f"s3://my-bucket/bare/{number}", "accessKey": "any", "secretAccessKey": "any"}},
    }
    return {**request, "evalscript": SCRIPT}


def _token(address: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    return str(requests.post(f"{address}/oauth/token", data=form, timeout=30).json()["access_token"])


def _asking(folder: Path, address: str, count: int) -> "subprocess.Popen[bytes]":
    """The hand-written loop, which has just been started."""
    command = [sys.executable, "-m", "bench.vendor", address, str(count), str(folder)]
    given = {**environment(), "OAUTHLIB_INSECURE_TRANSPORT": "1", "HOME": str(folder)}
    return subprocess.Popen(command, cwd=ROOT, env=given)
