"""`doctor`: each thing that can be wrong is told with what to do, and nothing is left behind."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from controller.ledger.lock import holder, submitter_lock
from controller.ledger.pause import pause
from controller.sandbox.ledger import posts
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from tests.bucket.test_client import raw
from tests.bucket.test_policy import policy, statement
from tests.cli.test_sync_s3 import SETTINGS as S3_SETTINGS
from tests.cli.test_sync_s3 import moved
from tests.conftest import ACCESS_KEY, CLIENT_SECRET, SECRET_KEY, Workspace, ndvi, opened_workspace
from tests.operations.test_plan_revision import commit, git
from tests.support.command import shjobs
from tests.support.factories import NOW
from tests.support.makers import FOREIGN, NEWER, Make, empty, ledger, no_bucket, settings, variables, written
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow

Signs = dict[str, tuple[str, str, str]]


def doctor(workspace: Workspace, *arguments: str, **variables: str) -> tuple[int, dict[str, Any]]:
    environment = {**workspace.environment, **variables}
    done = shjobs("doctor", "-o", "json", *arguments, cwd=workspace.root, environment=environment)
    assert "Traceback" not in done.stderr, done.stderr
    for secret in (SECRET_KEY, ACCESS_KEY, CLIENT_SECRET):
        assert secret not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def diagnoses(document: dict[str, Any]) -> Signs:
    return {
        each["name"]: (each["health"], each.get("message", ""), each.get("advice", "")) for each in document["signs"]
    }


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.write("ndvi.yaml", ndvi())
    return workspace


def files(workspace: Workspace) -> list[Path]:
    """Everything but what the sandbox notes, and the cache of `check`."""
    found = workspace.root.rglob("*")
    return sorted(path for path in found if ".cache" not in path.parts and path.name != "ledger.jsonl")


NAMES = [
    *("versions", "settings", "state", "ledger", "tree", "status files", "revision", "watching"),
    *("clock", "token", "endpoint", "credential my-bucket", "s3://my-bucket"),
]


def test_all_is_well_and_nothing_is_sent_or_written(workspace: Workspace) -> None:
    before = files(workspace)
    code, document = doctor(workspace)
    assert (code, {health for health, *_ in diagnoses(document).values()}) == (0, {"ok"})
    assert [each["name"] for each in document["signs"]] == NAMES
    assert workspace.posts() == 0
    assert files(workspace) == before


def no_settings(workspace: Workspace) -> dict[str, str]:
    (workspace.root / "shjobs.toml").unlink()
    return {name: "" for name in workspace.environment if "CREDENTIALS" in name}


NOWHERE = variables(SHJOBS_BASE_URL="http://127.0.0.1:1", SHJOBS_TOKEN_URL="http://127.0.0.1:1/oauth/token")
NO_KEYS = variables(SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY="")
GARBAGE = b"SQLite format 3\0 and then nothing" * 100
WRONG = {
    "there are no settings": (no_settings, "settings", "warn", "there is no shjobs.toml", "`shjobs init` makes one"),
    "a misspelt setting": (settings("maxRuning = 1"), "settings", "fail", "maxRuning: unknown key", "fix it first"),
    "a wrong client secret": (
        variables(SHJOBS_CLIENT_SECRET="wrong"), "token", "fail", "does not accept the OAuth client",
        "set SHJOBS_CLIENT_ID",
    ),
    "no OAuth client": (
        variables(SHJOBS_CLIENT_ID=""), "token", "fail", "there is no OAuth client", "set SHJOBS_CLIENT_ID and",
    ),
    "nothing listens": (NOWHERE, "clock", "fail", "nothing listens there", "make sure the service can be reached"),
    "nothing listens for a token": (NOWHERE, "token", "fail", "cannot be reached", "try again later"),
    "no key pair": (
        NO_KEYS, "credential my-bucket", "warn", "has no key pair", "set SHJOBS_CREDENTIALS_MY_BUCKET_ACC",
    ),
    "a bucket that is not there": (
        no_bucket, "s3://my-bucket", "fail", "there is no folder", "and how it ended is unknown",
    ),
    "no manifests": (empty, "tree", "fail", "jobs.d is empty", "write a manifest there"),
    "a file for the state": (written("state", ""), "state", "fail", "cannot be written", "another folder with `state`"),
    "a ledger that is none": (written("state/shjobs.db", GARBAGE), "ledger", "fail", "cannot be used", "move it away"),
    "another account's ledger": (
        ledger(FOREIGN), "ledger", "fail", "belongs to 'somebody-else'", "use the former, or another state",
    ),
    "a newer ledger": (ledger(NEWER), "ledger", "fail", "was written by a newer version", "restore it"),
}  # fmt: skip


@pytest.mark.parametrize("row", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_what_to_do(workspace: Workspace, row: tuple[Make, str, str, str, str]) -> None:
    make, name, health, words, advice = row
    code, document = doctor(workspace, **(make(workspace) or {}))
    found = diagnoses(document)[name]
    assert (found[0], words in found[1], advice in found[2]) == (health, True, True), found
    assert code == int(health == "fail")


def test_a_state_directory_in_use_is_told_with_its_holder(workspace: Workspace) -> None:
    workspace.state.mkdir()
    assert holder(workspace.state) == ""
    with submitter_lock(workspace.state):
        _, document = doctor(workspace)
        assert diagnoses(document)["state"][1].endswith(f"in use by process {os.getpid()}")
    assert holder(workspace.state) == ""


def test_the_revision_is_told_with_its_author(workspace: Workspace) -> None:
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    (workspace.root / ".gitignore").write_text("sandbox/\n.cache/\n")
    made = commit(workspace.root, {})
    workspace.write("new.yaml", ndvi("new"))
    _, document = doctor(workspace)
    expected = f"{made[:12]} on main, by somebody <somebody>; files that differ: 1"
    assert diagnoses(document)["revision"] == ("ok", expected, "")


def test_a_commit_that_git_cannot_list_is_told(workspace: Workspace) -> None:
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    commit(workspace.root, {})
    _, document = doctor(workspace, PATH="/nowhere")
    health, words, _ = diagnoses(document)["revision"]
    assert (health, "no approval counts" in words) == ("warn", True), words


def test_for_people_each_sign_is_a_line(workspace: Workspace) -> None:
    done = shjobs("doctor", cwd=workspace.root, environment=dict(workspace.environment))
    assert [line[6:].split(": ")[0] for line in done.stdout.splitlines() if line.startswith("ok  ")] == NAMES


def test_write_writes_to_each_bucket_and_removes_it_again(workspace: Workspace) -> None:
    code, document = doctor(workspace, "--write")
    reported = [each["message"] for each in document["signs"] if each["name"] == "s3://my-bucket"]
    assert (code, reported) == (0, ["can be listed; objects: 0", "can be written"])
    assert list(workspace.bucket.iterdir()) == []


@pytest.fixture
def cloud(endpoint: str, workspace: Workspace) -> Workspace:
    """The bucket at an S3 endpoint, as a deployment with a reader has it."""
    assert raw(endpoint, "PUT", "/my-bucket") == 200
    text = S3_SETTINGS.format(endpoint=endpoint)
    (workspace.root / "shjobs.toml").write_text(text, encoding="utf-8")
    return workspace


def test_in_s3_it_can_be_listed_and_written(cloud: Workspace) -> None:
    code, document = doctor(cloud, "--write")
    reported = [each["message"] for each in document["signs"] if each["name"] == "s3://my-bucket"]
    assert (code, reported) == (0, ["can be listed; objects: 0", "can be written"])


@pytest.mark.parametrize(
    ("text", "health", "words"),
    [
        pytest.param(None, "warn", "there is none", id="no policy"),
        pytest.param(
            policy(statement(Action="s3:ListBucket")), "warn", "does not allow s3:GetBucketLocation", id="part"
        ),
        pytest.param(policy(statement(Resource="*")), "ok", "lets the service read", id="all"),
    ],
)
def test_the_policy_is_read_where_the_service_needs_one(
    cloud: Workspace, endpoint: str, text: str | None, health: str, words: str
) -> None:
    """The account is out of reach here: its own signs fail, and the others are told all the same."""
    if text is not None:
        import requests

        with requests.Session() as http:
            http.trust_env = False
            assert http.put(f"{endpoint}/my-bucket?policy", data=text, timeout=LONGEST).ok
    settings = (cloud.root / "shjobs.toml").read_text().replace('"sandbox"\ntimeScale = 0.02', '"cdse"')
    (cloud.root / "shjobs.toml").write_text(settings)
    away = {"SHJOBS_BASE_URL": "http://127.0.0.1:1", "SHJOBS_TOKEN_URL": "http://127.0.0.1:1"}
    code, document = doctor(cloud, **away)
    found = diagnoses(document)["policy of my-bucket"]
    assert (code, found[0], words in found[1]) == (1, health, True), found


def test_the_probe_learns_how_the_deployment_behaves_and_cleans_up(tmp_path: Path) -> None:
    with opened_workspace(tmp_path, run_polls=1) as workspace:
        workspace.write("ndvi.yaml", ndvi())
        code, document = doctor(workspace, "--probe", "--yes")
        report = document["probe"]
        assert (code, diagnoses(document)["probe"][0]) == (0, "ok")
        assert report == json.loads((workspace.state / "probe.json").read_text())
        assert (report["deployment"], report["outcome"], report["processingUnits"]) == ("sandbox", "succeeded", 10.0)
        found = {each["question"]: (each["found"], each["agrees"]) for each in report["observations"]}
        assert found == {
            "A1": (["<REQUEST_ID>/request-<REQUEST_ID>.json"], True),
            "A2": (["costPU"], True),
            "A3": (False, True),
            "A9": ({"image/tiff": "tif", "application/json": "json"}, True),
            "A7": (["outputsComplete", "cost", "gone"], True),
            "B13": ([], True),
            "B16": (["RUNNING"], True),
        }
        assert {name for name, seconds in report["seconds"].items() if seconds is None} == set()
        assert not [path for path in workspace.bucket.rglob("*") if path.is_file()]
        assert workspace.posts() == 1


def test_the_probe_is_in_the_ledger_and_disturbs_no_job(workspace: Workspace) -> None:
    doctor(workspace, "--probe", "--yes")
    document = json.loads(shjobs("budget", "-o", "json", cwd=workspace.root).stdout)
    assert (document["spent"], document["reserved"]) == (10.0, 0.0)
    assert workspace.sync().keys() == {"ndvi"}
    doctor(workspace, "--probe", "--yes")
    assert workspace.sync().keys() == {"ndvi"}
    assert workspace.posts() == 3


def faulty(workspace: Workspace, name: str, **fault: Any) -> None:
    import requests

    with requests.Session() as http:
        http.trust_env = False
        url = f"{workspace.sandbox.base_url}/sandbox/faults"
        assert http.post(url, json={"name": name, **fault}, timeout=LONGEST).ok


def test_a_deployment_that_behaves_in_another_way_is_seen(workspace: Workspace) -> None:
    faulty(workspace, "copy-in-root")
    _, document = doctor(workspace, "--probe", "--yes")
    [seen] = [each for each in document["probe"]["observations"] if each["question"] == "A1"]
    assert (seen["found"], seen["agrees"]) == (["request-<REQUEST_ID>.json"], True)


@pytest.mark.parametrize(
    ("fault", "words", "row"),
    [
        pytest.param("forbidden-403", "was refused: ", ("refused", None), id="refused: nothing was paid"),
        pytest.param(
            "answer-lost", "got no clear answer: ", ("accepted", "succeeded"), id="its answer lost: sync finds it"
        ),
    ],
)
def test_a_probe_that_goes_wrong_is_told(
    workspace: Workspace, fault: str, words: str, row: tuple[str, str | None]
) -> None:
    faulty(workspace, fault)
    code, document = doctor(workspace, "--probe", "--yes")
    assert (code, diagnoses(document)["probe"][0], words in diagnoses(document)["probe"][1]) == (1, "fail", True)
    if row[1]:
        workspace.sync()
    with closing(sqlite3.connect(workspace.state / "shjobs.db")) as db:
        rows = db.execute("select answer, verdict from submission where job = 'shjobs-probe'").fetchall()
    assert rows == [row]
    assert len([each for each in workspace.bodies if "photo" in str(each)]) == int(row[1] is not None)


def test_the_probe_is_asked_about_first(workspace: Workspace) -> None:
    done = shjobs("doctor", "--probe", cwd=workspace.root, environment=dict(workspace.environment))
    assert "Send one request to sandbox for up to 10 PU, delivered below s3://my-bucket?" in done.stderr
    assert (done.returncode, workspace.posts()) == (2, 0)


def paused(workspace: Workspace) -> None:
    pause(workspace.state, "ann", NOW)


def named_alike(workspace: Workspace) -> None:
    workspace.write("probe.yaml", ndvi("shjobs-probe"))
    workspace.sync()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(
            variables(SHJOBS_MONTHLY_BUDGET="9"),
            "the probe may cost 10.00 PU, but 9.00 are left of monthlyBudget",
            id="no budget",
        ),
        pytest.param(paused, "submissions are paused", id="a pause"),
        pytest.param(named_alike, "a manifest declares a job shjobs-probe", id="a job of its name"),
    ],
)
def test_the_probe_keeps_the_rules(workspace: Workspace, make: Make, words: str) -> None:
    environment = {**workspace.environment, **(make(workspace) or {})}
    before = len(posts(workspace.sandbox.ledger.entries()))
    done = shjobs("doctor", "--probe", "--yes", cwd=workspace.root, environment=environment)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert workspace.posts() == before


def test_the_probe_waits_for_no_other_submitter(workspace: Workspace) -> None:
    with submitter_lock(workspace.state):
        done = shjobs("doctor", "--probe", "--yes", cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, "only one process at a time may submit" in done.stderr) == (2, True)
    assert workspace.posts() == 0


def test_the_probe_works_in_s3(cloud: Workspace, endpoint: str, tmp_path: Path) -> None:
    options = SandboxOptions(folder=tmp_path / "s3", port=0, s3_endpoint=endpoint, requests_per_minute=0)
    with Sandbox(options) as sandbox:
        code, document = doctor(moved(cloud, sandbox), "--probe", "--yes", "--url", "s3://my-bucket/probes")
    assert (code, document["probe"]["outcome"]) == (0, "succeeded")
    assert b"shjobs-probe" not in _listed(endpoint)


def _listed(endpoint: str) -> bytes:
    import requests

    with requests.Session() as http:
        http.trust_env = False
        return http.get(f"{endpoint}/my-bucket", timeout=LONGEST).content
