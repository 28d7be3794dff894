"""What only shows: `get`, `describe`, `why` and `events`, from the ledger and the files, without a call."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.ledger.ledger import Ledger
from controller.ledger.lock import submitter_lock
from controller.ledger.migrations import migrations
from controller.ledger.pause import pause, resume
from controller.ledger.reads.reader import SCHEMA, Reader
from controller.ledger.store import Store
from controller.lifecycle.adoption import intent
from controller.model.reasons import JobState, Reason
from controller.model.submission import Submission
from controller.operations.inspect.describe import description
from controller.operations.inspect.why import _CHANGES, Case, ago, explain
from controller.operations.plan.plan import plan
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import reaches, running
from tests.support.command import python, shjobs
from tests.support.factories import NOW, OTHER_DIGEST, accepted, at, job, limits, succeeded, unknown
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


def run(workspace: Workspace, *arguments: str) -> str:
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def found(workspace: Workspace, *arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(run(workspace, "get", "-o", "json", *arguments)))


def labelled(name: str, west: float, **labels: str) -> str:
    reported = ", ".join(f"{key}: {value}" for key, value in labels.items())
    return ndvi(name, west).replace(f"  name: {name}\n", f"  name: {name}\n  labels: {{{reported}}}\n")


@pytest.fixture
def three(workspace: Workspace) -> Workspace:
    workspace.write("one.yaml", labelled("one", 14.41, team="agri", size="small"))
    workspace.write("two.yaml", labelled("two", 14.42, team="water"))
    workspace.write("deep/three.yaml", ndvi("three", 14.43).replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.sync()
    return workspace


@pytest.mark.parametrize("arguments", [["get"], ["get", "-l", "team"], ["get", "-l", "team=none"]], ids=" ".join)
def test_get_of_known_files_loads_neither_the_rules_of_manifests_nor_the_loop(
    three: Workspace, arguments: list[str]
) -> None:
    """Ten thousand jobs are shown in half a second, of which each library would take its part."""
    (three.jobs / "one.yaml").touch()
    code = (
        f"import sys; from controller.cli import main; main({arguments}); "
        "heavy = {'yaml', 'sqlite_utils', 'controller.manifest.validate', 'controller.reconcile.loop'}; "
        "print(sorted(sys.modules.keys() & heavy))"
    )
    done = python(code, cwd=three.root, environment=three.environment)
    assert done.returncode == 0, done.stderr
    table = [["JOB", "PHASE", "AGE", "PU", "REQUEST", "ID"]] if arguments[-1] != "team=none" else []
    assert [line.split() for line in done.stdout.splitlines()[:-1]][:1] == table
    assert done.stdout.splitlines()[-1] == "[]"


def test_jobs_are_shown_by_label_before_there_is_a_ledger(workspace: Workspace) -> None:
    workspace.write("one.yaml", labelled("one", 14.41, team="agri"))
    workspace.write("two.yaml", labelled("two", 14.42, team="water"))
    assert [document["name"] for document in found(workspace, "-l", "team=agri")] == ["one"]


def test_a_label_that_was_changed_since_the_last_turn_is_the_new_one(three: Workspace) -> None:
    three.write("two.yaml", labelled("two", 14.42, team="agri"))
    assert [document["name"] for document in found(three, "-l", "team=agri")] == ["one", "two"]


def test_a_tree_with_foreign_and_ignored_files_is_unchanged_too(three: Workspace) -> None:
    three.write("ci.yml", "on: push\njobs: {}\n")
    three.write("drafts/broken.yaml", "spec: [")
    three.write(".shjobsignore", "drafts/\n")
    three.sync()
    code = (
        "import sys; from controller.cli import main; main(['get']); print('controller.reconcile.loop' in sys.modules)"
    )
    assert python(code, cwd=three.root, environment=three.environment).stdout.splitlines()[-1] == "False"
    three.write(".shjobsignore", "one.yaml\n")
    assert [each.get("name") for each in found(three)] == ["three", None, "two"]


def test_get_without_a_ledger_loads_none_of_the_clients(workspace: Workspace) -> None:
    workspace.write("one.yaml", ndvi())
    code = (
        "import sys; from controller.cli import main; main(['get']); "
        "print(sorted(sys.modules.keys() & {'requests', 'oauthlib', 'urllib3', 'botocore'}))"
    )
    done = python(code, cwd=workspace.root, environment=workspace.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command", [["get", "one"], ["why", "one"], ["describe", "one"], ["events", "one"]], ids=" ".join
)
def test_one_job_is_shown_without_the_loop(three: Workspace, command: list[str]) -> None:
    heavy = {"sqlite_utils", "controller.manifest.validate", "controller.reconcile.loop", "controller.ledger.ledger"}
    code = f"import sys; from controller.cli import main; main({command}); print(sorted(sys.modules.keys() & {heavy}))"
    done = python(code, cwd=three.root, environment=three.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["sync", "plan"])
def test_a_command_that_reads_no_pixels_does_not_load_the_libraries_for_pixels(three: Workspace, command: str) -> None:
    code = (
        f"import sys; from controller.cli import main; main(['{command}']); "
        "print(sorted(sys.modules.keys() & {'numpy', 'PIL', 'tifffile', 'pyproj'}))"
    )
    done = python(code, cwd=three.root, environment=three.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_get_sees_what_changed_since_it_was_last_told(three: Workspace) -> None:
    """A touched file is the same one; one of other bytes is not."""
    three.write("two.yaml", ndvi("two", 14.48))
    assert [each["generation"] for each in found(three) if each["name"] == "two"] == [2]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param([], ["three", "one", "two"], id="all, in the order of their paths"),
        pytest.param(["two"], ["two"], id="by name"),
        pytest.param(["-l", "team"], ["one", "two"], id="with a label"),
        pytest.param(["-l", "team=agri"], ["one"], id="with a label of a value"),
        pytest.param(["-l", "team", "-l", "size=small"], ["one"], id="with two labels"),
        pytest.param(["--phase", "held"], ["three"], id="in a phase, in lower case"),
        pytest.param(["--phase", "Held", "--phase", "Succeeded"], ["three", "one", "two"], id="in one of two phases"),
    ],
)
def test_get_shows_what_is_asked_for(three: Workspace, arguments: list[str], names: list[str]) -> None:
    assert [document["name"] for document in found(three, *arguments)] == names
    assert run(three, "get", "-o", "name", *arguments).split() == names


def test_get_tells_when_nothing_is_like_that(three: Workspace) -> None:
    done = shjobs("get", "--phase", "Failed", cwd=three.root, environment=dict(three.environment))
    assert (done.stdout, done.stderr, done.returncode) == ("", "no job matches\n", 0)


def test_get_shows_what_the_next_turn_would_see_of_files_that_changed(three: Workspace) -> None:
    three.write("one.yaml", "spec: [")
    three.write("four.yaml", ndvi("four", 14.44))
    phases = {document.get("name"): document["phase"] for document in found(three)}
    assert phases == {"one": "Succeeded", "two": "Succeeded", "three": "Held", "four": "Pending"}


def test_get_of_a_ledger_of_an_older_schema_reads_it_all_the_same(three: Workspace) -> None:
    before = found(three)
    with Store.open(three.state, {}) as store:
        store._db.execute("drop table status")
        store._db.execute("delete from _sqlite_migrations where name = 'third'")
        store._db.conn.commit()
    assert Reader.of(three.state) is None
    assert found(three) == before


def test_the_reader_knows_every_migration() -> None:
    assert tuple(migration.name for migration in migrations._migrations) == SCHEMA


def test_get_watch_prints_what_changes(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi().replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.sync()
    command = [sys.executable, "-u", "-m", "controller", "get", "--watch", "-o", "name"]
    given = {"PYTHONPATH": str(ROOT), **workspace.environment}
    with subprocess.Popen(command, cwd=workspace.root, env=given, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "ndvi\n"
        workspace.write("ndvi.yaml", ndvi())
        workspace.sync()
        assert watching.stdout.readline() == "ndvi\n"
        watching.terminate()


def test_get_watch_prints_one_row_for_a_change_and_no_header(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi().replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.write("other.yaml", ndvi("other").replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.sync()
    command = [sys.executable, "-u", "-m", "controller", "get", "--watch"]
    given = {"PYTHONPATH": str(ROOT), **workspace.environment}
    with subprocess.Popen(command, cwd=workspace.root, env=given, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        first = [watching.stdout.readline() for _ in range(6)]
        workspace.write("ndvi.yaml", ndvi())
        workspace.sync()
        changed = [watching.stdout.readline()]
        while " Succeeded " not in changed[-1]:  # a busy machine shows phases on the way there
            changed.append(watching.stdout.readline())
        watching.terminate()
        rest = watching.stdout.read()
    assert first[0].split() == ["JOB", "PHASE", "AGE", "PU", "REASON", "REQUEST", "ID"]
    assert re.fullmatch(r"ndvi +Succeeded +\d+s +10\.00  Delivered  [0-9a-f-]{36}\n", changed[-1])
    assert rest == ""


def test_get_shows_ages_and_leaves_the_outputs_to_the_wide_table(three: Workspace) -> None:
    lines = run(three, "get", "one").splitlines()
    assert lines[0].split() == ["JOB", "PHASE", "AGE", "PU", "REQUEST", "ID"]
    assert re.fullmatch(r"one  Succeeded +\d+[sm] +10\.00  [0-9a-f-]{36}", lines[1])
    assert len(lines) == 2
    assert "s3://" in run(three, "get", "one", "-o", "wide")


def test_a_wide_table_tells_more(three: Workspace) -> None:
    lines = run(three, "get", "-o", "wide").splitlines()
    assert lines[0].split() == ["JOB", "PHASE", "REASON", "AGE", "PU", "REQUEST", "ID", "GENERATION", "PATH"]
    assert re.fullmatch(r"one +Succeeded +Delivered +\d+[sm] +10\.00  [0-9a-f-]{36} +1  one\.yaml", lines[2])


def test_describe_says_how_long_ago_each_event_was(three: Workspace) -> None:
    lines = run(three, "describe", "one").splitlines()
    last = lines[lines.index("events, newest last") + 1 :]
    assert last and all(re.match(r"  \d{4}-\d\d-\d\dT[\d:]{8}Z  +\d+[sm] ago  [A-Z]\w+ +\w", line) for line in last)


def test_describe_tells_everything_about_one_job(three: Workspace) -> None:
    reported = json.loads(run(three, "describe", "one", "-o", "json"))
    [submission] = reported["submissions"]
    assert (reported["phase"], reported["path"], reported["labels"]) == (
        "Succeeded",
        "one.yaml",
        {"team": "agri", "size": "small"},
    )
    assert (submission["reserved"], submission["spent"], submission["outcome"]) == (10.0, 10.0, "succeeded")
    assert submission["evidence"]["objects"][0]["key"].endswith("/default.tif")
    assert reported["request"]["output"]["width"] == 64
    reasons = [event["reason"] for event in reported["events"]]
    assert (reasons[0], reasons[-1]) == ("Queued", "Delivered")
    text = run(three, "describe", "one")
    for words in ("submission ", "evidence of ", "default.tif", "events, newest last", "team=agri, size=small"):
        assert words in text
    assert json.loads(json.dumps(reported)) == reported


def test_describe_of_a_stranger_is_told(three: Workspace) -> None:
    done = shjobs("describe", "nobody", cwd=three.root, environment=dict(three.environment))
    assert (done.returncode, done.stderr) == (2, "shjobs: no such job: nobody; `shjobs get` lists all jobs\n")


def test_events_are_told_newest_last_and_followed(three: Workspace) -> None:
    lines = run(three, "events", "one", "-n", "2").splitlines()
    assert [line.split("  ")[2] for line in lines] == ["Verifying", "Delivered"]
    [last] = map(json.loads, run(three, "events", "-n", "1", "-o", "json").splitlines())
    assert last["reason"] == "Delivered"
    command = [sys.executable, "-u", "-m", "controller", "events", "--follow", "-n", "1"]
    given = {"PYTHONPATH": str(ROOT), **three.environment}
    with subprocess.Popen(command, cwd=three.root, env=given, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert "Delivered" in following.stdout.readline()  # it has noted where it goes on
        three.write("four.yaml", ndvi("four", 14.44))
        three.sync()
        assert "four" in following.stdout.readline()
        following.terminate()


def test_a_running_daemon_can_be_looked_at(workspace: Workspace) -> None:
    with running(workspace):
        workspace.write("ndvi.yaml", ndvi())
        reaches(workspace, "Succeeded")
        assert [(each["name"], each["phase"]) for each in found(workspace)] == [("ndvi", "Succeeded")]
        assert "ndvi is Succeeded (Delivered)" in run(workspace, "why", "ndvi")


def case(reason: Reason, *submissions: Submission, **different: Any) -> Case:
    plain = {"job": job(), "submissions": submissions, "limits": limits()}
    return Case(**{**plain, "job_state": JobState(reason=reason, message="a sentence"), **different})


@pytest.mark.parametrize(
    ("reported", "paragraph"),
    [
        pytest.param(
            case(Reason.QUEUED, limits=limits(slots=0), running=["a", "b", "c"], waiting=3),
            "ndvi is Pending (Queued): a sentence. 3 of 3 slots are in use: a, b and c. 2 other jobs are queued with "
            "it. It is submitted by itself when its turn comes.",
            id="it waits for a slot",
        ),
        pytest.param(
            case(Reason.QUEUED, limits=limits(opens_at=at(90)), waiting=1, until=at(90)),
            "ndvi is Pending (Queued): a sentence. The service asked for a pause until 12:01:30 UTC. It is submitted "
            "by itself when its turn comes. It is checked again in 90 s, at 2026-03-01 12:01:30 UTC.",
            id="the service asked for a pause",
        ),
        pytest.param(
            case(Reason.RUNNING, accepted(intended_at=at(-600)), until=at(120)),
            "ndvi is Running (Running): a sentence. It was submitted 10 min ago as request "
            "11111111-2222-4333-8444-555555555555. It ends when the service says so; it cannot be cancelled. It is "
            "checked again in 2 min, at 2026-03-01 12:02:00 UTC.",
            id="it runs",
        ),
        pytest.param(
            case(Reason.DELIVERED, succeeded(), unknown(digest=OTHER_DIGEST, look_at=at(9))),
            "ndvi is Succeeded (Delivered): a sentence. A changed request or a higher `rerun` would be submitted, and "
            "paid for. bbbbbbbbbbbbbbbb-r0-a0 of an earlier request is also still followed.",
            id="it is done, and an earlier request is not",
        ),
    ],
)
def test_why_is_one_paragraph(reported: Case, paragraph: str) -> None:
    assert explain(reported, NOW) == paragraph


def test_why_knows_every_reason() -> None:
    taken = {Reason.QUEUED, Reason.SETTLING, Reason.RETRY_SCHEDULED, Reason.NOT_DUE}  # their messages say it all
    assert set(_CHANGES) == set(Reason) - taken


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_lengths_of_time(time: timedelta, words: str) -> None:
    assert ago(time) == words


@pytest.fixture
def sending(workspace: Workspace) -> Workspace:
    """The ledger holds the intent of a POST that is not answered, and there is a second job."""
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("next.yaml", ndvi("next", 14.45))
    pause(workspace.state, "the test", datetime.now(UTC))
    workspace.sync()
    with Store.open(workspace.state, {}) as store, store.transaction():
        ledger = Ledger(store)
        job = ledger.jobs["ndvi"]
        assert job.wanted is not None
        ledger.add(intent(job, job.wanted, 0, 0, datetime.now(UTC)))
    resume(workspace.state)
    return workspace


def seen(workspace: Workspace) -> dict[str, tuple[str, str]]:
    """What `why` and `plan` say of each job."""
    settings, now = workspace.settings(), datetime.now(UTC)
    planned = {job["name"]: job["action"] for job in plan(settings)["jobs"]}
    return {name: (description(settings, name, now)["reason"], action) for name, action in planned.items()}


def test_a_post_under_way_of_a_running_controller_is_submitting_and_no_breaker(sending: Workspace) -> None:
    with submitter_lock(sending.state):
        assert seen(sending) == {"ndvi": ("Submitting", "follow"), "next": ("Queued", "submit")}


def test_a_post_that_a_dead_controller_left_is_unconfirmed(sending: Workspace) -> None:
    assert {name: reason for name, (reason, _) in seen(sending).items()} == {"ndvi": "Searching", "next": "BreakerOpen"}
