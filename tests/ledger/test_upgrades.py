"""What was written by the version of tests/data/upgrades is read by this one, and scripts of then still work."""

import copy
import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.ledger import migrations as schema
from controller.ledger.lock import submitter_lock
from controller.ledger.reads.amounts import per_label
from controller.ledger.reads.listing import Filter, list_jobs
from controller.ledger.reads.reader import SCHEMA, Reader
from controller.ledger.store import Store
from controller.manifest.schema import manifest_schema
from controller.model.submission import Outcome
from controller.operations.inspect.job_states import events
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.shapes import FOLDER, OUTPUTS, lived, lost, narrowed, shapes

BINDINGS = {"deployment": "sandbox", "account": "sandbox"}


def kept(state: Path) -> Path:
    """The ledger of then, in a state directory."""
    state.mkdir(exist_ok=True)
    with closing(sqlite3.connect(state / "shjobs.db")) as ledger:
        ledger.executescript((FOLDER / "ledger.sql").read_text(encoding="utf-8"))
    return state


def of_the_first_schema(state: Path) -> Path:
    """A ledger of the first schema, with the submissions of then."""
    common = (
        "number, id, job, digest, rerun, attempt, generation, body, outputs, prefix, intended_at, answer, request_id"
    )
    with closing(sqlite3.connect(kept(state) / "shjobs.db")) as ledger:
        rows = ledger.execute(f"select {common} from submission").fetchall()
    (state / "shjobs.db").unlink()
    with closing(sqlite3.connect(state / "shjobs.db")) as ledger:
        ledger.executescript(schema._FIRST)
        ledger.execute("create table _sqlite_migrations (id integer primary key, migration_set, name, applied_at)")
        ledger.execute("insert into _sqlite_migrations values (1, 'shjobs', 'first', '')")
        ledger.executemany(f"insert into submission ({common}) values ({', '.join('?' * len(rows[0]))})", rows)
        ledger.commit()
    return state


def test_the_ledger_of_then_is_read_whole(tmp_path: Path) -> None:
    with Store.open(kept(tmp_path), BINDINGS) as store:
        found = {each.job: (each.outcome, each.spent) for each in store.submissions()}
        assert {job.name for job in store.jobs()} == {"bad", "held", "ndvi"}
    assert found == {"ndvi": (Outcome.SUCCEEDED, 10.0), "bad": (Outcome.FAILED, None)}


def test_an_older_ledger_is_copied_before_it_is_changed_and_keeps_what_was_paid_for(tmp_path: Path) -> None:
    state = of_the_first_schema(tmp_path)
    before = (state / "shjobs.db").read_bytes()
    with Store.open(state, BINDINGS) as store:
        assert {each.job for each in store.submissions()} == {"ndvi", "bad"}
    with closing(sqlite3.connect(state / "shjobs.first.db")) as copied:
        assert [name for (name,) in copied.execute("select name from _sqlite_migrations")] == ["first"]
        assert copied.execute("select count(*) from submission").fetchone() == (2,)
    assert (state / "shjobs.db").read_bytes() != before


def test_what_an_operator_named_before_is_marked_as_his_and_ids_are_in_one_case(tmp_path: Path) -> None:
    state = kept(tmp_path)
    named, found = "AAAAAAAA-0000-4000-8000-00000000000A", "bbbbbbbb-0000-4000-8000-00000000000b"
    with closing(sqlite3.connect(state / "shjobs.db")) as ledger, ledger:
        ledger.execute("update submission set answer = 'accepted', request_id = ? where job = 'ndvi'", [named])
        ledger.execute("update submission set answer = 'accepted', request_id = ? where job = 'bad'", [found])
        ledger.execute(
            "insert into event (at, job, reason, message) "
            "select '', job, 'Asked', 'a person resolved ' || id || ': accepted' from submission where job = 'ndvi'"
        )
    with Store.open(state, BINDINGS) as store:
        rows = {each.job: (each.request_id, each.said_by_operator) for each in store.submissions()}
    assert rows == {"ndvi": (named.lower(), True), "bad": (found, False)}


def test_the_jobs_and_amounts_of_then_are_listed(tmp_path: Path) -> None:
    state = kept(tmp_path)
    with closing(sqlite3.connect(state / "shjobs.db")) as ledger, ledger:
        labelled = 'json_set(wanted, \'$.labels\', json(\'[["team", "agri"], ["note", "ü \\" x"]]\'))'
        ledger.execute(f"update job set wanted = {labelled} where name = 'ndvi'")
        ledger.execute("update job set wanted = 'x' where name = 'bad'")
    Store.open(state, BINDINGS).close()
    reader = Reader.of(state)
    assert reader is not None
    with reader:
        listed = list_jobs(reader, Filter()).rows
        assert [(row.name, row.reason, row.changed_at is None) for row in listed] == [
            ("held", "OnHold", False),
            ("bad", "ErrorReported", False),
            ("ndvi", "Delivered", False),
        ]
        assert [row.labels for row in listed] == [{}, {}, {"team": "agri", "note": 'ü " x'}]
        assert [row.name for row in list_jobs(reader, Filter(labels=['note=ü " x'])).rows] == ["ndvi"]
        assert {value: each.spent for value, each in per_label(reader, "team").items()} == {"agri": 10.0, "": 0.0}


def test_what_was_paid_for_then_is_not_paid_for_again(workspace: Workspace) -> None:
    """With the ledger of then alone: its bucket is gone, and so are its status files."""
    kept(workspace.state)
    workspace.write("ndvi.yaml", ndvi())
    done = shjobs("sync", cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, workspace.posts()) == (0, 0), done.stderr
    then = yaml.safe_load((FOLDER / "status.yaml").read_bytes())
    assert workspace.status("ndvi.status.yaml") == [then]


def test_a_status_file_of_then_is_taken_over(workspace: Workspace) -> None:
    kept(workspace.state)
    workspace.write("ndvi.yaml", ndvi())
    shutil.copy(FOLDER / "status.yaml", workspace.jobs / "ndvi.status.yaml")
    before = (workspace.jobs / "ndvi.status.yaml").read_bytes()
    workspace.sync()
    assert (workspace.jobs / "ndvi.status.yaml").read_bytes() == before


def schema_of(state: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{state / 'shjobs.db'}?mode=ro", uri=True)) as ledger:
        return [name for (name,) in ledger.execute("select name from _sqlite_migrations")]


@pytest.fixture
def older(workspace: Workspace) -> Workspace:
    """A state directory with a ledger of the first schema, and one job in the tree."""
    workspace.state.mkdir()
    of_the_first_schema(workspace.state)
    workspace.write("ndvi.yaml", ndvi())
    return workspace


@pytest.mark.parametrize(
    "command",
    [["get"], ["events"], ["budget"], ["describe", "ndvi"], ["why", "ndvi"], ["plan"], ["get", "-l", "team"]],
    ids=" ".join,
)
def test_a_command_that_shows_leaves_an_older_ledger_as_it_is(older: Workspace, command: list[str]) -> None:
    with submitter_lock(older.state):
        done = shjobs(*command, cwd=older.root, environment=dict(older.environment))
    assert (done.returncode in (0, 1), "Traceback" in done.stderr) == (True, False), done.stderr
    assert schema_of(older.state) == ["first"]


COMMANDS = [["accept", "0123456789ab"], ["adopt", "--first-run"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_never_migrates_the_ledger_of_an_older_controller_at_work(
    older: Workspace, command: list[str]
) -> None:
    with submitter_lock(older.state):
        done = shjobs(*command, cwd=older.root, environment=dict(older.environment))
    assert done.returncode == 2
    assert "written by an older version of shjobs, and process" in done.stderr
    assert "stop that one and start this version" in done.stderr
    assert schema_of(older.state) == ["first"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_migrates_an_older_ledger_that_nobody_works_on(older: Workspace, command: list[str]) -> None:
    done = shjobs(*command, cwd=older.root, environment=dict(older.environment))
    assert done.returncode == 0, done.stderr
    assert schema_of(older.state) == list(SCHEMA)


def test_a_command_is_noted_beside_a_controller_of_the_same_version(workspace: Workspace) -> None:
    workspace.sync()
    with submitter_lock(workspace.state):
        done = shjobs(*COMMANDS[0], cwd=workspace.root, environment=dict(workspace.environment))
    assert done.returncode == 0, done.stderr


def test_the_events_of_an_older_ledger_are_shown(older: Workspace) -> None:
    with closing(sqlite3.connect(older.state / "shjobs.db")) as ledger, ledger:
        ledger.execute("insert into event (at, reason, message) values ('2026-01-01T00:00:00', 'Asked', 'of then')")
    assert [event["message"] for event in events(older.settings(), [], 5)] == ["of then"]


@pytest.mark.parametrize("command", ["get", "events", "sync"])
def test_a_ledger_of_a_newer_version_is_refused_by_name(workspace: Workspace, command: str) -> None:
    with closing(sqlite3.connect(kept(workspace.state) / "shjobs.db")) as ledger:
        ledger.execute("insert into _sqlite_migrations values (99, 'shjobs', 'from_the_future', '')")
        ledger.commit()
    done = shjobs(command, cwd=workspace.root, environment=dict(workspace.environment))
    words = "state/shjobs.db was written by a newer version of shjobs (schema 'from_the_future'); use that one"
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    from tests.conftest import opened_workspace

    with opened_workspace(tmp_path_factory.mktemp("today")) as workspace:
        lived(workspace)
        return shapes(workspace)


def of_then(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("command", OUTPUTS)
def test_scripts_of_then_find_every_field_where_it_was(command: str, today: Mapping[str, Mapping[str, str]]) -> None:
    assert lost(of_then("outputs.json")[command], today[command]) == []


def test_manifests_of_then_can_still_be_written() -> None:
    assert list(narrowed(of_then("manifest.schema.json"), json.loads(json.dumps(manifest_schema())))) == []


def test_a_field_that_goes_or_becomes_another_kind_is_noticed() -> None:
    before = {"$": "object", "$.name": "text", "$.units": "number"}
    assert lost(before, {"$": "object", "$.units": "text", "$.more": "text"}) == [
        "$.name was text and is gone",
        "$.units was number and is text",
    ]


def test_a_manifest_that_may_say_less_is_noticed() -> None:
    before = of_then("manifest.schema.json")
    after = copy.deepcopy(before)
    after.setdefault("required", []).append("shoeSize")
    gone = sorted(after["properties"])[0]
    del after["properties"][gone]
    assert set(narrowed(before, after)) == {"$.shoeSize is required now", f"$.{gone} is gone"}


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        pytest.param({"maximum": 9}, {"maximum": 8}, ["$.a has maximum 8 and had 9"], id="less is allowed"),
        pytest.param({}, {"minimum": 1}, ["$.a has minimum 1 and had none"], id="a limit that was not there"),
        pytest.param({"pattern": "a|b"}, {"pattern": "a"}, ["$.a has pattern 'a' and had 'a|b'"], id="another pattern"),
        pytest.param({"enum": ["x", "y"]}, {"enum": ["x"]}, ["$.a may no longer be y"], id="a word that goes"),
        pytest.param({"type": "number"}, {"type": "string"}, ["$.a was number and is string"], id="another kind"),
        pytest.param({"maximum": 9, "enum": ["x"]}, {"maximum": 10, "enum": ["x", "y"]}, [], id="more is allowed"),
    ],
)
def test_a_field_that_may_say_less_is_noticed(
    before: dict[str, Any], after: dict[str, Any], reported: list[str]
) -> None:
    assert list(narrowed({"properties": {"a": before}}, {"properties": {"a": after}})) == reported
