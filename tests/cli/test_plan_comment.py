"""`plan --comment` as a CI run calls it: the plan is printed as ever, and stands in the pull request once."""

import json
from pathlib import Path

import pytest

from tests.conftest import Workspace, ndvi
from tests.operations.test_plan_revision import git
from tests.support.command import Done, shjobs
from tests.support.git_hosts import PROJECT, REPOSITORY, TOKEN, StatusHost

NOWHERE = dict.fromkeys(
    (
        *("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_API_URL", "GITHUB_REF", "GITHUB_EVENT_PATH", "GITHUB_TOKEN"),
        *("GITEA_ACTIONS", "GITEA_TOKEN", "GITLAB_CI", "GITLAB_TOKEN", "CI_API_V4_URL", "CI_PROJECT_ID"),
        *("CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_PROJECT_ID", "SHJOBS_COMMENT_TOKEN"),
    ),
    "",
)


@pytest.fixture
def repository(workspace: Workspace) -> Workspace:
    """A branch that adds a job to the one of the target."""
    git(workspace.root, "init", "--quiet")
    (workspace.root / ".gitignore").write_text("state/\nshjobs.toml\n", encoding="utf-8")
    git(workspace.root, "add", "--all")
    git(workspace.root, "commit", "--quiet", "--message", "the target")
    workspace.write("b.yaml", ndvi("b"))
    return workspace


def run_at(host: StatusHost, event: Path) -> dict[str, str]:
    """The variables of a run for pull request 12 at this host."""
    if host.kind == "gitlab":
        merge = {"CI_API_V4_URL": host.url, "CI_PROJECT_ID": PROJECT, "CI_MERGE_REQUEST_IID": "12"}
        return {**NOWHERE, "GITLAB_CI": "true", **merge, "SHJOBS_COMMENT_TOKEN": TOKEN}
    event.write_text(json.dumps({"pull_request": {"number": 12}}), encoding="utf-8")
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": host.url, "GITHUB_REPOSITORY": REPOSITORY}
    gitea = {"GITEA_ACTIONS": "true"} if host.kind == "gitea" else {}
    return {**NOWHERE, **actions, **gitea, "GITHUB_EVENT_PATH": str(event), "GITHUB_TOKEN": TOKEN}


def planned(workspace: Workspace, environment: dict[str, str], *more: str) -> Done:
    return shjobs("plan", "--against", "HEAD", *more, cwd=workspace.root, environment=environment)


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_a_second_run_replaces_the_comment_of_the_first(repository: Workspace, tmp_path: Path, kind: str) -> None:
    with StatusHost(kind=kind) as host:
        environment = run_at(host, tmp_path / "event.json")
        first = planned(repository, environment, "-o", "markdown", "--comment")
        repository.write("c.yaml", ndvi("c"))
        second = planned(repository, environment, "--comment", "--detailed-exitcode")
    where = "merge request 12" if kind == "gitlab" else "pull request 12"
    assert (first.returncode, first.stderr, second.returncode) == (0, f"commented on {where}\n", 3)
    assert first.stdout.startswith("### shjobs plan: ")
    assert not second.stdout.startswith("###")
    [comment] = [each["body"] for each in host.comments]
    assert comment.startswith("<!-- shjobs plan jobs.d -->\n### shjobs plan: 2 submit")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        pytest.param(
            StatusHost(kind="github", read_only=True), "not commented on pull request 12: it answered 403",
            id="a run of a fork, whose token may only read",
        ),
        pytest.param(
            StatusHost(kind="gitlab", users={}), "not commented on merge request 12: it answered 401", id="an old token"
        ),
    ],
)  # fmt: skip
def test_a_comment_that_fails_changes_nothing_else(
    repository: Workspace, tmp_path: Path, host: StatusHost, words: str
) -> None:  # fmt: skip
    with host:
        environment = run_at(host, tmp_path / "event.json")
        without = planned(repository, environment, "-o", "markdown")
        done = planned(repository, environment, "-o", "markdown", "--comment")
    assert (done.returncode, done.stdout) == (without.returncode, without.stdout)
    assert words in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_a_push_has_no_pull_request_to_comment_on(repository: Workspace, tmp_path: Path) -> None:
    with StatusHost(kind="github") as host:
        environment = {**run_at(host, tmp_path / "event.json"), "GITHUB_EVENT_PATH": "", "GITHUB_REF": "refs/heads/x"}
        done = planned(repository, environment, "--comment=github")
    assert (done.returncode, done.stderr) == (0, "not commented: this run is for no pull request\n")
    assert host.requests == []
