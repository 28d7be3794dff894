"""The commands that take a set, or the label that its cells have."""

import json
from pathlib import Path
from typing import Any

import pytest

from controller.cli.output.set_words import progress_words
from controller.cli.output.tables import document_key
from controller.lifecycle.conditions import is_of_set
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.support.command import Done, shjobs
from tests.support.small_set import farm

pytestmark = pytest.mark.slow

CELLS = ["farm-f0", "farm-f1", "farm-f2"]


@pytest.fixture
def mixed(workspace: Workspace) -> Workspace:
    """A set of three cells, and a job."""
    workspace.write("farm.yaml", farm(labels="team: agri"))
    workspace.write("ndvi.yaml", ndvi())
    return workspace


def run(workspace: Workspace, *arguments: str) -> Done:
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def names(done: Done) -> list[str]:
    return sorted(each["name"] for each in json.loads(done.stdout))


def test_what_the_cells_delivered_is_fetched_by_the_label(mixed: Workspace, tmp_path: Path) -> None:
    mixed.sync()
    run(mixed, "fetch", "-l", "set=farm", "--output", str(tmp_path / "out"))
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == CELLS


def run_any(workspace: Workspace, *arguments: str) -> Done:
    return shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))


def progress(document: dict[str, Any]) -> str:
    return progress_words(document) if is_of_set(document) else str(document["phase"])


@pytest.fixture
def failed(workspace: Workspace) -> Workspace:
    """A set of three cells, of which the first to run has failed, beside a job of the same name."""
    workspace.sandbox.faults.add(Fault(name="run-fails", times=1))
    workspace.write("farm.yaml", farm(labels="team: agri"))
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi("farm"))
    workspace.sync()
    return workspace


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        pytest.param([], {"farm": "Succeeded", "set/farm": "2/3 Succeeded, 1 Failed"}, id="a set is one row"),
        pytest.param(["farm"], {"farm": "Succeeded"}, id="a job goes before a set of its name"),
        pytest.param(["set/farm"], {"set/farm": "2/3 Succeeded, 1 Failed"}, id="the set by its full name"),
        pytest.param(["--phase", "Failed"], {"set/farm": "2/3 Succeeded, 1 Failed"}, id="a set with a failed cell"),
        pytest.param(["-l", "team=agri"], {"set/farm": "2/3 Succeeded, 1 Failed"}, id="a label of the set"),
    ],
)
def test_a_set_is_one_row(failed: Workspace, arguments: list[str], rows: dict[str, str]) -> None:
    documents = json.loads(run_any(failed, "get", *arguments, "-o", "json").stdout)
    found = {document_key(each): progress(each) for each in documents}
    assert found == rows
    table = run_any(failed, "get", *arguments).stdout
    assert all(any(row in line for line in table.splitlines()) for row in rows.values())


@pytest.mark.parametrize(
    "arguments",
    [["set/farm", "--cells"], ["-l", "set=farm"], ["-l", "set"], CELLS, ["--cells", "-l", "team=agri"]],
    ids=" ".join,
)
def test_its_cells_are_rows_where_they_are_asked_for(failed: Workspace, arguments: list[str]) -> None:
    done = run_any(failed, "get", *arguments, "-o", "json")
    found = {each["name"]: (each["phase"], each["set"], each["path"]) for each in json.loads(done.stdout)}
    assert sorted(found) == CELLS
    assert sorted(phase for phase, _, _ in found.values()) == ["Failed", "Succeeded", "Succeeded"]
    assert {each[1:] for each in found.values()} == {("farm", "farm.yaml")}
    assert done.returncode == 1


def test_a_sync_of_cells_alone_says_what_became_of_each(failed: Workspace) -> None:
    done = run_any(failed, "sync", "-l", "set=farm")
    assert (done.returncode, [line.split()[0] for line in done.stdout.splitlines()[1:4]]) == (1, CELLS)


def counted(**cells: int) -> dict[str, Any]:
    return {"kind": "AsyncProcessSetStatus", "name": "alps", "phase": "Failed", "cells": {"due": 492, **cells}}


@pytest.mark.parametrize(
    ("room", "words"),
    [
        pytest.param(10_000, "480/492 Succeeded, 2 Failed, 10 Running", id="a pipe"),
        pytest.param(38, "480/492 Succeeded, 2 Failed", id="80 columns"),
        pytest.param(26, "480/492, 2 Failed", id="40 columns"),
        pytest.param(12, "480/492", id="20 columns"),
    ],
)
def test_how_far_a_set_is_is_said_in_the_room_there_is(room: int, words: str) -> None:
    assert progress_words(counted(Succeeded=480, Failed=2, Running=10), room) == words
