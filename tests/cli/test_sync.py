"""From manifest to proof through the real parts: files, loop, ledger, HTTP, sandbox, bucket."""

import json
import os
import shutil
from datetime import UTC, datetime

import jsonschema
import pytest

from controller.ledger.lock import submitter_lock
from controller.ledger.store import Store
from controller.manifest.document import read_documents
from controller.model.errors import StateError, UsageError
from controller.reconcile.wiring import copied_controller
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.reconcile.test_renewal import patient
from tests.support.charges import charges_by_prefix
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

SCHEMA = json.loads((ROOT / "controller/data/request-schema.json").read_text())


def test_a_new_job_succeeds_and_its_status_tells_what_was_delivered(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    status = workspace.sync()["ndvi"]
    assert workspace.status("ndvi.status.yaml") == [status]
    assert (status["phase"], status["reason"]) == ("Succeeded", "Delivered")
    raster = workspace.bucket / status["outputs"][0]["href"].removeprefix("s3://my-bucket/")
    assert raster.stat().st_size == status["outputs"][0]["bytes"]
    assert charges_by_prefix(workspace.sandbox.ledger.entries()) == {
        status["outputs"][0]["href"].rsplit("/", 2)[0]: status["processingUnits"]["spent"]
    }


def test_a_second_sync_does_nothing(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    written = (workspace.jobs / "ndvi.status.yaml").stat().st_mtime_ns
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    assert workspace.posts() == 1
    assert (workspace.jobs / "ndvi.status.yaml").stat().st_mtime_ns == written


def test_rewriting_the_text_of_a_manifest_submits_nothing(workspace: Workspace) -> None:
    path = workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    reordered = ndvi().replace("      width: 64\n      height: 32\n", "      height: 32\n      width: 64  # pixels\n")
    path.write_text("# a comment\n" + reordered.replace("14.50", "14.5").replace("00:00:00Z", "00:00:00.000+00:00"))
    workspace.sync()
    path.rename(workspace.jobs / "moved.yaml")
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    assert workspace.posts() == 1
    assert not (workspace.jobs / "ndvi.status.yaml").exists()
    assert workspace.status("moved.status.yaml")[0]["phase"] == "Succeeded"


def test_a_changed_coordinate_submits_once_and_changing_it_back_submits_nothing(workspace: Workspace) -> None:
    path = workspace.write("ndvi.yaml", ndvi())
    first = workspace.sync()["ndvi"]
    path.write_text(ndvi(west=14.41))
    second = workspace.sync()["ndvi"]
    assert workspace.posts() == 2
    assert second["generation"] == 2
    assert second["requestId"] != first["requestId"]
    path.write_text(ndvi())
    third = workspace.sync()["ndvi"]
    assert workspace.posts() == 2
    assert (third["requestId"], third["phase"]) == (first["requestId"], "Succeeded")


def test_a_removed_and_restored_manifest_submits_nothing_again(workspace: Workspace) -> None:
    workspace.write("other.yaml", ndvi("other"))
    path = workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    path.unlink()
    assert set(workspace.sync()) == {"other"}
    assert not (workspace.jobs / "ndvi.status.yaml").exists()
    path.write_text(ndvi())
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    assert workspace.posts() == 2


@pytest.mark.parametrize("fault", [None, Fault(name="never-deliver"), Fault(name="answer-lost")])
def test_a_job_that_is_ignored_is_removed_and_comes_back_for_nothing(workspace: Workspace, fault: Fault | None) -> None:
    """Whatever became of its submission: it is followed to its end as that of a manifest that was removed."""
    if fault:
        workspace.sandbox.faults.add(fault)
    workspace.write("other.yaml", ndvi("other"))
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi())
    before = workspace.sync()["ndvi"]
    ignored = workspace.write(".shjobsignore", "ndvi.yaml\n")
    assert set(workspace.sync()) == {"other"}
    assert not (workspace.jobs / "ndvi.status.yaml").exists()
    assert (workspace.jobs / "other.status.yaml").exists()
    ignored.unlink()
    after = workspace.sync()["ndvi"]
    assert (after["phase"], after["requestId"]) == (before["phase"], before["requestId"])
    assert workspace.posts() == 2


def test_a_manifest_that_a_list_names_from_the_beginning_is_never_submitted(workspace: Workspace) -> None:
    workspace.write(".shjobsignore", "drafts/\n")
    workspace.write("drafts/ndvi.yaml", ndvi())
    workspace.write("other.yaml", ndvi("other"))
    assert set(workspace.sync()) == {"other"}
    assert workspace.posts() == 1


def test_the_status_of_a_manifest_stays_when_its_clash_is_ignored(workspace: Workspace) -> None:
    """It went with the other file, whose status would have had the same name."""
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("ndvi.json", json.dumps(read_documents(ndvi("other"), "a.yaml")[0].value))
    workspace.sync()
    workspace.write(".shjobsignore", "*.json\n")
    assert set(workspace.sync()) == {"ndvi"}
    assert [document["phase"] for document in workspace.status("ndvi.status.yaml")] == ["Succeeded"]


def test_the_status_of_a_manifest_that_was_never_accepted_goes_with_it(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    broken = workspace.write("sub/broken.yaml", ndvi("broken").replace("width: 64", "width: 64000"))
    foreign = workspace.write("notes.status.yaml", "mine: true\n")
    workspace.sync()
    assert (workspace.jobs / "sub/broken.status.yaml").exists()
    broken.unlink()
    workspace.sync()
    assert not (workspace.jobs / "sub/broken.status.yaml").exists()
    assert foreign.read_text() == "mine: true\n"


def test_a_lost_database_is_made_good_by_the_bucket(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    first = workspace.sync()["ndvi"]
    shutil.rmtree(workspace.state)
    (workspace.jobs / "ndvi.status.yaml").unlink()
    again = workspace.sync()["ndvi"]
    assert (again["phase"], again["requestId"]) == ("Succeeded", first["requestId"])
    assert workspace.posts() == 1


def test_an_empty_or_missing_root_changes_nothing(workspace: Workspace) -> None:
    path = workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    path.rename(workspace.root / "ndvi.yaml")
    (workspace.jobs / "ndvi.status.yaml").unlink()
    workspace.sync()
    (workspace.root / "ndvi.yaml").rename(path)
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    assert workspace.posts() == 1


def test_a_higher_rerun_pays_again_and_a_lower_one_does_not(workspace: Workspace) -> None:
    path = workspace.write("ndvi.yaml", ndvi().replace("spec:\n", "spec:\n  rerun: 1\n"))
    workspace.sync()
    path.write_text(ndvi())
    workspace.sync()
    assert workspace.posts() == 1
    path.write_text(ndvi().replace("spec:\n", "spec:\n  rerun: 2\n"))
    workspace.sync()
    assert workspace.posts() == 2


def test_a_script_that_throws_fails_with_its_own_words_in_the_status(workspace: Workspace) -> None:
    throwing = ndvi().replace("return [index", "throw new Error('no vegetation on the moon'); return [index")
    workspace.write("ndvi.yaml", throwing)
    status = workspace.sync()["ndvi"]
    assert (status["phase"], status["reason"]) == ("Failed", "ErrorReported")
    assert "no vegetation on the moon" in workspace.status("ndvi.status.yaml")[0]["message"]
    assert "outputs" not in status


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Fault(name="never-deliver"), "NothingDelivered", id="nothing ever arrives"),
        pytest.param(Fault(name="zero-byte"), "NothingDelivered", id="the only output is empty"),
    ],
)
def test_a_job_whose_output_never_arrives_is_unknown(workspace: Workspace, fault: Fault, reason: str) -> None:
    workspace.sandbox.faults.add(fault)
    workspace.write("ndvi.yaml", ndvi())
    status = workspace.sync()["ndvi"]
    assert (status["phase"], status["reason"]) == ("Unknown", reason)


@pytest.mark.parametrize("fault", ["answer-lost", "refuse-502-after"])
def test_an_accepted_submission_whose_answer_was_lost_is_found_again(workspace: Workspace, fault: str) -> None:
    workspace.sandbox.faults.add(Fault(name=fault))
    workspace.write("ndvi.yaml", ndvi())
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    assert workspace.posts() == 1


@pytest.mark.parametrize("fault", ["rate-429", "concurrency-429", "spurious-400"])
def test_a_passing_refusal_is_tried_again_without_a_person(workspace: Workspace, fault: str) -> None:
    workspace.sandbox.faults.add(Fault(name=fault))
    workspace.write("ndvi.yaml", ndvi())
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    assert len(charges_by_prefix(workspace.sandbox.ledger.entries())) == 1


def test_refused_credentials_leave_the_job_pending_and_say_why(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    status = workspace.sync(patient(workspace, SHJOBS_CLIENT_SECRET="wrong"))["ndvi"]
    assert (status["phase"], status["reason"]) == ("Pending", "AccountRefused")
    assert workspace.posts() == 0


def test_a_job_without_its_key_pair_is_held(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    status = workspace.sync(workspace.settings(SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY=""))["ndvi"]
    assert (status["phase"], status["reason"]) == ("Held", "CredentialMissing")
    assert workspace.posts() == 0


def test_an_unreadable_bucket_on_a_new_database_holds_the_job(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.bucket.rename(workspace.root / "elsewhere")
    status = workspace.sync()["ndvi"]
    assert (status["phase"], status["reason"]) == ("Held", "HistoryUnknown")
    assert workspace.posts() == 0


def test_a_broken_manifest_is_told_and_leaves_the_others_alone(workspace: Workspace) -> None:
    workspace.write("broken.yaml", ndvi("broken").replace("width: 64", "width: 64000"))
    workspace.write("ndvi.yaml", ndvi())
    status = workspace.sync()
    assert (status["broken"]["phase"], status["ndvi"]["phase"]) == ("Invalid", "Succeeded")
    [problem] = workspace.status("broken.status.yaml")[0]["manifest"]["problems"]
    assert problem.startswith("broken.yaml:15:7: E109 spec.request.output.width: ")


def test_a_job_whose_manifest_breaks_stays_as_last_accepted(workspace: Workspace) -> None:
    path = workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    path.write_text("apiVersion: [")
    status = workspace.sync()["ndvi"]
    assert (status["phase"], status["manifest"]["accepted"]) == ("Succeeded", False)
    assert workspace.posts() == 1


def test_a_job_whose_broken_manifest_went_while_nobody_looked_is_removed(workspace: Workspace) -> None:
    """It stayed as last accepted for ever, and was submitted as soon as nothing else held it."""
    workspace.write("other.yaml", ndvi("other"))
    path = workspace.write("ndvi.yaml", ndvi())
    assert set(workspace.sync(workspace.settings(SHJOBS_MONTHLY_BUDGET="1"))) == {"ndvi", "other"}
    path.write_text("spec: [")
    workspace.sync(workspace.settings(SHJOBS_MONTHLY_BUDGET="1"))
    path.unlink()
    assert set(workspace.sync()) == {"other"}
    assert workspace.posts() == 1


def test_a_name_that_is_not_utf_8_is_logged_once_and_again_when_it_comes_back(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    def scanned() -> list[str]:
        caplog.clear()
        assembly.loop.rescan()
        assembly.loop.turn([], now)
        return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]

    workspace.write("ndvi.yaml", ndvi())
    first = workspace.write(os.fsdecode(b"a\xe9.yaml"), ndvi("first"))
    now = datetime.now(UTC)
    with copied_controller(workspace.settings(), lambda _news: None, lambda _call: None) as assembly:
        assembly.loop.start(now)
        assert scanned() == ["WARNING a\\udce9.yaml:1:1: E192: has a name that is not UTF-8: rename it"]
        assert scanned() == []
        workspace.write(os.fsdecode(b"b\xe9.yaml"), ndvi("second"))
        assert scanned() == ["WARNING b\\udce9.yaml:1:1: E192: has a name that is not UTF-8: rename it"]
        first.unlink()
        assert scanned() == []
        workspace.write(os.fsdecode(b"a\xe9.yaml"), ndvi("first"))
        assert scanned() == ["WARNING a\\udce9.yaml:1:1: E192: has a name that is not UTF-8: rename it"]


def test_every_posted_body_is_valid_against_the_schema_of_the_service(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    [body] = workspace.bodies
    jsonschema.Draft202012Validator(SCHEMA).validate(body)


def test_a_second_submitter_is_refused_and_told_who_holds_the_state(workspace: Workspace) -> None:
    with submitter_lock(workspace.state), pytest.raises(StateError, match=r"in use by process \d+"):
        workspace.sync()


def test_a_ledger_of_another_deployment_is_refused_by_name(workspace: Workspace) -> None:
    with Store.open(workspace.state, {"deployment": "cdse", "account": None}):
        pass
    with pytest.raises(StateError, match="belongs to the deployment 'cdse', the settings name 'sandbox'"):
        workspace.sync()


def test_without_an_oauth_client_nothing_starts(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="SHJOBS_CLIENT_ID"):
        workspace.sync(workspace.settings(SHJOBS_CLIENT_ID=""))
    assert not workspace.state.exists()
