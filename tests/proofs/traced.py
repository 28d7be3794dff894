"""Run the real program under strace, from its settings on: to record its calls, or to kill it at one of them.

The program is started by `gated`, which waits at a named pipe until strace is attached, so nothing of the product knows
about it and its imports cost nothing. Only the program is followed, not the script engine that it starts.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.skips import REFUSED

ROOT = Path(__file__).parent.parent.parent
GATE = "gate"
LONGEST = 120  # seconds; a run takes one or two
# `?`: some machines have only the `…at` form of a call.
NAMES = (
    *("write", "pwrite64", "fdatasync", "fsync", "ftruncate", "openat"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir"),
    *("connect", "send", "sendto", "sendmsg", "recv", "recvfrom", "recvmsg"),
)

_WHOLE = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<given>.*)\) += (?P<result>.*)")
_BEGUN = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<given>.*) <unfinished \.\.\.>")
_ENDED = re.compile(r"(?P<thread>\d+) +<\.\.\. (?P<name>\w+) resumed>.*\) += (?P<result>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as strace wrote it; `nth` counts the calls of this name in its thread, `began` and `ended` are lines.

    `result` is `?` when the process died in it.
    """

    thread: int
    name: str
    nth: int
    given: str
    result: str
    began: int
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a traced program ended: its return code (-9: killed), what it called, and what it said."""

    code: int
    calls: Sequence[Call]
    said: str


def why_not() -> str | None:
    """Why nothing can be traced here; None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed; on Debian and Ubuntu: apt-get install strace"
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return f"{REFUSED}strace says {tried.stderr.strip()}" if tried.returncode else None


def program(module: str, *arguments: str) -> list[str]:
    """A module of ours as a command line."""
    return [sys.executable, "-m", module, *arguments]


def traced_sync(
    root: Path,
    settings: str,
    environment: Mapping[str, str],
    *,
    kill_at: tuple[str, int] | None = None,
    letters: int = 80,
    module: str = "controller",
    paths: Sequence[Path] = (),
) -> Ended:
    """`shjobs sync` in the folder `root`; with `kill_at` SIGKILL meets it at the n-th call of that name in a thread.

    `letters` is how much of a text argument is kept. With `paths` only the calls on these files are seen and counted.
    """
    gate, log, said = root / GATE, root / "calls.log", root / "said.log"
    os.mkfifo(gate)
    (root / "shjobs.toml").write_text(settings, encoding="utf-8")
    given = {**os.environ, **environment, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    command = program("tests.proofs.gated", GATE, module, "sync")
    with (
        said.open("wb") as reported,
        subprocess.Popen(command, cwd=root, env=given, stdout=reported, stderr=reported) as process,
    ):
        try:
            writer = _opened_by_both(gate, process)
            with _attached(process, _strace(process.pid, log, kill_at, letters, paths)):
                os.close(writer)
        finally:
            process.kill()
    gate.unlink()
    return Ended(
        code=process.returncode, calls=calls_in(log.read_text(errors="replace")), said=said.read_text(errors="replace")
    )


def calls_in(log: str) -> list[Call]:
    """The calls of a log, in the order they began."""
    calls: list[Call] = []
    counts: dict[tuple[int, str], int] = {}
    open_calls: dict[int, int] = {}
    for line, text in enumerate(log.splitlines()):
        if ended := _ENDED.fullmatch(text):
            place = open_calls.pop(int(ended["thread"]), None)
            if place is not None:  # else it began before strace was there
                calls[place] = replace(calls[place], result=ended["result"], ended=line)
        elif match := _WHOLE.fullmatch(text) or _BEGUN.fullmatch(text):
            thread, name = int(match["thread"]), match["name"]
            counts[thread, name] = counts.get((thread, name), 0) + 1
            result = match.groupdict().get("result")
            if result is None:
                open_calls[thread] = len(calls)
            calls.append(
                Call(
                    thread=thread,
                    name=name,
                    nth=counts[thread, name],
                    given=match["given"],
                    result=result or "?",
                    began=line,
                    ended=line,
                )
            )
    return calls


def _strace(pid: int, log: Path, kill_at: tuple[str, int] | None, letters: int, paths: Sequence[Path]) -> list[str]:
    """`-b execve` lets go of the script engine as soon as it is a program of its own."""
    names = ",".join(f"?{name}" for name in NAMES)
    inject = ["-e", f"inject={kill_at[0]}:signal=KILL:when={kill_at[1]}"] if kill_at else []
    options = ["-f", "-b", "execve", "-yy", "-s", str(letters), "-e", f"trace={names}", "-e", "signal=none"]
    only = [f"--trace-path={path}" for path in paths]
    return ["strace", *options, *inject, *only, "-o", str(log), "-p", str(pid)]


def _opened_by_both(gate: Path, process: subprocess.Popen[bytes]) -> int:
    """The writing end of the pipe, once the program waits at it."""
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the program ended with {process.returncode} before it came to the gate"
        with suppress(OSError):  # nobody reads it yet
            return os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.005)
    raise AssertionError("the program never came to the gate")


@contextmanager
def _attached(process: subprocess.Popen[bytes], strace: Sequence[str]) -> Iterator[None]:
    """strace on the process, from when this is entered until both have ended."""
    with subprocess.Popen(strace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as tracer:
        try:
            while "TracerPid:\t0\n" in Path(f"/proc/{process.pid}/status").read_text():
                assert tracer.poll() is None, "strace could not be attached"
                time.sleep(0.005)
            yield
            process.wait(LONGEST)
        finally:
            process.kill()
