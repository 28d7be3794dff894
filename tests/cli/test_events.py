"""What `shjobs events --follow` shows: every event once, in order."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from controller.cli.events import follow_events
from controller.cli.settings import load_settings
from controller.ledger.store import Store
from controller.operations.inspect.job_states import events_between, last_event
from controller.settings.settings import Settings
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.factories import NOW
from tests.support.small_set import farm


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "shjobs.toml").write_text('deployment = "sandbox"\n', encoding="utf-8")
    (tmp_path / "state").mkdir()
    return load_settings(tmp_path / "shjobs.toml", {})


def happen(settings: Settings, messages: Sequence[str]) -> None:
    """Events of one turn."""
    with Store.open(settings.state, {}) as store, store.transaction():
        for message in messages:
            store.add_event(NOW, "Running", message, "ndvi")


def test_every_event_is_shown_once_however_many_a_turn_writes(settings: Settings) -> None:
    happen(settings, ["a", "b", "c"])
    portions = ([row["message"] for row in rows] for rows in follow_events(settings, ["ndvi"], 2))
    assert next(portions) == ["b", "c"]
    many = [str(number) for number in range(2500)]
    happen(settings, many)
    assert next(portions) == many
    assert next(portions) == []
    happen(settings, ["last"])
    assert next(portions) == ["last"]


def test_an_event_that_is_written_while_others_are_read_is_left_for_the_next_time(settings: Settings) -> None:
    happen(settings, ["a", "b"])
    last = last_event(settings)
    happen(settings, ["c"])
    assert [row["message"] for row in events_between(settings, [], 20, 1, last)] == ["b"]
    assert [row["message"] for row in events_between(settings, [], 20, last, last_event(settings))] == ["c"]


def test_of_another_ledger_the_latest_events_are_shown(settings: Settings) -> None:
    happen(settings, ["a", "b"])
    portions = follow_events(settings, [], 20)
    next(portions)
    for path in settings.state.glob("shjobs.db*"):
        path.unlink()
    happen(settings, ["c"])
    assert [row["message"] for row in next(portions)] == ["c"]


def test_the_cells_that_a_set_gets_while_it_is_followed_are_shown(workspace: Workspace) -> None:
    """They were looked up once: `events --follow set/farm` never showed a later one."""
    workspace.write("farm.yaml", farm(fields=1))
    workspace.sync()
    portions = ({row["job"] for row in rows} for rows in follow_events(workspace.settings(), ["set/farm"], 20))
    first = next(portions)
    workspace.write("farm.yaml", farm(fields=2))
    workspace.sync()
    [later] = next(portions) - first
    workspace.write("farm.yaml", farm(fields=1))
    workspace.sync()
    assert later in next(portions), "that it was removed is the last of it"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["nvdi"], "no such job: nvdi: did you mean ndvi?", id="a job"),
        pytest.param(["-f", "set/typo"], "no such job: set/typo;", id="a set, followed"),
        pytest.param(["ndvi", "typo"], "no such job: typo;", id="beside one that exists"),
    ],
)
def test_the_events_of_a_name_that_nothing_has_are_an_error(
    workspace: Workspace, arguments: list[str], words: str
) -> None:
    """`events typo` printed nothing, and with -f it never ended."""
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    done = shjobs("events", *arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, done.stdout, words in done.stderr) == (2, "", True), done.stderr


def test_the_events_of_what_was_removed_or_has_none_yet_are_no_error(workspace: Workspace) -> None:
    workspace.write("gone.yaml", ndvi("gone"))
    workspace.write("farm.yaml", farm(fields=1))
    workspace.sync()
    for path in workspace.jobs.glob("*.yaml"):
        path.unlink()
    workspace.sync()
    workspace.write("new.yaml", ndvi("new"))
    for name, has_events in (("gone", True), ("set/farm", True), ("farm", True), ("new", False)):
        done = shjobs("events", name, cwd=workspace.root, environment=dict(workspace.environment))
        assert (done.returncode, bool(done.stdout)) == (0, has_events), (name, done.stderr)
