"""The command line where it is typed: on terminals wide and narrow, in pipes, and in a shell that completes."""

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import click
import pytest

from controller.cli import COMMANDS, cli, main
from controller.cli.examples import EXAMPLES
from tests.conftest import Workspace, ndvi
from tests.support.command import program, shjobs
from tests.support.skips import REFUSED
from tests.support.small_set import farm

pytestmark = pytest.mark.slow

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(
    cwd: Path, *arguments: str, columns: int = 80, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit code and everything that a terminal of this width shows."""
    terminal, end = pty.openpty()
    given = {"NO_COLOR": None, "FORCE_COLOR": None, "TERM": "xterm", "COLUMNS": str(columns), **(variables or {})}
    with ThreadPoolExecutor(1) as threads, os.fdopen(terminal, "rb", buffering=0) as screen:
        shown = threads.submit(_all_of, screen)
        with os.fdopen(end, "w") as typed, contextlib.chdir(cwd), pytest.MonkeyPatch.context() as patch:
            for name, value in given.items():
                patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
            patch.setattr(sys, "stdout", typed)
            patch.setattr(sys, "stderr", typed)
            code = main(arguments)
        return code, shown.result().decode()


def _all_of(screen: IO[bytes]) -> bytes:
    """What is written until the last writer has gone."""
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody writes any more
        while chunk := screen.read(65536):
            shown += chunk
    return shown


@pytest.fixture
def settled(workspace: Workspace) -> Workspace:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    return workspace


LOOKS = [["get"], ["plan"], ["doctor"], ["config", "show"], ["budget"], ["check"]]


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_colour_is_for_terminals_alone_and_not_when_it_is_not_wanted(settled: Workspace, command: list[str]) -> None:
    piped = shjobs(*command, cwd=settled.root, environment={"NO_COLOR": ""})
    assert not COLOUR.search(piped.stdout + piped.stderr)
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert not COLOUR.search(on_terminal(settled.root, *command, variables=variables)[1])


@pytest.mark.parametrize("command", [["get"], ["plan"], ["doctor"]], ids=" ".join)
def test_a_terminal_gets_colour(settled: Workspace, command: list[str]) -> None:
    assert COLOUR.search(on_terminal(settled.root, *command)[1])


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
@pytest.mark.parametrize("columns", [20, 40, 300])
def test_every_width_will_do(settled: Workspace, command: list[str], columns: int) -> None:
    code, shown = on_terminal(settled.root, *command, columns=columns)
    assert code == shjobs(*command, cwd=settled.root).returncode
    assert "Traceback" not in shown
    assert shown.strip()


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        pytest.param(80, ["JOB", "PHASE", "AGE", "PU"], id="80 columns: the id has gone"),
        pytest.param(40, ["JOB", "PHASE"], id="40 columns: names and phases stay"),
        pytest.param(20, ["JOB", "PHASE"], id="20 columns: names and phases stay"),
        pytest.param(120, ["JOB", "PHASE", "AGE", "PU", "REQUEST", "ID"], id="120 columns: there is room for all"),
    ],
)
def test_a_narrow_terminal_shows_names_and_phases_and_breaks_sentences_between_words(
    workspace: Workspace, columns: int, shown: list[str]
) -> None:
    name = "ndvi-of-a-place-with-a-long-name"
    workspace.write("ndvi.yaml", ndvi().replace("name: ndvi", f"name: {name}"))
    workspace.write("held.yaml", ndvi("held").replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.sync()
    lines = COLOUR.sub("", on_terminal(workspace.root, "get", columns=columns)[1]).splitlines()
    assert lines[0].split() == shown
    assert [line.split()[:2] for line in lines[1:3]] == [["held", "Held"], [name, "Succeeded"]]
    sentence = " ".join(line.strip() for line in lines[4:])
    assert sentence.startswith("held: OnHold: ")
    assert all(len(line) <= columns for line in lines[4:])


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        pytest.param(80, ["fields-of-a-place", "2/2 Succeeded", "20.00"], id="80 columns"),
        pytest.param(40, ["fields-of-a-place", "2/2 Succeeded"], id="40 columns: the units have gone"),
        pytest.param(25, ["fields-of-a-place", "2/2"], id="25 columns: the numbers stay"),
    ],
)
def test_the_row_of_a_set_fits_into_a_narrow_terminal(workspace: Workspace, columns: int, row: list[str]) -> None:
    workspace.write("farm.yaml", farm("fields-of-a-place", fields=2))
    workspace.sync()
    lines = COLOUR.sub("", on_terminal(workspace.root, "get", columns=columns)[1]).splitlines()
    assert re.split(r"  +", lines[1]) == row
    assert all(len(line) <= columns for line in lines[1:])


def test_progress_is_for_terminals_alone(settled: Workspace) -> None:
    piped = shjobs("fetch", "ndvi", "--output", "a", cwd=settled.root)
    assert (piped.stderr, piped.stdout.splitlines()[0].startswith("a/ndvi/default.tif  ")) == ("", True)
    code, shown = on_terminal(settled.root, "fetch", "ndvi", "--output", "b")
    assert (code, "b/ndvi/default.tif" in shown) == (0, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason=f"{REFUSED}it has no /dev/full")
@pytest.mark.parametrize("command", ["schema", "config show", "--help", "--version", "check", "completion fish"])
def test_an_output_that_cannot_be_written_is_told(tmp_path: Path, command: str) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "ndvi.yaml").write_text(ndvi())
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "XDG_CACHE_HOME": str(tmp_path)}
    full = [sys.executable, "-m", "controller", *command.split()]
    with Path("/dev/full").open("w") as nowhere:
        done = subprocess.run(full, cwd=tmp_path, env=given, stdout=nowhere, stderr=-1, text=True, check=False)
    reported = done.stderr.splitlines()
    assert (done.returncode, reported) == (1, ["shjobs: the output cannot be written: No space left on device"])


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command, by what is typed for it."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", below) for inner, below in command.commands.items())


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_the_help_of_every_command_has_examples(name: str, tmp_path: Path) -> None:
    done = shjobs(*name.split(), "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line.strip() for line in done.stdout.splitlines() if not line.startswith("Usage:")]
    given = EXAMPLES.get(name.split()[0], ())
    assert tuple(shown[len(shown) - len(given) :]) == given
    assert [line for line in shown if f"shjobs {name.split()[0]}" in line]


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in EXAMPLES.items() for line in lines])
def test_every_example_is_of_its_command_and_uses_options_that_are_there(name: str, line: str) -> None:
    call = re.search(r"shjobs ((?:--config \S+ )?)(\w+)([^|>)]*)", line)
    assert call is not None
    assert call[2] == name
    known = {option for typed, command in commands() if typed.split()[0] == name for option in _options(command)}
    assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", call[3])) <= known
    assert len(line) <= 80


def _options(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts


def test_examples_are_of_commands_that_there_are() -> None:
    assert EXAMPLES.keys() <= COMMANDS.keys()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_one_that_it_can_read(shell: str, tmp_path: Path) -> None:
    done = shjobs("completion", shell, cwd=tmp_path)
    assert (done.returncode, "_SHJOBS_COMPLETE" in done.stdout) == (0, True)
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=done.stdout, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def completed(cwd: Path, line: str, **variables: str) -> list[str]:
    """What bash would be offered for the last word of a line."""
    words = line.split(" ")
    asked = {"_SHJOBS_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = program(cwd=cwd, environment={**asked, **variables})
    assert done.stderr == ""
    return [each.partition(",")[2] for each in done.stdout.splitlines() if each]


def test_names_of_jobs_are_completed_from_the_ledger(settled: Workspace) -> None:
    for command in ("get", "describe", "why", "events", "wait", "fetch", "resolve", "adopt"):
        assert completed(settled.root, f"shjobs {command} nd") == ["ndvi"]
    assert completed(settled.root, "shjobs get x") == []
    (settled.root / "shjobs.toml").rename(settled.root / "other.toml")
    assert completed(settled.root, "shjobs --config other.toml get nd") == ["ndvi"]


def test_before_the_first_sync_they_are_completed_from_the_files(workspace: Workspace) -> None:
    workspace.write("b.yaml", ndvi("two"))
    workspace.write("a.yaml", ndvi("one"))
    workspace.write("c.yaml", "broken: [")
    assert completed(workspace.root, "shjobs get ") == ["one", "two"]


def test_names_of_sets_are_completed_from_the_ledger(workspace: Workspace) -> None:
    workspace.write("farm.yaml", farm(fields=1))
    workspace.sync()
    assert completed(workspace.root, "shjobs get set/", **workspace.environment) == ["set/farm"]
    assert "farm" in completed(workspace.root, "shjobs describe fa", **workspace.environment)


def test_commands_options_and_words_are_completed_too(tmp_path: Path) -> None:
    assert completed(tmp_path, "shjobs fe") == ["fetch"]
    assert completed(tmp_path, "shjobs fetch --pre") == ["--preview"]
    assert completed(tmp_path, "shjobs wait x --for S") == ["Stalled", "Submitting", "Succeeded"]
    assert completed(tmp_path, "shjobs init --deployment c") == ["cdse"]


@pytest.mark.parametrize("settings", ["maxRuning = 1", "not TOML", 'jobs = "nowhere"', 'state = "jobs.d"'])
def test_where_something_is_wrong_nothing_is_offered_and_nothing_said(tmp_path: Path, settings: str) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "shjobs.db").write_text("no database")
    (tmp_path / "shjobs.toml").write_text(settings)
    assert completed(tmp_path, "shjobs get ") == []
