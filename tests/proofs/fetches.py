"""Kill a fetch anywhere, look at the tree in force, and fetch again.

Each round commits, so that all files that change hold one number, and kills the fetching process: at a seeded moment,
or at a named call on the state under strace. Its git is left running, as after a kill. `current` must then name one
whole tree of one commit that was pushed, and the next fetch must put the newest in force. Another thread reads the
tree all the time.
"""

import multiprocessing
import os
import random
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from signal import SIGKILL

from controller.settings.git import CURRENT, GitSource
from controller.source.fetcher import Fetcher
from controller.source.outcome import SourceStale, SourceUnverified
from tests.proofs.record import tell
from tests.proofs.traced import calls_in, why_not
from tests.support.forked import LOADED
from tests.support.git_server import git_host
from tests.support.git_source import NAME, Pushed
from tests.support.patience import LONGEST

MOMENTS, CALLS = 250, 150
PER_STATE = 50  # kills before a fresh state
CHANGING, SAME = 12, 12  # files
NAMES = (
    *("rename", "renameat2", "symlink", "symlinkat", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat"),
    *("rmdir", "fsync", "syncfs", "openat", "write", "fchmod", "ftruncate", "flock"),
)
TRIES = 20  # how often a kill is aimed before it is given up; many fetches end earlier than the one that was timed

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([*LOADED, "tests.proofs.fetches"])


@dataclass(kw_only=True)
class Field:
    """A repository, what each of its commits holds, and the state it is fetched into."""

    pushed: Pushed
    source: GitSource
    state: Path
    trees: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def push(self) -> str:
        """A commit whose changing files hold a number that no other commit has."""
        text = f"{len(self.trees)}"
        files = {f"jobs.d/{each % 3}/{each}.yaml": text for each in range(CHANGING)}
        same = {f"jobs.d/same/{each}.yaml": f"same {each}" for each in range(SAME)}
        commit = self.pushed.push_many({**files, **same})
        self.trees[commit] = {**files, **same}
        return commit

    def problem(self) -> str:
        """Why `current` does not name one whole tree of one commit; empty when it does."""
        current = self.state / CURRENT
        for _ in range(100):
            try:
                name = str(current.readlink())
                found = _read(Path(os.path.realpath(current)))
            except FileNotFoundError:
                if not current.is_symlink():
                    return "there is no tree in force"
                if str(current.readlink()) != name:
                    continue  # it was swapped twice while it was read
                return f"{name} is not all there"
            wanted = self.trees.get(Path(name).name.partition(".")[0])
            if found == wanted:
                return ""
            if str(current.readlink()) == name:
                return f"{name} holds {found}, not {wanted}"
        return "it was swapped each time it was read"


def _read(tree: Path) -> dict[str, str]:
    found = {}
    for folder, _, names in os.walk(tree, onerror=_raise):
        for name in names:
            path = Path(folder, name)
            if name != ".git":
                found[str(path.relative_to(tree))] = path.read_text()
    return found


def _raise(error: OSError) -> None:
    raise error


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Kill fetches (`small`: 20), and answer the counts; raises AssertionError for the first broken promise."""
    if (reason := why_not()) is not None:
        raise SystemExit(f"the proof of fetches cannot run: {reason}")
    chance = random.Random(seed)
    wanted = {"moment": 12, "call": 8} if small else {"moment": MOMENTS, "call": CALLS}
    counts: Counter[str] = Counter()
    while (left := {kind: count - counts[kind] for kind, count in wanted.items()}) and any(left.values()):
        replay = f"fetches, seed {seed}, after {counts['moment'] + counts['call']} kills"
        tell(replay)
        share = {kind: min(count, PER_STATE // 2) for kind, count in left.items()}
        with _field() as here:
            counts += _killed_often(here, share, chance, replay)
    return {
        "kills": counts["moment"] + counts["call"],
        "killed at a random moment": counts["moment"],
        "killed at a named call": counts["call"],
        "of these the new commit was in force already": counts["new"],
        "of these the commit before was in force": counts["old"],
        "of these nothing was in force yet": counts["none"],
        "trees that were missing, empty or mixed": 0,
        "readings of the tree meanwhile": counts["readings"],
        "next fetches that failed": 0,
    }


@contextmanager
def _field() -> Iterator[Field]:
    with tempfile.TemporaryDirectory(prefix="shjobs-fetches-") as folder:
        pushed = Pushed.made(Path(folder))
        with git_host(pushed.hosted) as host:
            host.token = ""
            source = GitSource(url=f"{host.url}/{NAME}", ref="main")
            yield Field(pushed=pushed, source=source, state=Path(folder) / "state")


def _killed_often(here: Field, share: Mapping[str, int], chance: random.Random, replay: str) -> Counter[str]:
    """So many kills on one state: the first of them before anything was in force."""
    kinds = [kind for kind, count in share.items() for _ in range(count)]
    chance.shuffle(kinds)
    counts: Counter[str] = Counter()
    whole = _duration(here)
    targets = _targets(here)
    subprocess.run(["rm", "-r", here.state], check=True)
    with _read_meanwhile(here, counts, replay):
        for number, kind in enumerate(kinds):
            at = f"{replay}, {number} on this state, at a {kind}"
            for _ in range(TRIES):
                before = _in_force(here)
                commit = here.push()
                kill = _at_moment(chance.uniform(0, whole)) if kind == "moment" else _at_call(chance, targets)
                began = time.monotonic()
                if _fetched(here, kill) == -SIGKILL:
                    counts[kind] += 1
                    counts[_judged(here, commit, before, at)] += 1
                    break
                whole = min(whole, time.monotonic() - began)  # the machine has less to do by now
            else:
                raise AssertionError(f"{at}: {TRIES} fetches ended before they were killed")
    return counts


Kill = Callable[[ForkServerProcess, Connection], None]


def _in_force(here: Field) -> str | None:
    try:
        return (here.state / CURRENT).readlink().name.partition(".")[0]
    except OSError:
        return None


def _judged(here: Field, commit: str, before: str | None, at: str) -> str:
    """Look at what the dead process left, fetch again, and look again; answers which commit was in force."""
    now = _in_force(here)
    assert now in (commit, before), f"{at}: {now} is in force, neither {commit} nor {before}"
    problem = here.problem() if now else ""
    assert not problem, f"{at}: {problem}"
    fetched = Fetcher(here.source, here.state).fetch()
    assert not isinstance(fetched, SourceStale | SourceUnverified), f"{at}: the next fetch failed: {fetched.message}"
    assert _in_force(here) == commit == fetched.commit, f"{at}: the next fetch came to {fetched}"
    problem = here.problem()
    assert not problem, f"{at}: after the next fetch {problem}"
    left = [path.name for path in (here.state / "source").iterdir() if "half" in path.name]
    assert not left, f"{at}: {left} was not removed"
    return "new" if now == commit else "old" if now else "none"


@contextmanager
def _read_meanwhile(here: Field, counts: Counter[str], replay: str) -> Iterator[None]:
    """Read the tree all the time, once there is one."""
    ended, problems = threading.Event(), []

    def read() -> None:
        while not ended.wait(0.01):
            if (here.state / CURRENT).is_symlink():
                problem = here.problem()
                if problem and (here.state / CURRENT).is_symlink():
                    problems.append(problem)
                counts["readings"] += 1

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LONGEST)
    assert not problems, f"{replay}: a reader saw that {problems[0]}"


def fetch_once(url: str, state: str, gate: Connection) -> None:
    """In a process of its own: one fetch, once the gate says so."""
    gate.recv()
    Fetcher(GitSource(url=url, ref="main"), Path(state)).fetch()


def _fetched(here: Field, kill: Kill | None = None) -> int:
    """The exit code of a process that fetches once; `kill` meets it."""
    ours, its = _context.Pipe()
    process = _context.Process(target=fetch_once, args=(here.source.url, str(here.state), its))
    process.start()
    try:
        if kill is None:
            ours.send("go")
        else:
            kill(process, ours)
        process.join(LONGEST)
    finally:
        process.kill()
        process.join(LONGEST)
    assert process.exitcode is not None
    return process.exitcode


def _duration(here: Field) -> float:
    """Seconds that an undisturbed fetch with news takes; the first is another."""
    seconds = []
    for _ in range(3):
        here.push()
        began = time.monotonic()
        assert _fetched(here) == 0
        seconds.append(time.monotonic() - began)
    return min(seconds[1:])


def _at_moment(seconds: float) -> Kill:
    def kill(process: ForkServerProcess, gate: Connection) -> None:
        gate.send("go")
        process.join(seconds)
        process.kill()

    return kill


def _targets(here: Field) -> list[tuple[str, int]]:
    """The calls of an undisturbed fetch that concern the state, by name and number in the main thread."""
    here.push()
    log = here.state.parent / "calls.log"
    assert _fetched(here, _traced(log)) == 0
    calls = calls_in(log.read_text(errors="replace"))
    main = calls[0].thread
    return [(call.name, call.nth) for call in calls if call.thread == main and str(here.state) in call.given]


def _at_call(chance: random.Random, targets: list[tuple[str, int]]) -> Kill:
    """Every name is as likely, since there is one swap among hundreds of opened files."""
    name = chance.choice(sorted({name for name, _ in targets}))
    nth = chance.choice([nth for each, nth in targets if each == name])
    return _traced(None, f"inject={name}:signal=KILL:when={nth}")


def _traced(log: Path | None, inject: str = "") -> Kill:
    """Open the gate once strace is attached."""
    names = ",".join(f"?{name}" for name in NAMES)
    options = ["-f", "-b", "execve", "-y", "-s", "500", "-e", f"trace={names}", "-e", "signal=none"]
    injected = ["-e", inject] if inject else []

    def kill(process: ForkServerProcess, gate: Connection) -> None:
        command = ["strace", *options, *injected, "-o", str(log or os.devnull), "-p", str(process.pid)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as tracer:
            while "TracerPid:\t0\n" in Path(f"/proc/{process.pid}/status").read_text():
                assert tracer.poll() is None, "strace could not be attached"
                time.sleep(0.005)
            gate.send("go")
            process.join(LONGEST)
            process.kill()

    return kill
