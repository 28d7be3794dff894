"""Exit codes, as the README tells them: 0 done, 1 something is wrong with a job, 2 wrong use."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.finished import SCRIPT
from controller.cli.output import tables
from controller.model.job_set import SET_STATUS
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.small_set import set_of

pytestmark = pytest.mark.slow
BAD = ndvi("bad").replace("return [index", "throw new Error('no'); return [index")
HELD = ndvi("held").replace("spec:\n", "spec:\n  hold: true\n")


def good(workspace: Workspace) -> None:
    """One job that succeeded."""
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()


def bad(workspace: Workspace) -> None:
    """One job that failed."""
    workspace.write("bad.yaml", BAD)
    workspace.sync()


def held(workspace: Workspace) -> None:
    """One job that is held."""
    workspace.write("held.yaml", HELD)
    workspace.sync()


def new(workspace: Workspace) -> None:
    """One job that was never submitted."""
    workspace.write("ndvi.yaml", ndvi())


def broken(workspace: Workspace) -> None:
    """One manifest that cannot be accepted."""
    workspace.write("broken.yaml", ndvi().replace("width: 64", "width: many"))


def complete_set(workspace: Workspace) -> None:
    """A set whose three cells that are due have succeeded."""
    workspace.write("ndvi.js", SCRIPT)
    workspace.write("set.yaml", set_of(1, 3))
    workspace.sync()


def failed_set(workspace: Workspace) -> None:
    """A set whose cells failed."""
    workspace.write("throws.js", SCRIPT.replace("return [index", "throw new Error('no'); return [index"))
    workspace.write("set.yaml", set_of(1, 2).replace("ndvi.js", "throws.js"))
    workspace.sync()


def future_set(workspace: Workspace) -> None:
    """A set whose first cell is due in many years."""
    workspace.write("ndvi.js", SCRIPT)
    workspace.write("set.yaml", set_of(1, 2, begin="2099-01-01"))


def spoilt_set(workspace: Workspace) -> None:
    """A set that succeeded, and was broken since."""
    complete_set(workspace)
    workspace.write("set.yaml", set_of(1, 3).replace("ndvi.js", "gone.js"))


def spoilt(workspace: Workspace) -> None:
    """One job that succeeded, and whose manifest was broken since."""
    good(workspace)
    workspace.write("ndvi.yaml", ndvi().replace("width: 64", "width: many"))


def unread(workspace: Workspace) -> None:
    """One job that succeeded, beside a folder that is too deep to be read."""
    good(workspace)
    Path(workspace.jobs, *["deep"] * 70).mkdir(parents=True)


def gone(workspace: Workspace) -> None:
    """One job that succeeded, and whose whole tree is gone."""
    good(workspace)
    workspace.jobs.rename(workspace.root / "away")


@pytest.mark.parametrize(
    ("phase", "cells", "code"),
    [
        pytest.param("Succeeded", {"due": 2, "Succeeded": 2}, 0, id="complete"),
        pytest.param("Failed", {"due": 2, "Succeeded": 1, "Failed": 1}, 1, id="a cell failed"),
        pytest.param("Held", {"due": 2, "Succeeded": 1, "Held": 1}, 0, id="a cell waits for an operator"),
        pytest.param("Held", {"due": 2, "Held": 1, "Pending": 1}, 1, id="another one is still pending"),
        pytest.param("Pending", {"due": 0, "later": 2}, 0, id="nothing is due"),
    ],
)
def test_sync_counts_every_cell_of_a_set_as_a_job(phase: str, cells: dict[str, int], code: int) -> None:
    found = {"kind": SET_STATUS, "phase": phase, "manifest": {"accepted": True}, "cells": cells}
    assert tables.exit_code([found], bad=tables.BAD | tables.UNFINISHED) == code


@pytest.mark.parametrize(
    ("make", "arguments", "code"),
    [
        *((make, [command], 1) for make in (spoilt, unread) for command in ("check", "get", "sync")),
        *((make, [command], 1) for make in (failed_set, spoilt_set) for command in ("get", "sync")),
        *((make, [command], 0) for make in (complete_set, future_set) for command in ("get", "sync")),
        (spoilt, ["plan"], 1),
        (gone, ["sync"], 1),
        (gone, ["get"], 1),
        (good, ["check"], 0),
        (good, ["plan"], 0),
        (good, ["plan", "--detailed-exitcode"], 0),
        (new, ["plan"], 0),
        (new, ["plan", "--detailed-exitcode"], 3),
        (good, ["sync"], 0),
        (held, ["sync"], 0),
        (good, ["get"], 0),
        (held, ["get"], 0),
        (new, ["get"], 0),
        (good, ["wait", "ndvi"], 0),
        (good, ["fetch", "ndvi"], 0),
        (good, ["budget"], 0),
        (good, ["config", "show"], 0),
        (good, ["doctor"], 0),
        (good, ["accept", "3fa1c02be7d9"], 0),
        (good, ["adopt", "--first-run"], 0),
        (good, ["pause"], 0),
        (good, ["resume"], 0),
        (good, ["schema"], 0),
        (good, ["completion", "zsh"], 0),
        (good, ["init", "elsewhere"], 0),
        (good, ["--version"], 0),
        (good, ["--help"], 0),
        (broken, ["check"], 1),
        (broken, ["plan"], 1),
        (broken, ["get"], 1),
        (broken, ["sync"], 1),
        (bad, ["sync"], 1),
        (bad, ["get"], 1),
        (bad, ["wait", "bad"], 1),
        (bad, ["fetch", "bad"], 1),
        (held, ["wait", "held", "--timeout", "0s"], 1),
        (held, ["fetch", "held"], 1),
        (good, ["resolve", "ndvi", "--not-accepted"], 2),
        (good, ["adopt", "ndvi", "11111111-2222-4333-8444-555555555555"], 2),
        (good, ["get", "nobody"], 2),
        (good, [], 2),
    ],
    ids=lambda value: (
        value.__doc__.rstrip(".") if callable(value) else " ".join(value) if isinstance(value, list) else ""
    ),
)
def test_a_command_ends_with_its_code(
    workspace: Workspace, make: Callable[[Workspace], None], arguments: list[str], code: int
) -> None:
    make(workspace)
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert done.returncode == code, done.stdout + done.stderr


def test_a_mistake_of_ours_is_told_without_the_values_of_a_traceback(tmp_path: Path) -> None:
    code = (
        "import sys, controller.cli as c, controller.cli.schema as s\n"
        "def broken(): secret = 'CANARY'; raise KeyError(secret)\n"
        "s.command.callback = broken\n"
        "sys.exit(c.main(['schema']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert done.stderr.startswith("shjobs: this should not happen: KeyError in <string> line 2. Please report it")
    assert "CANARY" not in done.stderr
    shown = subprocess.run([sys.executable, "-X", "dev", "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert b"Traceback" in shown.stderr
