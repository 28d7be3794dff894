"""Poison in the ledger never ends the loop and pays for nothing: it is set aside, reported, and the rest goes on."""

import logging
import sqlite3
from contextlib import closing

import pytest

from controller.ledger.location import FILE_NAME
from controller.ledger.reads.reader import Reader
from controller.lifecycle.commands import LONGEST_COMMAND, Ignored, read_command
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs

pytestmark = pytest.mark.slow
POISON = [
    pytest.param('{"command": "explode", "job": "ndvi"}', id="a command of a newer version"),
    pytest.param('{"command": "accept", "hash": "abc", "until": "2027"}', id="a field of a newer version"),
    pytest.param('{"command": "adopt", "job": ["ndvi"], "request_id": 7}', id="fields of another type"),
    pytest.param('{"command": "resolve", "job": "ndvi"}', id="a field is missing"),
    pytest.param("not JSON", id="no JSON"),
    pytest.param("[]", id="a list"),
    pytest.param("", id="an empty text"),
    pytest.param("\x00\x1b[31m\x00", id="NUL bytes and escapes"),
    pytest.param(b"\xff\xfe\x00", id="bytes"),
    pytest.param("[" * 5_000, id="very deep"),
    pytest.param('"' + "x" * 3_000_000 + '"', id="a huge text"),
    pytest.param(17, id="a number"),
    pytest.param('{"command": "resolve", "job": "\\u0000nobody", "request_id": null}', id="a job that is not there"),
    pytest.param('{"command": "accept", "hash": "\\u0000"}', id="a hash of a NUL byte"),
]


def write(workspace: Workspace, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(workspace.state / FILE_NAME)) as db, db:
        db.execute("pragma ignore_check_constraints = on")
        db.execute(sql, values)


def events(workspace: Workspace) -> list[str]:
    with Reader.of(workspace.state) as reader:  # type: ignore[union-attr]
        return [f"{row['reason']}: {row['message']}" for row in reader.events(limit=100)]


@pytest.fixture
def ended(workspace: Workspace) -> Workspace:
    """A job that was paid for and has succeeded."""
    workspace.write("ndvi.yaml", ndvi())
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    return workspace


@pytest.mark.parametrize("command", POISON)
def test_a_command_that_is_not_known_ends_no_loop(ended: Workspace, command: object) -> None:
    write(ended, "insert into inbox (at, command) values ('2026-01-01', ?)", command)
    ended.write("other.yaml", ndvi("other", 14.41))
    assert ended.sync()["other"]["phase"] == "Succeeded"
    assert len([each for each in events(ended) if each.startswith("Asked: ")]) == 1
    assert all(len(each) < 600 for each in events(ended))
    assert ended.posts() == 2


def test_a_command_of_text_that_is_not_utf_8_ends_no_loop(ended: Workspace) -> None:
    write(ended, "insert into inbox (at, command) values ('2026-01-01', cast(x'ff00fe' as text))")
    assert ended.sync()["ndvi"]["phase"] == "Succeeded"
    assert ended.sync()["ndvi"]["phase"] == "Succeeded"
    assert len([each for each in events(ended) if each.startswith("Asked: ")]) == 1


def test_what_is_ignored_is_said_with_its_beginning_and_why() -> None:
    assert read_command(b'{"command": "accept", "hash": 1}') == Ignored(
        why="a command that this version does not know was ignored: "
        '{"command": "accept", "hash": 1} (hash: Input should be a valid string)'
    )
    assert read_command(b"x" * (LONGEST_COMMAND + 1)) == Ignored(
        why="a command was ignored: it is longer than 10,000 bytes"
    )


ROWS = [
    pytest.param("update job set wanted = json_set(wanted, '$.newer', 1)", id="a wish of a newer version"),
    pytest.param("update job set wanted = '{'", id="a wish that is no JSON"),
    pytest.param("update job set wanted = json_set(wanted, '$.max_processing_units', 'much')", id="a wish of odd type"),
    pytest.param("update job set wanted = replace(wanted, '\"retries\": 0', '\"retries\": NaN')", id="a wish with NaN"),
    pytest.param("update job set wanted = x'ff00'", id="a wish of bytes"),
    pytest.param("update job set told = x'ff00', position = 'first', generation = 'x'", id="a job of odd cells"),
    pytest.param("update file set uses = 'script.js'", id="uses that are no JSON"),
    pytest.param("update file set uses = '{\"a\": 1}'", id="uses that are no list"),
    pytest.param("update file set size = 'big', kind = x'00'", id="a file of odd cells"),
    pytest.param("update submission set evidence = 'garbage'", id="evidence that is no JSON"),
    pytest.param("update submission set evidence = json_set(evidence, '$.newer', 1)", id="evidence of a newer version"),
    pytest.param("update submission set evidence = json_set(evidence, '$.objects', 'x')", id="objects that are none"),
    pytest.param("update submission set evidence = json_set(evidence, '$.spent', 'x')", id="a cost that is none"),
    pytest.param("update submission set outputs = 'x'", id="outputs that are no JSON"),
    pytest.param("update submission set outputs = '[{}]'", id="outputs of another shape"),
    pytest.param("update submission set reason = 'Reused'", id="a reason of a newer version"),
    pytest.param("update submission set answered_at = 'yesterday', look_at = 'soon'", id="times that are none"),
    pytest.param("update submission set intended_at = '2026-01-01T00:00:00'", id="a time without a zone"),
    pytest.param("update submission set intended_at = 'once'", id="an intent without a time"),
    pytest.param("update submission set reserved_pu = 'much', message = x'ff', revision = 5", id="other odd cells"),
    pytest.param("insert into due (key, batch) values ('no key', 'no batch')", id="a permit of no job"),
    pytest.param("insert into due (key, batch) values ('ndvi/odd', 'no batch')", id="a permit of an odd key"),
    pytest.param("insert into due (key, batch) values (x'ff', x'00')", id="a permit of bytes"),
    pytest.param("insert into batch (hash, at, jobs, units) values (x'ff', 'x', 'y', 'z')", id="an odd batch"),
    pytest.param("insert into meta values ('history', x'ff')", id="an odd fact"),
    pytest.param("insert or replace into meta values ('largeChange', 'much')", id="an odd limit of large changes"),
    pytest.param("update status set documents = 'x'", id="a status that is no JSON"),
    pytest.param("update status set documents = '[7]'", id="a status of another shape"),
    pytest.param("insert into status values (x'ff', cast(x'ff' as text))", id="a status of bytes"),
    pytest.param(
        "insert into event (at, reason, message) values ('2026-01-01', 7, cast(x'ff' as text))", id="an odd event"
    ),
]


@pytest.mark.parametrize("sql", ROWS)
def test_a_row_that_cannot_be_read_ends_nothing_and_pays_for_nothing(
    ended: Workspace, sql: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(ended, sql)
    with caplog.at_level(logging.WARNING):
        assert ended.sync()["ndvi"]["phase"] in ("Succeeded", "Unknown")
    assert len([each for each in caplog.records if "cannot read" in each.getMessage()]) <= 1
    for command in (["get"], ["get", "-o", "json"], ["describe", "ndvi"], ["why", "ndvi"], ["events"], ["plan"]):
        done = shjobs(*command, cwd=ended.root, environment=dict(ended.environment))
        assert done.returncode in (0, 1), (command, done.stderr)
        assert "Traceback" not in done.stderr
    assert ended.posts() == 1


@pytest.mark.parametrize("cell", ["digest = x'ff'", "rerun = 'x'", "attempt = 1.5", "job = x'ff'", "prefix = x'ff'"])
def test_a_row_that_does_not_say_what_was_paid_for_is_named_and_nothing_is_paid(ended: Workspace, cell: str) -> None:
    write(ended, f"update submission set {cell}")
    done = shjobs("sync", cwd=ended.root, environment=dict(ended.environment))
    assert (done.returncode, ended.posts()) == (2, 1)
    assert "does not say which one it is" in done.stderr


def test_a_refusal_of_a_newer_version_is_not_sent_again(ended: Workspace) -> None:
    write(ended, "update submission set answer = 'refused', request_id = null, answer_detail = '{\"why\": \"Newer\"}'")
    assert ended.sync()["ndvi"]["reason"] == "Refused"
    assert ended.posts() == 1


def test_a_wish_that_cannot_be_read_is_read_again_from_its_file(ended: Workspace) -> None:
    write(ended, "update job set wanted = '{'")
    ended.write("other.yaml", ndvi("other", 14.41))
    assert ended.sync()["ndvi"]["phase"] == "Succeeded"
    assert [each for each in events(ended) if each.startswith("Unreadable")] == [
        "Unreadable: rows of the ledger that this version cannot read are checked again: job ndvi"
    ]


def test_a_job_whose_wish_cannot_be_read_is_removed_with_its_file(ended: Workspace) -> None:
    write(ended, "update job set wanted = '{'")
    ended.write("other.yaml", ndvi("other", 14.41))
    (ended.jobs / "ndvi.yaml").unlink()
    assert list(ended.sync()) == ["other"]
    assert ended.posts() == 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(r"return {input: ['B04'], output: {bands: 1, id: '\ud83d'}};", id="an output"),
        pytest.param(r"return {input: ['\ud83d'], output: {bands: 1}};", id="a band"),
        pytest.param(r"return {input: ['B04'], output: {bands: '\ud83d'}};", id="a number"),
        pytest.param(r"throw new Error('\ud83d');", id="an error"),
        pytest.param(r"return {input: ['B04'], output: {bands: 1}, mosaicking: '\ud83d'};", id="a word"),
    ],
)
def test_half_of_a_character_from_a_script_ends_no_loop(ended: Workspace, body: str) -> None:
    """It cannot be stored, and ended the daemon at every start."""
    setup = ndvi("odd").partition("function setup() {\n")[2].partition("\n")[0]
    ended.write("odd.yaml", ndvi("odd").replace(setup, f"        {body}"))
    ended.write("other.yaml", ndvi("other", 14.41))
    assert ended.sync()["other"]["phase"] == "Succeeded"
    assert ended.posts() == 2
