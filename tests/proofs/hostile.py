"""Hostile input beside a good job: repositories, links and files that a commit can hold, before the real daemon.

Every case is one row of CASES: a sentence, and a function that plants it and may go on while the block lasts (a client
of the port, a thread that writes). To add a case, write such a function and add its row; what is asserted is the same
for all of them. The daemon sends a good job's edits within MOST, with the plant laid while it runs and after a start
beside it; it stops within MOST_STOP; the program PLANTED never ran; and nothing outside the jobs folder was written.
"""

import os
import re
import resource
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import permutations
from pathlib import Path

from controller.model.errors import DEFECT
from tests.conftest import ndvi
from tests.proofs.daemons import Daemon, daemon
from tests.proofs.ground import Ground, ground, until
from tests.proofs.record import tell

MOST = 2.0  # seconds from a file in place to its POST
MOST_STOP = 5.0  # seconds; DESIGN §12, with no POST under way
EDITS, SMALL_EDITS = 5, 1
OUTSIDER = "outsider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a case is planted: the `field` with its jobs folder, the `running` daemon, and a folder `outside`.

    `planted` is a program that leaves a file named `witness` when it runs. `outside` holds the manifest of a job that
    nobody asked for.
    """

    field: Ground
    running: Daemon
    outside: Path
    planted: Path

    @property
    def witness(self) -> Path:
        return self.planted.with_name("witness")


Plant = Callable[[Stage], AbstractContextManager[None]]


@contextmanager
def _a_pipe_as_manifest(stage: Stage) -> Iterator[None]:
    os.mkfifo(stage.field.jobs / "pipe.yaml")
    yield


@contextmanager
def _a_link_to_itself(stage: Stage) -> Iterator[None]:
    (stage.field.jobs / "circle.yaml").symlink_to("circle.yaml")
    (stage.field.jobs / "round").symlink_to("round")
    yield


def _link(name: str, target: str) -> Plant:
    """A link in the jobs folder; `{outside}` stands for the folder of that name."""

    @contextmanager
    def plant(stage: Stage) -> Iterator[None]:
        (stage.field.jobs / name).symlink_to(target.format(outside=stage.outside))
        yield

    return plant


@contextmanager
def _links_to_each_other(stage: Stage) -> Iterator[None]:
    names = [f"f{number}" for number in range(30)]
    for name in names:
        (stage.field.jobs / name).mkdir()
    for one, other in permutations(names, 2):
        (stage.field.jobs / one / other).symlink_to(f"../{other}")
    yield


@contextmanager
def _a_status_file_that_is_a_link(stage: Stage) -> Iterator[None]:
    link = stage.field.jobs / ".planted"
    link.symlink_to(stage.outside / "status")
    link.replace(stage.field.jobs / "good.status.yaml")  # whatever the daemon has put there meanwhile
    yield


@contextmanager
def _devices_as_manifest_script_and_status(stage: Stage) -> Iterator[None]:
    jobs = stage.field.jobs
    for name, target in (("zero.yaml", "/dev/zero"), ("kmsg.yaml", "/proc/kmsg"), ("zero.js", "/dev/zero")):
        (jobs / name).symlink_to(target)
    (jobs / "late.status.yaml").symlink_to("/dev/zero")
    inline = ndvi("late").split("    evalscript: |")[0]
    (jobs / "late.yaml").write_text(f"{inline}  evalscriptFile: zero.js\n", encoding="utf-8")
    yield


@contextmanager
def _twelve_looping_scripts(stage: Stage) -> Iterator[None]:
    for number in range(12):
        endless = f"while (true) {{}} // {number}\n      function setup() {{"
        text = ndvi(f"loop-{number}").replace("function setup() {", endless)
        (stage.field.jobs / f"loop-{number}.yaml").write_text(text, encoding="utf-8")
    yield


@contextmanager
def _a_jobs_folder_like_a_bare_repository(stage: Stage) -> Iterator[None]:
    """What any commit can hold; git's own search for a repository takes it for one, and runs what its config names."""
    jobs = stage.field.jobs
    for name in ("objects", "refs"):
        (jobs / name).mkdir()
    (jobs / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    _config(jobs / "config", stage)
    yield


@contextmanager
def _a_repository_whose_settings_name_programs(stage: Stage) -> Iterator[None]:
    root = stage.field.root
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(root)}
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody")
    (root / ".gitattributes").write_text("* filter=planted diff=planted\n", encoding="utf-8")
    for command in (
        ("init", "--quiet"),
        ("add", "jobs.d/good.yaml", ".gitattributes"),
        ("commit", "--quiet", "-m", "a tree"),
    ):
        subprocess.run(["git", *identity, *command], cwd=root, env=environment, check=True)
    _config(root / ".git" / "config", stage)
    yield


def _config(path: Path, stage: Stage) -> None:
    planted = stage.planted
    path.write_text(
        f"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = {stage.field.root}\n"
        f"\tfsmonitor = {planted}\n\tpager = {planted}\n\tsshCommand = {planted}\n"
        f'[filter "planted"]\n\tclean = {planted}\n\tprocess = {planted}\n[diff "planted"]\n\ttextconv = {planted}\n'
        f'[alias]\n\tls-tree = "!{planted}"\n',
        encoding="utf-8",
    )


@contextmanager
def _very_many_documents(stage: Stage) -> Iterator[None]:
    for number in range(4):
        (stage.field.jobs / f"a-many-{number}.yaml").write_text("---\na: 1\n" * 110_000, encoding="utf-8")
    yield


@contextmanager
def _very_many_values(stage: Stage) -> Iterator[None]:
    keys = "".join(f"k{number}: 1\n" for number in range(90_000))
    (stage.field.jobs / "a-keys.yaml").write_text(keys, encoding="utf-8")
    (stage.field.jobs / "a-list.yaml").write_text("- 1\n" * 249_000, encoding="utf-8")
    (stage.field.jobs / "a-list.json").write_text(f"[{'1,' * 499_000}1]", encoding="utf-8")
    yield


@contextmanager
def _half_open_requests(stage: Stage) -> Iterator[None]:
    """Each kept a descriptor and a thread for as long as its client liked."""
    running = stage.running
    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (256, 256))
    port = int(re.findall(r"listening at http://127\.0\.0\.1:(\d+)", running.log.read_text())[-1])
    with ExitStack() as stack:
        for _ in range(400):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        yield


CASES: Mapping[str, Plant] = {
    "four files of very many documents": _very_many_documents,
    "files of very many values": _very_many_values,
    "twelve looping scripts": _twelve_looping_scripts,
    "hundreds of half-open requests": _half_open_requests,
    "a pipe where a manifest is expected": _a_pipe_as_manifest,
    "a link to itself": _a_link_to_itself,
    "a link to the root of the file system": _link("everything", "/"),
    "a link to a folder outside": _link("elsewhere", "{outside}"),
    "a link to a manifest outside": _link("elsewhere.yaml", "{outside}/outsider.yaml"),
    "links to devices": _devices_as_manifest_script_and_status,
    "a status file that is a link to a file outside": _a_status_file_that_is_a_link,
    "many folders of links to each other": _links_to_each_other,
    "a jobs folder that looks like a bare repository": _a_jobs_folder_like_a_bare_repository,
    "a repository whose settings name programs": _a_repository_whose_settings_name_programs,
}


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Every case, one after the other; the longest latency and the longest stop."""
    took, stops = [], []
    for name in CASES:
        latencies, case_stops = endured([name], seed, small=small)
        took += latencies
        stops += case_stops
        tell(f"hostile: {name}: {1000 * max(latencies):.0f} ms at the most, stopped within {max(case_stops):.1f} s")
    return {
        "cases": len(CASES),
        "posts": len(took),
        "median_ms": round(1000 * statistics.median(took)),
        "longest_ms": round(1000 * max(took)),
        "longest_stop_s": round(max(stops), 2),
        "programs_run": 0,
        "files_written_outside": 0,
    }


def endured(names: Sequence[str], seed: int, *, small: bool = False) -> tuple[list[float], list[float]]:
    """One case, or some at once: seconds from each edit of the good job to its POST, and seconds of each stop.

    In the small form the figures are not judged: it must pass on a machine that is busy with other things.
    """
    replay, edits = f"hostile, {', '.join(names)}, seed {seed}", SMALL_EDITS if small else EDITS
    with ground(scale=0.01, scan_every="60s") as field:
        planted, outside = _program(field.root), _outside(field.root)
        field.write("good", 0)
        before = _content(outside)
        with daemon(field) as running:
            assert until(lambda: _is_sent(field, 1)), f"{replay}: it never began"
            stage = Stage(field=field, running=running, outside=outside, planted=planted)
            with ExitStack() as plants:
                for name in names:
                    plants.enter_context(CASES[name](stage))
                took = [_latency(field, 1 + edit, replay) for edit in range(edits)]
                stops = [_stopped(running, replay)]
        with daemon(field) as running:  # the plant is there from the start
            took += [_latency(field, 1 + edits + edit, replay, is_judged=edit > 0) for edit in range(edits)]
            stops.append(_stopped(running, replay))
        assert not stage.witness.exists(), f"{replay}: a planted program ran: {stage.witness.read_text()}"
        assert _content(outside) == before, f"{replay}: something was written outside the jobs folder"
        assert not any(OUTSIDER in prefix for prefix in field.posts()), f"{replay}: a foreign job was paid for"
        field.assert_paid_once(replay)
    took = [seconds for seconds in took if seconds]
    assert small or max(took) <= MOST, f"{replay}: the good job was sent after {max(took):.1f} s"
    assert small or max(stops) <= MOST_STOP, f"{replay}: it stopped after {max(stops):.1f} s"
    return took, stops


def _program(root: Path) -> Path:
    """A program that says that it ran, and with which variables of ours."""
    folder = root / "planted"
    folder.mkdir()
    path = folder / "program"
    path.write_text(f'#!/bin/sh\n(echo "$0 $*"; env | grep SHJOBS) >> {folder}/witness\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def _outside(root: Path) -> Path:
    folder = root / "outside"
    folder.mkdir()
    (folder / f"{OUTSIDER}.yaml").write_text(ndvi(OUTSIDER), encoding="utf-8")
    return folder


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _latency(field: Ground, number: int, replay: str, *, is_judged: bool = True) -> float:
    """Seconds from an edit of the good job to its POST; 0 for one that is not judged, as the first after a start."""
    wanted, before = len(_posts(field)) + 1, datetime.now(UTC)
    field.write("good", number)
    assert until(partial(_is_sent, field, wanted)), f"{replay}: the good job was not sent"
    time.sleep(0.2)
    return (_posts(field)[-1] - before).total_seconds() if is_judged else 0.0


def _is_sent(field: Ground, wanted: int) -> bool:
    return len(_posts(field)) >= wanted


def _posts(field: Ground) -> list[datetime]:
    """When each POST of the good job was read."""
    entries = field.sandbox.ledger.entries()
    return [datetime.fromisoformat(each.time) for each in entries if each.event == "post" and "/good/" in each.prefix]


def _stopped(running: Daemon, replay: str) -> float:
    end, seconds = running.stopped()
    assert end.code == 0, f"{replay}: it ended with {end.code}: {end.said[-2000:]}"
    for word in ("Traceback", DEFECT):
        assert word not in end.said, f"{replay}: {end.said[-2000:]}"
    return seconds
