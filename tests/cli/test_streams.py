"""What a command does when its streams are closed, full or left, and when a signal comes before it has begun."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Workspace, ndvi
from tests.support.command import python
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"}


def typed(
    command: str, folder: Path, redirected: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command in a shell that reports what the program itself ended with."""
    (folder / "jobs.d").mkdir(exist_ok=True)
    (folder / "jobs.d" / "ndvi.yaml").write_text(ndvi())
    line = f"set -o pipefail; {sys.executable} -m controller {command} {redirected}"
    given = {**ENVIRONMENT, "XDG_CACHE_HOME": str(folder), **(environment or {})}
    return subprocess.run(["bash", "-c", line], cwd=folder, env=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "code"), [("schema", 0), ("check", 0), ("get", 1), ("get nobody", 2), ("sync", 2), ("run", 2)]
)
def test_a_closed_stream_changes_no_exit_code(tmp_path: Path, command: str, closed: str, code: int) -> None:
    done = typed(command, tmp_path, closed)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_a_closed_output_does_not_end_up_in_the_ledger(tmp_path: Path) -> None:
    done = typed("pause", tmp_path, ">&- 2>&-")
    assert done.returncode == 0
    assert typed("events", tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("command", "code"),
    [
        *(("schema", 0), ("check -o json", 0), ("--help", 0), ("config show", 0), ("budget", 0)),
        *(("get", 1), ("get -o json", 1), ("plan", 1), ("doctor", 1), ("get --watch", 1)),
    ],
)
def test_a_reader_that_leaves_at_once_changes_no_exit_code(tmp_path: Path, command: str, code: int) -> None:
    done = typed(command, tmp_path, "| true")
    assert (done.returncode, "shjobs:" in done.stderr, "Traceback" in done.stderr) == (code, False, False), done.stderr


@pytest.mark.parametrize("redirected", ["2>&1 | true", "2>&1 | head -1", "2>/dev/full", "| true"])
def test_a_sync_whose_progress_has_no_reader_submits_all_the_same(workspace: Workspace, redirected: str) -> None:
    for name in ("one", "two"):
        workspace.write(f"{name}.yaml", ndvi(name))
    done = typed("sync", workspace.root, redirected, workspace.environment)
    assert (done.returncode, workspace.posts()) == (0, 3), done.stderr


def test_a_sync_that_no_one_reads_still_says_that_a_job_failed(workspace: Workspace) -> None:
    workspace.write("bad.yaml", ndvi("bad").replace("return [index", "throw new Error('no'); return [index"))
    assert typed("sync", workspace.root, "2>&1 | true", workspace.environment).returncode == 1
    assert typed("wait bad ndvi", workspace.root, "2>&1 | true", workspace.environment).returncode == 1


def test_a_watch_without_a_reader_ends(workspace: Workspace) -> None:
    assert typed("sync", workspace.root, "", workspace.environment).returncode == 0
    assert typed("events --follow", workspace.root, "| head -1", workspace.environment).returncode == 0
    assert typed("get --watch", workspace.root, "| head -1", workspace.environment).returncode == 0


def test_doctor_without_a_reader_ends_its_checks(workspace: Workspace) -> None:
    assert typed("doctor", workspace.root, "", workspace.environment).returncode == 0
    assert typed("doctor", workspace.root, "| head -1", workspace.environment).returncode == 0


@pytest.mark.parametrize(("command", "code"), [("get nobody", 2), ("sync", 2), ("nonsense", 2)])
def test_errors_that_cannot_be_written_leave_the_exit_code(tmp_path: Path, command: str, code: int) -> None:
    assert typed(command, tmp_path, "2>/dev/full").returncode == code


def test_a_full_pipe_that_does_not_wait_is_told(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        with open(writer, "wb", closefd=False) as full:
            done = subprocess.run(
                [sys.executable, "-m", "controller", "schema"],
                cwd=tmp_path, env=ENVIRONMENT, stdout=full, stderr=-1, text=True, check=False,
            )  # fmt: skip
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode in (0, 1)  # 0 where a pipe holds the whole schema
    assert "should not happen" not in done.stderr and "Traceback" not in done.stderr


ONCE_THE_IMPORTS_BEGIN = """
import os, runpy, signal, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Interrupts())
sys.argv = ["shjobs", {command!r}]
runpy.run_module("controller", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["controller.cli", "click", "controller.cli.settings", "controller.daemon.daemon"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_first_moments_ends_with_its_number_and_no_traceback(
    tmp_path: Path, module: str, number: signal.Signals
) -> None:
    code = ONCE_THE_IMPORTS_BEGIN.format(module=module, number=int(number), command="run")
    (tmp_path / "jobs.d").mkdir()
    done = python(code, cwd=tmp_path, environment=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (128 + number, "")


@pytest.mark.parametrize("command", ["check", "plan", "get"])
def test_a_signal_while_a_script_has_no_end_is_heeded(tmp_path: Path, command: str) -> None:
    (tmp_path / "jobs.d").mkdir()
    for number in range(60):
        endless = f"while (true) {{}} // {number}\n      function setup() {{"
        text = ndvi(f"job-{number}").replace("function setup() {", endless)
        (tmp_path / "jobs.d" / f"{number}.yaml").write_text(text)
    line = [sys.executable, "-m", "controller", command]
    given = {**ENVIRONMENT, "XDG_CACHE_HOME": str(tmp_path)}
    with subprocess.Popen(line, cwd=tmp_path, env=given, stdout=-1, stderr=-1) as process:
        deadline = time.monotonic() + LONGEST
        while not _has_child(process.pid):  # the engine: from now on scripts are examined
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, said = process.communicate()
        took = time.monotonic() - began
    assert (process.returncode, said) == (128 + signal.SIGTERM, b"")
    assert took < 20, "all sixty take longer"


def _has_child(pid: int) -> bool:
    return any(file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children"))


def test_a_hangup_in_the_first_moments_of_the_daemon_is_no_end(tmp_path: Path) -> None:
    code = ONCE_THE_IMPORTS_BEGIN.format(module="controller.cli", number=int(signal.SIGHUP), command="run")
    done = python(code, cwd=tmp_path, environment=ENVIRONMENT)
    assert (done.returncode, "no OAuth client" in done.stderr) == (2, True)


def test_what_python_would_write_at_once_is_written_at_once(tmp_path: Path) -> None:
    """The container sets PYTHONUNBUFFERED: what was written last must not be lost with the process."""
    code = """
import os, signal, sys
from controller.cli.output.streams import prepare_streams
prepare_streams()
print("out")
sys.stderr.write("remark\\n")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = python(code, cwd=tmp_path, environment={"PYTHONUNBUFFERED": "1"})
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "remark\n", -signal.SIGKILL)
