"""Misses nothing: every way of changing files that we know, against the real daemon, and how long each took to be seen.

A job on hold stands in for what the files say: it is never submitted, and its status file, kept in a tree of its own,
tells the digest that the daemon has seen. What it should be is asked of `plan`'s own reading of the same text.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import yaml

from controller.manifest.validate import ValidManifest
from controller.tree.scan import load
from tests.conftest import ndvi
from tests.proofs.record import tell

ROOT = Path(__file__).parent.parent.parent
ROUNDS, SMALL = 40, 1
LONGEST = 60.0  # seconds after which a change counts as missed
SCAN_EVERY = 2.0  # seconds, where there are no events
SETTINGS = """\
deployment = "sandbox"
statusDir = "status"
settle = "0s"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "buckets"
"""


def text_of(number: int) -> str:
    """A manifest on hold whose bbox tells the number."""
    return ndvi("seen", round(14 + (10 * number + 1) / 1e7, 7)).replace("spec:\n", "spec:\n  hold: true\n")


def script_of(number: int) -> str:
    return "".join(line[6:] for line in ndvi().split("evalscript: |\n")[1].splitlines(keepends=True)) + f"// {number}\n"


class Place:
    """A repository with one job; each public method is one way of changing what it says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.jobs = root / "jobs.d"
        self.path = self.jobs / "seen.yaml"
        self._number = 0

    def lay(self) -> None:
        """A plain tree with the job in it."""
        self.jobs.mkdir()
        self.path.write_text(text_of(0), encoding="utf-8")

    def in_place(self, number: int) -> None:
        self.path.write_text(text_of(number), encoding="utf-8")

    def in_two_halves(self, number: int) -> None:
        text = text_of(number)
        with self.path.open("w", encoding="utf-8") as file:
            file.write(text[:300])
            file.flush()
            time.sleep(0.1)
            file.write(text[300:])

    def renamed_into_place(self, number: int) -> None:
        temporary = self.jobs / ".seen.tmp"
        temporary.write_text(text_of(number), encoding="utf-8")
        temporary.replace(self.path)

    def renamed_from_outside(self, number: int) -> None:
        temporary = self.root / "outside.tmp"
        temporary.write_text(text_of(number), encoding="utf-8")
        temporary.replace(self.path)

    def as_an_editor_does(self, number: int) -> None:
        """The old file becomes a backup, a new one takes its name."""
        self.path.rename(self.jobs / "seen.yaml~")
        self.path.write_text(text_of(number), encoding="utf-8")
        (self.jobs / "seen.yaml~").unlink()

    def deleted_and_made_again(self, number: int) -> None:
        self.path.unlink()
        time.sleep(0.1)
        self.path.write_text(text_of(number), encoding="utf-8")

    def with_the_same_size_and_time(self, number: int) -> None:
        before = self.path.stat()
        text = text_of(number)
        assert len(text) == len(text_of(number - 1))
        self.path.write_text(text, encoding="utf-8")
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def replaced_with_the_same_size_and_time(self, number: int) -> None:
        before, temporary = self.path.stat(), self.jobs / "seen.new"
        temporary.write_text(text_of(number), encoding="utf-8")
        os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
        temporary.replace(self.path)

    def moved_to_a_new_folder(self, number: int) -> None:
        folder = self.jobs / f"new-{number}" / "deep"
        folder.mkdir(parents=True)
        self.path.unlink()
        self.path = folder / "seen.yaml"
        self.path.write_text(text_of(number), encoding="utf-8")

    def in_a_folder_that_is_moved_in(self, number: int) -> None:
        folder = self.root / "outside"
        folder.mkdir()
        (folder / "seen.yaml").write_text(text_of(number), encoding="utf-8")
        self.path.unlink()
        folder.rename(self.jobs / f"moved-{number}")
        self.path = self.jobs / f"moved-{number}" / "seen.yaml"

    def by_git_checkout(self, number: int) -> None:
        if not (self.root / ".git").exists():
            git(self.root, "init", "--quiet")
            git(self.root, "add", "jobs.d/seen.yaml")
            git(self.root, "commit", "--quiet", "-m", "begin")
        git(self.root, "checkout", "--quiet", "--force", _commit_of(self.root, text_of(number)))

    def by_a_swapped_config_map(self, number: int) -> None:
        """As Kubernetes does: files are links through `..data`, which is replaced by a rename."""
        fresh = self.jobs / f"..2026_{number}"
        fresh.mkdir()
        (fresh / "seen.yaml").write_text(text_of(number), encoding="utf-8")
        old = (self.jobs / "..data").resolve() if (self.jobs / "..data").exists() else None
        (self.jobs / "..data_tmp").symlink_to(fresh.name)
        (self.jobs / "..data_tmp").replace(self.jobs / "..data")
        if not self.path.is_symlink():
            self.path.unlink(missing_ok=True)
            self.path.symlink_to("..data/seen.yaml")
        if old is not None:
            shutil.rmtree(old)

    def by_a_swapped_worktree(self, number: int) -> None:
        """As git-sync does: the tree itself is a link, and leads to another worktree."""
        fresh = self.root / "worktrees" / f"rev-{number}"
        (fresh / "jobs").mkdir(parents=True)
        (fresh / "jobs" / "seen.yaml").write_text(text_of(number), encoding="utf-8")
        temporary = self.root / "jobs.d.tmp"
        temporary.symlink_to(f"worktrees/rev-{number}/jobs")
        if not self.jobs.is_symlink():
            shutil.rmtree(self.jobs)
        temporary.replace(self.jobs)

    def by_a_tree_that_vanishes_and_returns(self, number: int) -> None:
        shutil.rmtree(self.jobs)
        time.sleep(0.1)
        self.jobs.mkdir()
        self.path.write_text(text_of(number), encoding="utf-8")

    def by_another_tree_under_its_name(self, number: int) -> None:
        fresh = self.root / "elsewhere"
        fresh.mkdir()
        (fresh / "seen.yaml").write_text(text_of(number), encoding="utf-8")
        self.jobs.rename(self.root / f"old-{number}")
        fresh.rename(self.jobs)
        shutil.rmtree(self.root / f"old-{number}")

    def behind_a_link(self, number: int) -> None:
        target = self.jobs / ".elsewhere" / "seen.yaml"
        if not self.path.is_symlink():
            target.parent.mkdir()
            target.write_text(text_of(number - 1), encoding="utf-8")
            self.path.unlink()
            self.path.symlink_to(target)
            time.sleep(0.5)  # so that what follows is a change behind the link
        target.write_text(text_of(number), encoding="utf-8")

    def in_a_linked_folder(self, number: int) -> None:
        folder = self.jobs / ".elsewhere"
        if not folder.exists():
            folder.mkdir()
            (folder / "seen.yaml").write_text(text_of(number - 1), encoding="utf-8")
            self.path.unlink()
            (self.jobs / "linked").symlink_to(folder)
            time.sleep(0.5)
        (folder / "seen.yaml").write_text(text_of(number), encoding="utf-8")

    def in_its_script(self, number: int) -> None:
        head = text_of(0).split("    evalscript: |\n")[0].replace("spec:\n", "spec:\n  evalscriptFile: seen.js\n")
        script = self.jobs / "seen.js"
        if not script.exists():
            script.write_text(script_of(number - 1), encoding="utf-8")
            self.path.write_text(head, encoding="utf-8")
            time.sleep(0.5)
        script.write_text(script_of(number), encoding="utf-8")

    def among_a_thousand_others(self, number: int) -> None:
        for other in range(1000):
            (self.jobs / f"other-{other}.txt").write_text(str(number), encoding="utf-8")
        self.path.write_text(text_of(number), encoding="utf-8")


WAYS = [name for name in vars(Place) if not name.startswith("_") and name != "lay"]


def git(folder: Path, *arguments: str, text: str = "", **changed: str) -> str:
    """What git answers; `text` goes to its standard input."""
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    author = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "advice.detachedHead=false")
    done = subprocess.run(
        ["git", *author, *arguments], cwd=folder, env={**plain, **changed}, input=text, text=True, check=True,
        capture_output=True,
    )  # fmt: skip
    return done.stdout.strip()


def _commit_of(root: Path, text: str) -> str:
    """A commit in which the manifest has this text; neither the working tree nor the index is touched."""
    blob = git(root, "hash-object", "-w", "--stdin", text=text)
    apart = {"GIT_INDEX_FILE": str(root / ".git" / "apart")}
    git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},jobs.d/seen.yaml", **apart)
    return git(root, "commit-tree", git(root, "write-tree", **apart), "-m", "change")


def digest_of(place: Place) -> str:
    """What the files say now, read once and apart from the daemon."""
    [document] = [document for file in load(place.jobs) for document in file.documents]
    assert isinstance(document, ValidManifest), document
    return document.request.digest


class Daemon:
    """The real daemon on a place; what it has seen is read from its status files."""

    def __init__(self, place: Place, process: "subprocess.Popen[bytes]") -> None:
        self._place = place
        self.process = process

    def has_seen(self, digest: str) -> bool:
        with suppress(OSError):  # its folder may go while we look
            for path in (self._place.root / "status").rglob("seen.status.yaml"):
                status = yaml.safe_load(path.read_bytes())
                if isinstance(status, Mapping) and status.get("digest") == digest:
                    return True
        return False

    def seconds_until(self, digest: str, what: str) -> float:
        """How long it takes until it has seen this."""
        began = time.monotonic()
        while time.monotonic() < began + LONGEST:
            if self.has_seen(digest):
                return time.monotonic() - began
            assert self.process.poll() is None, f"{what}: the daemon ended"
            time.sleep(0.002)
        raise AssertionError(f"missed: {what}")


@contextmanager
def watched(place: Place, **changed: str) -> Iterator[Daemon]:
    """The daemon, from its first scan to its end."""
    given = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")},
        "PYTHONPATH": str(ROOT),
        "SHJOBS_BASE_URL": "http://127.0.0.1:9",
        "SHJOBS_CLIENT_ID": "nobody",
        "SHJOBS_CLIENT_SECRET": "nothing",
        **changed,
    }
    command = [sys.executable, "-m", "controller", "run", "--no-listen"]
    with (
        (place.root / "run.log").open("ab") as log,
        subprocess.Popen(command, cwd=place.root, env=given, stderr=log) as process,
    ):
        daemon = Daemon(place, process)
        try:
            daemon.seconds_until(digest_of(place), "the first scan")
            yield daemon
        finally:
            process.terminate()


@contextmanager
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="shjobs-proof-") as name:
        root = Path(name)
        (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
        made = Place(root)
        made.lay()
        yield made


def seen(way: str, rounds: int, numbers: Iterator[int], random: Random, **changed: str) -> list[float]:
    """The seconds that each change of one way took to be seen; AssertionError when one was missed."""
    with place() as here, watched(here, **changed) as daemon:
        took = []
        for turn in range(rounds):
            getattr(here, way)(next(numbers))
            took.append(daemon.seconds_until(digest_of(here), f"{way}, round {turn}"))
            if turn + 1 < rounds:
                time.sleep(random.random() * 0.3)
        return took


def overflown(numbers: Iterator[int]) -> None:
    """More events than the kernel keeps, while the daemon is stopped: the change among them is seen all the same."""
    with place() as here, watched(here, SHJOBS_SCAN_EVERY="1h") as daemon:
        daemon.process.send_signal(signal.SIGSTOP)
        most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        for number in range(most // 2 + 100):
            (here.jobs / f"{number % 7}.txt").write_text(str(number), encoding="utf-8")
            (here.jobs / f"{number % 7}.txt").unlink()
        here.in_place(next(numbers))
        daemon.process.send_signal(signal.SIGCONT)
        daemon.seconds_until(digest_of(here), "overflow")
        ends_at = time.monotonic() + LONGEST
        while "events were lost" not in (here.root / "run.log").read_text(encoding="utf-8"):
            assert time.monotonic() < ends_at, "the overflow went unnoticed"
            time.sleep(0.05)


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Every way, with events and without; the figures are seconds."""
    random, numbers = Random(seed), iter(range(1, 1_000_000))
    rounds = SMALL if small else ROUNDS
    with_events: list[float] = []
    without: list[float] = []
    for way in WAYS:
        with_events += seen(way, rounds, numbers, random, SHJOBS_SCAN_EVERY="1h")
        deaf = {"SHJOBS_SCAN_EVERY": f"{SCAN_EVERY}s", "SHJOBS_WATCH": "false"}
        without += seen(way, 1 if small else 4, numbers, random, **deaf)
        tell(f"changes: {way}: {max(with_events[-rounds:]):.3f} s at most")
    overflown(numbers)
    with_events.sort()
    return {
        "ways": len(WAYS) + 1,
        "changes_with_events": len(with_events) + 1,
        "changes_without_events": len(without),
        "missed": 0,
        "median_ms_with_events": round(1000 * with_events[len(with_events) // 2]),
        "p99_ms_with_events": round(1000 * with_events[int(0.99 * (len(with_events) - 1))]),
        "longest_s_without_events": round(max(without), 2),
        "scan_every_s": SCAN_EVERY,
    }
