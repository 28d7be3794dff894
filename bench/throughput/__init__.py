"""Many jobs through the sandbox: submissions a second beside loops of POSTs (`posts`), and processor time beside
a loop written by hand with the vendor's client, each in the time that the service itself would take.

The bare loop of POSTs does less than safety needs: beside it one learns what all of `sync` costs, and beside the
careful one, which gives the same guarantees, what it costs beyond them. On this machine an answer comes at once, so
processor time is all there is; a service at the other end of a network is measured with a delay.

Both sides do the same: the loop asks when `sync` does and looks into its bucket (`vendor`), and a request runs
until it has been asked for so often. If it ran for a time, the side that comes late to its polls would have fewer.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from bench.finished import manifests
from bench.program import ROOT, environment, until
from bench.rows import Row
from bench.stand import sandbox, times_of
from bench.throughput import posts
from bench.throughput.posts import RUN

SCALES = (10, 100, 1_000)
POLLS = 5  # that see a request running, otherwise: it is then about two minutes old
DELAY = 0.05  # seconds from a POST to its answer, when the service is not on this machine
MOST_FAR_AWAY = 300  # jobs: the bare loop takes a second for twenty of them
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
        submitted = partial(row, what="submissions a second", figure=_submitted(count), unit="/s")
        for against, loop in (("bare POST loop", posts.plain), ("careful POST loop", posts.careful)):
            yield submitted(baseline=loop(count), against=against, least=0.8 if is_large else None)
        yield _far_away(count)
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


def _far_away(count: int) -> Row:
    """The same where an answer takes as long as over a network: `sync` waits for several at once, the loop for one."""
    few = min(count, MOST_FAR_AWAY)
    return Row(
        what=f"submissions a second, answers after {1000 * DELAY:.0f} ms", scale=f"{few:,} jobs",
        figure=_submitted(few, DELAY), unit="/s", baseline=posts.plain(few, DELAY), against="bare POST loop",
        least=0.8,
    )  # fmt: skip


def _submitted(count: int, delay: float = 0.0) -> float:
    """Submissions a second of one `sync`, from the first that was accepted to the last."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        root = Path(name)
        with sandbox(root / "sandbox", RUN, delay=delay) as address, _syncing(root, address, count) as process:
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


def _asking(folder: Path, address: str, count: int) -> "subprocess.Popen[bytes]":
    """The hand-written loop, which has just been started."""
    command = [sys.executable, "-m", "bench.throughput.vendor", address, str(count), str(folder)]
    given = {**environment(), "OAUTHLIB_INSECURE_TRANSPORT": "1", "HOME": str(folder)}
    return subprocess.Popen(command, cwd=ROOT, env=given)
