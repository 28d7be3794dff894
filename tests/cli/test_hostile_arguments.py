"""Whatever is typed: every argument and option of every command meets odd values, and no command ends by mistake (70).

And whatever the locale: names are UTF-8, and what cannot be shown is spelled out.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from controller.cli import COMMANDS, cli
from controller.cli.settings import operator
from tests.conftest import Workspace, ndvi, opened_workspace
from tests.support.command import program, shjobs

ODD = {
    "nothing": "",
    "a control sequence": "\x1b[31m",
    "two lines": "a\nb",
    "a NUL": "a\0b",
    "half a character": "\ud800",
    "a byte that is no text": "\udcff",
    "a long text": "x" * 5000,
    "less than nothing": "-1",
    "a huge number": "1" + "0" * 400,
    "no number": "nan",
    "a digit that is none": "\u00b2",
    "a folder": "jobs.d",
    "a device without an end": "/dev/zero",
    "nowhere": "/nonexistent/x",
    "half an address": "http://[",
    "an empty pair": "=",
}
LASTING = {"run", "sandbox", "demo"}
"""These go on until they are stopped: only what must be refused is given to them, elsewhere."""


def uses(name: str) -> Iterator[tuple[list[str], list[str]]]:
    """For each argument and option of a command: the words before the odd value, and those after it."""
    context = click.Context(cli)
    command = cli.get_command(context, name)
    found = [([name], command)]
    if isinstance(command, click.Group):
        found = [([name, each], command.get_command(context, each)) for each in command.list_commands(context)]
    for words, each in found:
        assert each is not None
        needed = ["ndvi" for one in each.params if isinstance(one, click.Argument) and one.required]
        for one in each.params:
            if isinstance(one, click.Argument):
                yield [*words, "--"], needed[1:]
            elif isinstance(one, click.Option) and not one.is_flag:
                yield [*words, one.opts[0]], needed


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with opened_workspace(tmp_path_factory.mktemp("odd")) as workspace:
        workspace.write("ndvi.yaml", ndvi())
        workspace.sync()
        yield workspace


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in LASTING])
def test_no_argument_ends_a_command_by_mistake(synced: Workspace, name: str) -> None:
    for before, after in uses(name):
        for value in ODD.values():
            done = shjobs(*before, value, *after, cwd=synced.root, environment=synced.environment)
            shown = done.stdout + done.stderr
            assert done.returncode in (0, 1, 2), (before, value[:60], shown[-300:])
            assert "Traceback" not in shown
            assert "\x1b" not in shown, (before, value[:60])


@pytest.mark.parametrize("value", [value for value in ODD.values() if value], ids=[name for name in ODD if ODD[name]])
def test_no_address_ends_the_daemon_by_mistake(synced: Workspace, value: str) -> None:
    for listen in (value, f"{value}:80", f"127.0.0.1:{value}"):
        done = shjobs("run", "--listen", listen, cwd=synced.root, environment=dict(synced.environment))
        assert done.returncode == 2, done.stderr


ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """With letters beyond ASCII in a path and in a label."""
    with opened_workspace(tmp_path_factory.mktemp("named")) as workspace:
        workspace.write("größe/ndvi.yaml", ndvi().replace("name: ndvi", "name: ndvi\n  labels: {place: Gżira}"))
        workspace.sync()
        yield workspace


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [["check"], ["plan"], ["get"], ["describe", "ndvi"], ["fetch", "ndvi"], ["doctor"], ["sync"]],
    ids=" ".join,
)
def test_a_locale_of_ascii_changes_neither_names_nor_exit_codes(named: Workspace, arguments: list[str]) -> None:
    """A name with an umlaut ended a command with 70, or was called not UTF-8."""
    done = program(*arguments, cwd=named.root, environment={**named.environment, **ASCII})
    plain = shjobs(*arguments, cwd=named.root, environment=named.environment)
    assert done.returncode == plain.returncode, done.stderr
    assert "not UTF-8" not in done.stdout + done.stderr
    assert Path(named.jobs / "größe" / "ndvi.status.yaml").exists()


@pytest.mark.slow
def test_a_name_that_is_no_text_is_shown_spelled_out(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("b\udcffd.yaml", ndvi("other"))
    done = program("check", cwd=workspace.root, environment=workspace.environment)
    assert done.returncode == 1
    assert "has a name that is not UTF-8: rename it" in done.stdout + done.stderr


def test_an_operator_whose_name_is_no_text_is_recorded_as_far_as_it_is() -> None:
    """It ended `accept` and `retry` as a defect."""
    assert operator({"SHJOBS_OPERATOR": "Ann\udcff"}) == "Ann?"
