"""What people ask for with `resolve` and `adopt`, from the command line to the ledger."""

import uuid

import pytest

from controller.sandbox.faults import Fault
from tests.command import shjobs
from tests.conftest import Workspace, ndvi


def run(workspace: Workspace, *arguments: str) -> tuple[int, str]:
    done = shjobs(*arguments, cwd=workspace.root, environment=dict(workspace.environment))
    return done.returncode, done.stdout + done.stderr


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
        pytest.param(["resolve", "nobody", "--not-accepted"], "there is no job nobody", id="no such job"),
        pytest.param(["adopt", "ndvi"], "say either NAME and REQUEST_ID", id="adopt without an id"),
        pytest.param(["adopt", "ndvi", "x"], "already has a submission for this digest", id="already paid for"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(workspace: Workspace, arguments: list[str], words: str) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    code, printed = run(workspace, *arguments)
    assert words in printed
    assert code == 2
