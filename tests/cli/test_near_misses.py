"""What people type almost right: a word with two letters exchanged, an option in another place, a folder forgotten."""

import re
import socket
from pathlib import Path

import pytest

from tests.conftest import Workspace, ndvi
from tests.support.command import program, shjobs
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["plna"], "No such command 'plna'. Did you mean 'plan'?", id="a command"),
        pytest.param(["config", "shwo"], "No such command 'shwo'. Did you mean 'show'?", id="a command of a command"),
        pytest.param(["xyzzy"], "No such command 'xyzzy'.\n", id="nothing like a command"),
        pytest.param(["get", "nvdi"], "no such job: nvdi: did you mean ndvi? `shjobs get`", id="get"),
        pytest.param(["describe", "nvdi"], "no such job: nvdi: did you mean ndvi? `shjobs get`", id="describe"),
        pytest.param(["why", "nvdi"], "no such job: nvdi: did you mean ndvi? `shjobs get`", id="why"),
        pytest.param(["wait", "nvdi"], "no such job: nvdi: did you mean ndvi? `shjobs get`", id="wait"),
        pytest.param(["fetch", "nvdi"], "ledger: nvdi: did you mean ndvi? `shjobs get`", id="fetch"),
        pytest.param(["resolve", "nvdi", "--not-accepted"], "no such job: nvdi: did you mean ndvi?", id="resolve"),
        pytest.param(["adopt", "nvdi", "x"], "no such job: nvdi: did you mean ndvi?", id="adopt"),
        pytest.param(["get", "ndvi", "nobody"], "no such job: nobody; `shjobs get` lists all", id="no name is near"),
    ],
)
def test_the_word_that_was_meant_is_named(workspace: Workspace, arguments: list[str], words: str) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_a_removed_job_is_not_called_one_that_never_was(workspace: Workspace) -> None:
    """`no such job: ra: did you mean ra?`, and `fetch ra` sent people there."""
    workspace.write("ra.yaml", ndvi("ra").replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.write("rb.yaml", ndvi("rb").replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.sync()
    (workspace.jobs / "ra.yaml").unlink()
    workspace.sync()
    for command in ("get", "wait"):
        done = shjobs(command, "ra", cwd=workspace.root, environment=dict(workspace.environment))
        assert (done.returncode, done.stderr) == (2, "shjobs: ra was removed; `shjobs describe ra` shows its past\n")
    done = shjobs("get", "rax", cwd=workspace.root, environment=dict(workspace.environment))
    assert done.stderr == "shjobs: no such job: rax; `shjobs get` lists all jobs\n"
    done = shjobs("fetch", "ra", cwd=workspace.root, environment=dict(workspace.environment))
    assert done.stderr == "ra: ra has not succeeded; `shjobs describe ra` shows its state\n"
    done = shjobs("describe", "ra", cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, "Removed" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--config", "other/shjobs.toml", "config", "show"], id="before the command"),
        pytest.param(["config", "--config", "other/shjobs.toml", "show"], id="after the command"),
        pytest.param(["config", "show", "--config", "other/shjobs.toml"], id="at the end"),
        pytest.param(["--config", "none.toml", "config", "show", "--config=other/shjobs.toml"], id="the last counts"),
    ],
)
def test_the_settings_may_be_named_anywhere(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "other").mkdir()
    for path in ("none.toml", "other/shjobs.toml"):
        (tmp_path / path).write_text(f'deployment = "{"cdse" if path == "none.toml" else "sandbox"}"\n')
    done = shjobs(*arguments, cwd=tmp_path)
    assert re.search(r"^deployment +sandbox +other/shjobs.toml$", done.stdout, re.MULTILINE), done.stdout + done.stderr


@pytest.mark.parametrize("command", ["plan", "doctor", "schema", "init", "sandbox"])
def test_settings_that_are_missing_are_said_to_be_missing_by_every_command(tmp_path: Path, command: str) -> None:
    done = shjobs(command, "--config", "none.toml", cwd=tmp_path)
    assert (done.returncode, "File 'none.toml' does not exist." in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["plan"], ["plan", "-o", "json"]], ids=" ".join)
def test_a_plan_without_a_jobs_folder_is_wrong_use(tmp_path: Path, arguments: list[str]) -> None:
    done = shjobs(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "shjobs: jobs.d does not exist: `shjobs init` makes one, and `jobs` names another folder\n"


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        pytest.param(["sandbox", "--port", "{port}"], "name another with --port", id="of the sandbox"),
        pytest.param(["run", "--listen", "127.0.0.1:{port}"], "name another with --listen", id="of the daemon"),
    ],
)
def test_a_port_that_is_taken_names_the_option(workspace: Workspace, arguments: list[str], advice: str) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        typed = [each.format(port=taken.getsockname()[1]) for each in arguments]
        done = program(*typed, cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, advice in done.stderr) == (2, True), done.stderr


def test_a_daemon_that_refuses_does_not_say_first_that_it_watches(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    done = program("run", "--no-listen", cwd=workspace.root, environment={"SHJOBS_CLIENT_ID": ""})
    assert (done.returncode, "watching" in done.stderr) == (2, False), done.stderr
    assert "no OAuth client" in done.stderr


def test_changes_have_an_exit_code_that_nothing_else_has(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    assert shjobs("plan", "--detailed-exitcode", cwd=workspace.root).returncode == 3
    assert shjobs("plan", "--detailed-exitcodes", cwd=workspace.root).returncode == 2


def test_a_fetch_where_nothing_can_be_written_names_the_option(workspace: Workspace) -> None:
    """As in a container whose root is read-only; nobody can make a folder in /proc either."""
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    environment = {**workspace.environment, "PYTHONPATH": str(ROOT)}
    settings = str(workspace.root / "shjobs.toml")
    done = program("--config", settings, "fetch", "ndvi", cwd=Path("/proc/self"), environment=environment)
    assert (done.returncode, "--output DIRECTORY" in done.stderr) == (2, True), done.stderr


def test_a_preview_leaves_the_working_directory_tidy(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    before = {path.name for path in workspace.root.iterdir()}
    assert shjobs("preview", "jobs.d/ndvi.yaml", cwd=workspace.root).returncode == 0
    assert {path.name for path in workspace.root.iterdir()} - before - {".cache"} == {"preview"}
    assert (workspace.root / "preview" / "ndvi.png").is_file()
