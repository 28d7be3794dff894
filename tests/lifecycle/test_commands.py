"""What people ask for with `resolve` and `adopt`, from the command line to the ledger."""

import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.ledger.store import Store
from controller.lifecycle.commands import LONGEST_COMMAND, Adopt, Resolve
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.factories import FOREIGN_ID, REQUEST_ID

pytestmark = pytest.mark.slow


def run(workspace: Workspace, *arguments: str) -> tuple[int, str]:
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    return done.returncode, done.stdout + done.stderr


def submissions(workspace: Workspace) -> list[dict[str, Any]]:
    return list(json.loads(run(workspace, "describe", "ndvi", "-o", "json")[1])["submissions"])


@pytest.fixture
def unconfirmed(workspace: Workspace) -> Workspace:
    """A job whose POST was read by nobody, but cannot be proven so."""
    workspace.sandbox.faults.add(Fault(name="refuse-502-before"))
    workspace.write("ndvi.yaml", ndvi())
    status = workspace.sync(workspace.settings(SHJOBS_UNCONFIRMED_GRACE="20s"))["ndvi"]
    assert (status["phase"], status["reason"]) == ("Unconfirmed", "NeedsPerson")
    return workspace


def test_an_unconfirmed_submission_is_never_repeated_by_itself(unconfirmed: Workspace) -> None:
    assert unconfirmed.sync()["ndvi"]["phase"] == "Unconfirmed"
    assert unconfirmed.posts() == 1


def test_resolved_as_not_accepted_it_is_sent_again(unconfirmed: Workspace) -> None:
    assert run(unconfirmed, "resolve", "ndvi", "--not-accepted")[0] == 0
    assert unconfirmed.sync()["ndvi"]["phase"] == "Succeeded"
    assert unconfirmed.posts() == 2


def test_resolved_with_a_request_id_it_is_followed(unconfirmed: Workspace) -> None:
    request_id = str(uuid.uuid4())
    assert run(unconfirmed, "resolve", "ndvi", "--request-id", request_id)[0] == 0
    status = unconfirmed.sync()["ndvi"]
    assert (status["requestId"], status["reason"]) == (request_id, "NothingDelivered")
    assert unconfirmed.posts() == 1


def test_a_word_about_one_submission_is_none_about_another(unconfirmed: Workspace) -> None:
    """It was applied to whatever was unconfirmed when it was read, and let that be paid for again."""
    code, said = run(unconfirmed, "resolve", "ndvi", "--not-accepted")
    assert (code, bool(re.match(r"noted for ndvi \([0-9a-f]{16}-r0-a0, sent at 20", said))) == (0, True)
    with Store.open(unconfirmed.state, {}) as store, store.transaction():
        [(number, late)] = store.pending_commands(LONGEST_COMMAND)
        store.mark_done(number, datetime.now(UTC))
    unconfirmed.write("ndvi.yaml", ndvi(west=14.41))
    unconfirmed.sandbox.faults.add(Fault(name="refuse-502-before"))
    unconfirmed.sync(unconfirmed.settings(SHJOBS_UNCONFIRMED_GRACE="20s", SHJOBS_LARGE_CHANGE_JOBS="9"))
    with Store.open(unconfirmed.state, {}) as store, store.transaction():
        store.add_command(datetime.now(UTC), late.decode())
    posts = unconfirmed.posts()
    assert unconfirmed.sync()["ndvi"]["phase"] == "Unconfirmed"
    assert unconfirmed.posts() == posts


def test_a_request_that_was_named_for_what_the_job_asked_for_before_is_not_adopted(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    assert run(workspace, "adopt", "ndvi", REQUEST_ID)[0] == 0
    workspace.write("ndvi.yaml", ndvi(west=14.41))
    assert workspace.sync()["ndvi"]["requestId"] != REQUEST_ID
    assert "ndvi asks for something else now" in run(workspace, "events")[1]


def test_what_an_operator_said_is_shown_as_his(unconfirmed: Workspace) -> None:
    assert run(unconfirmed, "resolve", "ndvi", "--request-id", REQUEST_ID)[0] == 0
    [line] = unconfirmed.sync()["ndvi"]["history"]
    [reported] = json.loads(run(unconfirmed, "describe", "ndvi", "-o", "json")[1])["submissions"]
    assert (line["saidBy"], reported["saidBy"]) == ("operator", "operator")
    assert re.search("said by +operator", run(unconfirmed, "describe", "ndvi")[1])


def test_an_id_in_capitals_is_the_same_id(unconfirmed: Workspace) -> None:
    assert run(unconfirmed, "resolve", "ndvi", "--request-id", FOREIGN_ID.upper().replace("9", "a"))[0] == 0
    named = FOREIGN_ID.replace("9", "a")
    assert unconfirmed.sync()["ndvi"]["requestId"] == named
    unconfirmed.write("ndvi.yaml", ndvi(west=14.41))
    unconfirmed.write("other.yaml", ndvi("other", 14.42))
    for given in (named, named.upper()):
        assert f"{given} is already the request of ndvi" in run(unconfirmed, "adopt", "other", given)[1]


def test_a_failed_run_that_an_operator_named_is_not_retried_for_money(unconfirmed: Workspace) -> None:
    unconfirmed.write("ndvi.yaml", ndvi().replace("spec:\n", "spec:\n  retries: 3\n"))
    assert run(unconfirmed, "resolve", "ndvi", "--request-id", REQUEST_ID)[0] == 0
    [folder] = {f"{each['prefix']}/{REQUEST_ID}" for each in submissions(unconfirmed)}
    error = unconfirmed.bucket / folder.removeprefix("s3://my-bucket/") / "error.json"
    error.parent.mkdir(parents=True)
    error.write_text('{"error": {"message": "the script threw"}}')
    assert unconfirmed.sync()["ndvi"]["reason"] == "ErrorReported"
    assert unconfirmed.posts() == 1


@pytest.mark.parametrize("given", ["typo not an id", "", "../../x", "0"])
def test_a_row_of_the_inbox_that_names_no_id_changes_nothing(unconfirmed: Workspace, given: str) -> None:
    with Store.open(unconfirmed.state, {}) as store, store.transaction():
        store.add_command(datetime.now(UTC), Resolve(job="ndvi", request_id=given).model_dump_json())
        store.add_command(datetime.now(UTC), Adopt(job="ndvi", request_id=given).model_dump_json())
    assert unconfirmed.sync()["ndvi"]["phase"] == "Unconfirmed"
    assert unconfirmed.posts() == 1
    assert run(unconfirmed, "events")[1].count("is no request id") == 2


def test_resubmit_is_a_standing_choice_and_pays_again(unconfirmed: Workspace) -> None:
    settings = unconfirmed.settings(SHJOBS_ON_UNCONFIRMED="resubmit", SHJOBS_UNCONFIRMED_GRACE="20s")
    assert unconfirmed.sync(settings)["ndvi"]["phase"] == "Succeeded"
    assert unconfirmed.posts() == 2


def test_a_first_run_is_said_once_by_a_person(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    away = workspace.bucket.rename(workspace.root / "away")
    assert workspace.sync()["ndvi"]["reason"] == "HistoryUnknown"
    assert run(workspace, "adopt", "--first-run")[0] == 0
    away.rename(workspace.bucket)
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"


def test_an_adopted_request_is_followed_and_not_paid_for(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    request_id = str(uuid.uuid4())
    assert run(workspace, "adopt", "ndvi", request_id)[0] == 0
    assert workspace.sync()["ndvi"]["requestId"] == request_id
    assert workspace.posts() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ["resolve", "ndvi"], "say one of --request-id ID and --not-accepted", id="resolve without an answer"
        ),
        pytest.param(
            ["resolve", "ndvi", "--not-accepted"], "ndvi has no unconfirmed submission", id="nothing to resolve"
        ),
        pytest.param(["resolve", "nobody", "--not-accepted"], "no such job: nobody", id="no such job"),
        pytest.param(["adopt", "ndvi"], "say either NAME and REQUEST_ID", id="adopt without an id"),
        pytest.param(["adopt", "ndvi", REQUEST_ID], "already has a submission for this digest", id="already paid for"),
        pytest.param(["adopt", "ndvi", "x"], "'x' is no request id: write the whole id", id="no id"),
        pytest.param(["adopt", "ndvi", REQUEST_ID[:-1]], "is no request id", id="an id that was cut off"),
        pytest.param(["adopt", "ndvi", f"{REQUEST_ID} "], "is no request id", id="an id with a space"),
        pytest.param(["adopt", "ndvi", ""], "'' is no request id", id="an empty id"),
        pytest.param(
            ["resolve", "ndvi", "--request-id", "typo not an id"], "is no request id", id="resolved with no id"
        ),
        pytest.param(
            ["resolve", "ndvi", "--request-id", "", "--not-accepted"], "say one of", id="an empty id beside a denial"
        ),
    ],
)
def test_what_cannot_be_done_is_said_at_once(workspace: Workspace, arguments: list[str], words: str) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    code, printed = run(workspace, *arguments)
    assert words in printed
    assert code == 2
