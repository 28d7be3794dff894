"""The sessions of the docs: the commands of a page are run in order, from one folder, against one sandbox.

`python -m tests.support.sessions` (`make sessions`) writes the output below each command; a test compares it.
Continuation lines begin with `> `, as a shell shows them; `cd FOLDER` holds for the steps after it, and a program whose
number is in `run.pid` is ended with the session. What differs from run to run is compared as a placeholder.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.proofs.record import ROOT, tell
from tests.support.command import shown
from tests.support.patience import LONGEST

PAGES = (ROOT / "docs" / "cli.md", ROOT / "docs" / "first-hour.md")
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\$ (?P<typed>.*(?:\n> .*)*)\n(?P<answer>(?:(?!\$ ).*\n)*)", re.MULTILINE)
ALONE = frozenset({"run", "demo"})
"""Commands that need a process of their own: a signal ends them, or they start another process."""
SAME = (
    (r" It is checked again in \d+ (?:s|min), at [\d: -]+ UTC\.", ""),  # left out once that time has come
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "REQUEST-ID"),
    (r"(?<=commit )[0-9a-f]{10}\b", "COMMIT"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"^\d{4}-\d\d (?=\(UTC\))", "MONTH "),
    (r"(?<=[@ ])127\.0\.0\.1:\d+|(?<=//)127\.0\.0\.1:\d+", "ADDRESS"),
    (r"(?<=etag: )\S+", "ETAG"),
    (r"\b[0-9a-f]{40}\b|(?<=\()[0-9a-f]{10}(?=\))", "COMMIT"),
    (r"\b[\d.]+ (?=k?B\b)", "N "),
    (r"(?<=versions: ).*", "VERSIONS"),
    (r"(?<=paused |esumed )/\S+/(?=state: )", "FOLDER/"),
    (r"\bprocess \d+", "process N"),
    (r"\b\d+ s(?= ago)|(?<=in )\d+ s\b", "N s"),
    (r"\b\d+[smh](?= ago|  +~?\d+\.\d\d)", "AGE"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?= UTC)", "TIME"),
    (r" {2,}", "  "),
)
CURL = """\
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[-1])
except urllib.error.HTTPError as error:
    answer = error
print(answer.read().decode(), end="")
"""
"""What `curl -s URL` prints, for machines that have none."""
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
    place = folder
    with ExitStack() as running:
        running.callback(_end, folder)
        for step in written:
            if variable := re.fullmatch(r"export (\w+)=(\S+)", step.typed):
                environment[variable[1]] = variable[2]
                yield step
            elif into := re.fullmatch(r"cd (\S+)", step.typed):
                place = place / into[1]
                yield step
            elif step.typed == "shjobs sandbox":
                said = running.enter_context(sandbox(place))
                environment |= dict(re.findall(r"^export (\S+?)=(\S+)$", said, re.MULTILINE))
                yield replace(step, answer=said)
            else:
                yield replace(step, answer=_answer(step.command, place, environment))


def _end(folder: Path) -> None:
    """End what a session left running."""
    for path in folder.rglob("run.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(path.read_text(encoding="utf-8")), signal.SIGKILL)


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
    programs = _programs(folder.parent / f".{folder.name}.bin")
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    given = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder), "NO_COLOR": "1", **environment}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=LONGEST, check=False,
    )  # fmt: skip
    return done.stdout


def _programs(place: Path) -> Path:
    """The folder of `shjobs` and `curl`; written once, since one of them may be running."""
    if not place.exists():
        place.mkdir()
        for name, does in (("shjobs", "-m controller"), ("curl", f"-c {shlex.quote(CURL)}")):
            (place / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {does} "$@"\n', encoding="utf-8")
            (place / name).chmod(0o755)
    return place


def _whole(text: str) -> str:
    """Without the progress of `sync`, whose lines begin with the time of day."""
    lines = [line.rstrip() for line in text.splitlines() if not re.match(r"\d\d:\d\d:\d\d  ", line)]
    return "".join(f"{line}\n" for line in lines)


@contextmanager
def sandbox(folder: Path) -> Iterator[str]:
    """A sandbox on a free port; yields what it prints at startup."""
    command = [sys.executable, "-m", "controller", "sandbox", "--port", "0"]
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = folder.parent / f".{folder.name}.sandbox"
    with (
        log.open("w+") as said,
        subprocess.Popen(command, cwd=folder, env=given, stdout=said) as process,
    ):
        try:
            ends_at = time.monotonic() + LONGEST
            while "SECRET_ACCESS_KEY" not in (text := log.read_text()):
                assert process.poll() is None and time.monotonic() < ends_at, "the sandbox did not start"
                time.sleep(0.02)
            yield text
        finally:
            process.terminate()


def main() -> None:
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory(prefix="shjobs-sessions-") as folder:
            within = Path(folder) / "home"
            within.mkdir()
            after = renewed(before, within)
        page.write_text(after, encoding="utf-8")
        tell(f"{page.name}: {len(steps(after))} commands, {'renewed' if after != before else 'unchanged'}")


if __name__ == "__main__":
    main()
