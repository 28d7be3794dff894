"""The sessions of docs/cli.md: their commands are run in order, in one folder, against one sandbox.

`python -m tests.support.sessions` (`make sessions`) writes the output below each command; a test compares it.
Continuation lines begin with `> `, as a shell shows them. What differs from run to run is compared as a placeholder.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.proofs.record import ROOT, tell
from tests.support.command import shown
from tests.support.patience import LONGEST

PAGE = ROOT / "docs" / "cli.md"
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\$ (?P<typed>.*(?:\n> .*)*)\n(?P<answer>(?:(?!\$ ).*\n)*)", re.MULTILINE)
ALONE = frozenset({"run", "demo"})
"""Commands that need a process of their own: a signal ends them, or they start another process."""
SAME = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "REQUEST-ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"^\d{4}-\d\d (?=\(UTC\))", "MONTH "),
    (r"(?<=[@ ])127\.0\.0\.1:\d+|(?<=//)127\.0\.0\.1:\d+", "ADDRESS"),
    (r"(?<=etag: )\S+", "ETAG"),
    (r"\b[\d.]+ (?=k?B\b)", "N "),
    (r"(?<=versions: ).*", "VERSIONS"),
    (r"\bprocess \d+", "process N"),
    (r"\b\d+ s(?= ago)|(?<=in )\d+ s\b", "N s"),
    (r"\b\d+[smh](?= ago|  +~?\d+\.\d\d)", "AGE"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?= UTC)", "TIME"),
    (r" {2,}", "  "),
)
VARIABLES = {"SHJOBS_TIME_SCALE": "0.01", "SHJOBS_SETTLE": "0s", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command as typed, and its output."""

    typed: str
    answer: str

    @property
    def command(self) -> str:
        """As a shell reads it: without the prompts of continuation lines."""
        return self.typed.replace("\n> ", "\n")

    def as_text(self) -> str:
        return f"$ {self.typed}\n{self.answer}"


def steps(text: str) -> list[Step]:
    """Every step of a page, in order."""
    return [Step(**step.groupdict()) for block in BLOCK.findall(text) for step in STEP.finditer(block)]


def comparable(answer: str) -> list[str]:
    """The lines, with placeholders for what differs from run to run."""
    for pattern, word in SAME:
        answer = re.sub(pattern, word, answer, flags=re.MULTILINE)
    return [line.rstrip() for line in answer.rstrip().splitlines()]


def replayed(written: list[Step], folder: Path) -> Iterator[Step]:
    """Each step with today's output."""
    environment: dict[str, str] = dict(VARIABLES)
    with sandbox(folder) as said:
        for step in written:
            if variable := re.fullmatch(r"export (\w+)=(\S+)", step.typed):
                environment[variable[1]] = variable[2]
                yield step
            elif step.typed == "shjobs sandbox":
                environment |= dict(re.findall(r"^export (\S+?)=(\S+)$", said, re.MULTILINE))
                yield replace(step, answer=said)
            else:
                yield replace(step, answer=_answer(step.command, folder, environment))


def renewed(text: str, folder: Path) -> str:
    """The page with today's outputs, all of one run; the page unchanged when only placeholders differ."""
    before = steps(text)
    today = list(replayed(before, folder))
    if [comparable(step.answer) for step in before] == [comparable(step.answer) for step in today]:
        return text
    answers = iter(today)
    return BLOCK.sub(lambda block: STEP.sub(lambda _: next(answers).as_text(), block[0]), text)


def _answer(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """The output: our own commands run in this process, all others in a shell."""
    words = shlex.split(command) if "\n" not in command else []
    if words[:1] != ["shjobs"] or words[1] in ALONE or re.search(r"[|<>&$]", command):
        return _whole(_typed(command, folder, environment))
    return _whole(shown(*words[1:], cwd=folder, environment=environment))


def _typed(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """As typed into a shell that finds `shjobs`."""
    program = folder / ".bin" / "shjobs"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m controller "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)])
    given = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder), "NO_COLOR": "1", **environment}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=LONGEST, check=False,
    )  # fmt: skip
    return done.stdout


def _whole(text: str) -> str:
    """Without the progress of `sync`, whose lines begin with the time of day."""
    lines = [line.rstrip() for line in text.splitlines() if not re.match(r"\d\d:\d\d:\d\d  ", line)]
    return "".join(f"{line}\n" for line in lines)


@contextmanager
def sandbox(folder: Path) -> Iterator[str]:
    """A sandbox on a free port; yields what it prints at startup."""
    command = [sys.executable, "-m", "controller", "sandbox", "--port", "0"]
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        (folder / ".sandbox").open("w+") as said,
        subprocess.Popen(command, cwd=folder, env=given, stdout=said) as process,
    ):
        try:
            ends_at = time.monotonic() + LONGEST
            while "SECRET_ACCESS_KEY" not in (text := (folder / ".sandbox").read_text()):
                assert process.poll() is None and time.monotonic() < ends_at, "the sandbox did not start"
                time.sleep(0.02)
            yield text
        finally:
            process.terminate()


def main() -> None:
    before = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="shjobs-sessions-") as folder:
        after = renewed(before, Path(folder))
    PAGE.write_text(after, encoding="utf-8")
    tell(f"{PAGE.name}: {len(steps(after))} commands, {'renewed' if after != before else 'unchanged'}")


if __name__ == "__main__":
    main()
