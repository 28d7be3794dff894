"""The command line as a person meets it: exit codes, positions, and what it loads."""

import json
import os
from pathlib import Path

import pytest

from tests.conftest import ACCESS_KEY, CLIENT_SECRET, SECRET_KEY, Workspace, ndvi
from tests.support.command import python, shjobs

pytestmark = pytest.mark.slow

HEAVY = {"requests", "sqlite_utils", "obstore", "watchdog", "numpy"}
FIVE_MISTAKES = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata:
  name: Five_Mistakes
spec:
  retrys: 1
  request:
    input:
      bounds:
        bbox: [14.40, 35.80, 14.50]
      data:
        - type: sentinel-2-l2b
          dataFilter:
            timeRange: {from: 2022-06-31T00:00:00Z, to: 2022-07-01T00:00:00Z}
    output:
      width: 64
      height: 32
      delivery:
        s3: {url: "s3://my-bucket/rasters", credentialsRef: my-bucket}
    evalscript: |
      //VERSION=3
      function setup() { return {input: ["B04"], output: {bands: 1}}; }
      function evaluatePixel(sample) { return [sample.B04]; }
"""


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_load_nothing_heavy(option: str, tmp_path: Path) -> None:
    code = (
        f"import sys, controller.cli as c\nc.main([{option!r}])\nprint(sorted(set(sys.modules) & " + repr(HEAVY) + "))"
    )
    done = python(code, cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stderr


def test_check_tells_five_mistakes_with_their_places_in_one_run(workspace: Workspace) -> None:
    workspace.write("five.yaml", FIVE_MISTAKES)
    workspace.write("ndvi.yaml", ndvi())
    done = shjobs("check", cwd=workspace.root)
    places = [line.split(": ")[:2] for line in done.stdout.splitlines()]
    assert places == [
        ["jobs.d/five.yaml:4:3", "E108 metadata.name"],
        ["jobs.d/five.yaml:6:3", "E104 spec.retrys"],
        ["jobs.d/five.yaml:10:9", "E106 spec.request.input.bounds.bbox"],
        ["jobs.d/five.yaml:12:11", "E210 spec.request.input.data[0].type"],
        ["jobs.d/five.yaml:14:25", "E215 spec.request.input.data[0].dataFilter.timeRange.from"],
    ]
    assert done.stderr == "2 files, 1 job accepted, 5 errors, 0 warnings\n"
    assert done.returncode == 1


def test_check_of_good_manifests_is_quiet_and_ends_with_0(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    done = shjobs("check", cwd=workspace.root)
    assert (done.stdout, done.stderr, done.returncode) == ("1 file, 1 job accepted, 0 errors, 0 warnings\n", "", 0)


def test_check_finds_a_script_that_cannot_be_loaded_at_its_line(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi().replace("function evaluatePixel(sample) {", "function evaluatePixel(sample {"))
    done = shjobs("check", cwd=workspace.root)
    assert done.stdout.startswith("jobs.d/ndvi.yaml:26:5: E300 spec.request.evalscript: ")
    assert done.returncode == 1


def test_check_finds_a_broken_script_file_at_its_own_line(workspace: Workspace) -> None:
    head, _ = ndvi().split("    evalscript: |\n")
    workspace.write("sub/ndvi.yaml", head.replace("spec:\n", "spec:\n  evalscriptFile: ../ndvi.js\n"))
    workspace.write(
        "ndvi.js", "//VERSION=3\nfunction setup() { return {input: ['B04'], output: {bands: 1}} }\nlet = ;\n"
    )
    done = shjobs("check", cwd=workspace.root)
    assert done.stdout.startswith("jobs.d/ndvi.js:3:")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("asked", "reported", "summary"),
    [
        pytest.param("jobs.d", True, "1 file, 1 job accepted, 1 error, 0 warnings\n", id="in the folder"),
        pytest.param(
            os.fsdecode(b"jobs.d/caf\xe9.yaml"), True, "0 files, 0 jobs accepted, 1 error, 0 warnings\n", id="alone"
        ),
        pytest.param(
            "jobs.d/ndvi.yaml", False, "1 file, 1 job accepted, 0 errors, 0 warnings\n", id="not for another file"
        ),
    ],
)
def test_check_tells_and_counts_a_name_that_is_not_utf_8(
    workspace: Workspace, asked: str, reported: bool, summary: str
) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.write(os.fsdecode(b"caf\xe9.yaml"), ndvi("cafe"))
    done = shjobs("check", asked, cwd=workspace.root)
    problem = "jobs.d/caf\\udce9.yaml:1:1: E192: has a name that is not UTF-8: rename it\n"
    expected = (problem, summary, 1) if reported else (summary, "", 0)
    assert (done.stdout, done.stderr, done.returncode) == expected


def test_check_refuses_a_credential_outside_its_prefix(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi().replace("s3://my-bucket/rasters", "s3://another-bucket/rasters"))
    done = shjobs("check", cwd=workspace.root)
    assert "may only be used below s3://my-bucket, not for s3://another-bucket/rasters" in done.stdout
    assert done.returncode == 1


def test_plan_shows_what_sync_then_does(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    environment = dict(workspace.environment)
    before = shjobs("plan", "-o", "json", "--detailed-exitcode", cwd=workspace.root, environment=environment)
    [planned] = json.loads(before.stdout)["jobs"]
    assert (planned["action"], planned["why"], before.returncode) == ("submit", "new", 3)
    assert workspace.posts() == 0
    assert not workspace.state.exists()
    done = shjobs("sync", cwd=workspace.root, environment=environment)
    assert done.returncode == 0, done.stderr
    assert workspace.status("ndvi.status.yaml")[0]["outputs"][0]["href"].startswith(planned["prefix"] + "/")
    after = shjobs("plan", "-o", "json", "--detailed-exitcode", cwd=workspace.root, environment=environment)
    assert ([job["action"] for job in json.loads(after.stdout)["jobs"]], after.returncode) == (["unchanged"], 0)


def test_plan_works_without_state_and_without_any_credentials(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    done = shjobs("plan", cwd=workspace.root)
    assert done.returncode == 0, done.stderr
    assert "1 submit (10 PU)" in done.stdout


def test_get_prints_the_status_files(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    done = shjobs("get", "-o", "json", cwd=workspace.root)
    [found] = json.loads(done.stdout)
    assert [each["type"] for each in found.pop("conditions")] == ["Ready", "Reconciling", "Stalled", "Accepted"]
    assert found == {**workspace.status("ndvi.status.yaml")[0], "path": "ndvi.yaml"}
    assert done.returncode == 0


def test_sync_ends_with_1_when_something_failed(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi().replace("return [index", "throw new Error('stop'); return [index"))
    assert shjobs("sync", cwd=workspace.root, environment=dict(workspace.environment)).returncode == 1


def test_secrets_are_nowhere(workspace: Workspace) -> None:
    """OAuth secret and key pair: not in output, ledger, status files, the request copy or the sandbox's ledger."""
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("failing.yaml", ndvi("failing").replace("return [index", "throw new Error('x'); return [index"))
    workspace.write(
        "broken.yaml", ndvi("broken").replace("credentialsRef: my-bucket", f"secretAccessKey: {SECRET_KEY}")
    )
    environment = dict(workspace.environment)
    runs = [
        shjobs(command, cwd=workspace.root, environment=environment) for command in ("check", "plan", "sync", "get")
    ]
    printed = "".join(run.stdout + run.stderr for run in runs)
    files = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}
    for secret in (SECRET_KEY, ACCESS_KEY, CLIENT_SECRET):
        assert secret not in printed
        holders = {path.name for path, content in files.items() if secret.encode() in content}
        assert holders <= {"broken.yaml"}
