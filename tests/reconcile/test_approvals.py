"""Approval by commit: a reviewed file releases exactly what it names, and says who committed it."""

import json
from pathlib import Path
from typing import Any

import pytest

from controller.cli.output.plan_table import approval_lines
from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.operations.test_plan_revision import commit, git
from tests.reconcile.test_money import GUARDED, SMALLEST, budget, ceiling, reasons, run, three_jobs
from tests.support.command import shjobs

pytestmark = pytest.mark.slow

APPROVAL = "apiVersion: shjobs/v1\nkind: Approval\nspec:\n  hashes: ['{}']\n  reason: the summer of 2022\n"


@pytest.fixture
def versioned(workspace: Workspace) -> Workspace:
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    (workspace.root / ".gitignore").write_text("state/\nsandbox/\n*.status.yaml\n")
    commit(workspace.root, {})
    return workspace


def planned(workspace: Workspace, *arguments: str, **changed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(workspace, "plan", "-o", "json", *arguments, **GUARDED, **changed))
    return found


def waiting(workspace: Workspace) -> str:
    [batch] = budget(workspace, **GUARDED)["waiting"]
    return str(batch["hash"])


def events(workspace: Workspace) -> list[str]:
    rows = [json.loads(line) for line in run(workspace, "events", "-o", "json", "-n", "100").splitlines()]
    return [each["message"] for each in rows if each["reason"] in ("Approved", "Asked")]


def approve(workspace: Workspace, label: str, path: str = "yes.yaml") -> str:
    return commit(workspace.root, {f"jobs.d/{path}": APPROVAL.format(label)})


def test_a_committed_approval_releases_the_held_change_and_says_who(versioned: Workspace) -> None:
    three_jobs(versioned)
    assert set(reasons(versioned, **GUARDED).values()) == {"LargeChange"}
    label = waiting(versioned)
    made = approve(versioned, label)
    found = versioned.sync(versioned.settings(**GUARDED))
    by = f"commit {made[:10]} of {author_of(versioned)} in yes.yaml"
    assert {status["reason"] for status in found.values()} == {"Delivered"}
    assert {status["approvedBy"] for status in found.values()} == {by}
    assert events(versioned) == [
        f"{by} accepted {label}: 3 of up to 30.00 PU are released (new: 3 jobs); reason: the summer of 2022"
    ]


def author_of(workspace: Workspace) -> str:
    return git(workspace.root, "log", "-1", "--format=%an <%ae>").strip()


def test_an_approval_that_is_not_committed_releases_nothing_until_it_is(versioned: Workspace) -> None:
    three_jobs(versioned)
    reasons(versioned, **GUARDED)
    versioned.write("yes.yaml", APPROVAL.format(waiting(versioned)))
    assert set(reasons(versioned, **GUARDED).values()) == {"LargeChange"}
    [said] = planned(versioned)["approvals"]
    assert said["effect"] == "none until its file is committed as it is now"
    commit(versioned.root, {})
    assert set(reasons(versioned, **GUARDED).values()) == {"Delivered"}


@pytest.mark.parametrize("lost", ["no git program", "a commit that cannot be listed"])
def test_an_approval_counts_only_while_git_can_say_that_it_is_committed(
    versioned: Workspace, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """It was taken as committed, and paid for."""
    three_jobs(versioned)
    reasons(versioned, **GUARDED)
    versioned.write("yes.yaml", APPROVAL.format(waiting(versioned)))
    objects = versioned.root / ".git" / "objects"
    with monkeypatch.context() as without:
        if lost == "no git program":
            without.setenv("PATH", "/nowhere")
        else:
            objects.rename(objects.with_name("lost"))
        assert (set(reasons(versioned, **GUARDED).values()), versioned.posts()) == ({"LargeChange"}, 0)
        [said] = planned(versioned)["approvals"]
        assert said["effect"] == "none until git can say whether its file is committed as it is now"
    if not objects.exists():
        objects.with_name("lost").rename(objects)
    assert (set(reasons(versioned, **GUARDED).values()), versioned.posts()) == ({"LargeChange"}, 0)
    commit(versioned.root, {})
    assert set(reasons(versioned, **GUARDED).values()) == {"Delivered"}


def test_what_was_approved_stays_so_without_git(versioned: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    three_jobs(versioned)
    reasons(versioned, **GUARDED)
    approve(versioned, waiting(versioned))
    versioned.sandbox.faults.add(Fault(name="forbidden-403", times=100))
    reasons(versioned, **GUARDED)
    monkeypatch.setenv("PATH", "/nowhere")
    found = versioned.sync(versioned.settings(**GUARDED))
    assert all("approved by commit " in status["message"] for status in found.values()), found


def test_an_approval_in_the_same_commit_as_the_change_has_the_hash_that_the_pull_request_shows(
    versioned: Workspace, tmp_path: Path
) -> None:
    """CI has neither state nor keys: what it computes is what the controller computes after the merge."""
    base = commit(versioned.root, {})
    three_jobs(versioned)
    commit(versioned.root, {})
    keys = {name: "" for name in versioned.environment if "KEY" in name or "SECRET" in name}
    found = planned(versioned, "--against", base, SHJOBS_STATE=str(tmp_path / "none"), **keys)
    [label] = {job["why"].partition("shjobs accept ")[2][:12] for job in found["jobs"]}
    approve(versioned, label)
    again = planned(versioned, "--against", base, SHJOBS_STATE=str(tmp_path / "none"), **keys)
    assert again["totals"]["submissions"] == 3
    assert [each["effect"] for each in again["approvals"]] == ["releases its large change"]
    assert set(reasons(versioned, **GUARDED).values()) == {"Delivered"}


def test_an_approval_covers_no_job_that_joins_later(versioned: Workspace) -> None:
    three_jobs(versioned)
    reasons(versioned, **GUARDED)
    label = waiting(versioned)
    versioned.write("0.yaml", ndvi("job-0", 14.49))  # an edited job is another one
    approve(versioned, label)
    assert "LargeChange" in reasons(versioned, **GUARDED).values()
    [said] = planned(versioned)["approvals"]
    assert said["effect"].startswith("none: it may be used up")


def test_removing_an_approval_takes_nothing_back_and_one_removed_in_time_releases_nothing(versioned: Workspace) -> None:
    three_jobs(versioned)
    reasons(versioned, **GUARDED)
    label = waiting(versioned)
    approve(versioned, label)
    (versioned.jobs / "yes.yaml").unlink()
    commit(versioned.root, {})
    assert set(reasons(versioned, **GUARDED).values()) == {"LargeChange"}
    approve(versioned, label)
    reasons(versioned, **GUARDED)
    [said] = planned(versioned)["approvals"]
    assert said["effect"] == "none: it is used up"
    (versioned.jobs / "yes.yaml").unlink()
    assert (set(reasons(versioned, **GUARDED).values()), versioned.posts()) == ({"Delivered"}, 3)


def test_an_approval_lets_submissions_go_on_after_one_that_cost_too_much(versioned: Workspace) -> None:
    versioned.write("dear.yaml", ceiling(ndvi("dear"), SMALLEST / 2))
    reasons(versioned, SHJOBS_MONTHLY_BUDGET="1000")
    versioned.write("next.yaml", ndvi("next", 14.41))
    assert reasons(versioned, SHJOBS_MONTHLY_BUDGET="1000")["next"] == "Overspent"
    [held] = budget(versioned, SHJOBS_MONTHLY_BUDGET="1000")["overspent"]
    approve(versioned, held["hash"])
    assert reasons(versioned, SHJOBS_MONTHLY_BUDGET="1000")["next"] == "Delivered"
    assert "submissions go on after dear" in events(versioned)[-1]


def test_who_approved_stays_known_while_it_waits_and_after_a_restart(versioned: Workspace) -> None:
    three_jobs(versioned)
    reasons(versioned, **GUARDED)
    approve(versioned, waiting(versioned))
    versioned.sandbox.faults.add(Fault(name="forbidden-403", times=100))
    for _ in range(2):
        found = versioned.sync(versioned.settings(**GUARDED))
        assert all("approved by commit " in status["message"] for status in found.values()), found


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        pytest.param(SMALLEST, "Delivered", id="a single job whose manifest names its ceiling is not asked twice"),
        pytest.param(SMALLEST / 2, "LargeChange", id="a ceiling below what it may cost is no yes"),
    ],
)
def test_a_ceiling_is_the_yes_to_a_single_job(workspace: Workspace, units: float, expected: str) -> None:
    workspace.write("dear.yaml", ceiling(ndvi("dear"), units))
    limit = {"SHJOBS_LARGE_CHANGE_PROCESSING_UNITS": str(SMALLEST / 4), "SHJOBS_APPROVAL_ABOVE": "1"}
    wanted = {"dear": expected if units >= SMALLEST else "ApprovalNeeded"}
    assert reasons(workspace, **limit) == wanted


def test_several_jobs_with_ceilings_are_still_a_large_change(workspace: Workspace) -> None:
    for number in range(2):
        workspace.write(f"{number}.yaml", ceiling(ndvi(f"job-{number}", 14.4 + number / 100), SMALLEST))
    limit = {"SHJOBS_LARGE_CHANGE_PROCESSING_UNITS": str(SMALLEST)}
    assert set(reasons(workspace, **limit).values()) == {"LargeChange"}


def test_accept_says_who(workspace: Workspace) -> None:
    three_jobs(workspace)
    reasons(workspace, **GUARDED)
    run(workspace, "accept", waiting(workspace), **GUARDED, SHJOBS_OPERATOR="ann@example.org")
    found = workspace.sync(workspace.settings(**GUARDED))
    assert {status["approvedBy"] for status in found.values()} == {"ann@example.org"}
    assert events(workspace)[-1].startswith("ann@example.org accepted ")


def test_the_plan_shows_what_releases_first_and_stays_short_among_old_approvals() -> None:
    old = [{"hash": f"{number:012x}", "path": "old.yaml", "effect": "none: it is used up"} for number in range(5000)]
    new = {"hash": "3e8e2ab41b53", "path": "new.yaml", "effect": "releases its large change"}
    lines = list(approval_lines({"approvals": [*old, new]}))
    assert (lines[0], len(lines), lines[-1]) == (
        "approval of 3e8e2ab41b53 (new.yaml): releases its large change", 11, "and 4,991 more approvals",
    )  # fmt: skip


def test_check_reads_approvals_and_says_that_one_may_be_used_up(workspace: Workspace) -> None:
    workspace.write("yes.yaml", APPROVAL.format("3e8e2ab41b53"))
    done = shjobs("check", "--no-cache", cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, done.stdout) == (0, "1 file, 0 jobs accepted, 0 errors, 0 warnings\n")
    assert done.stderr == (
        "jobs.d/yes.yaml: an approval may be used up; `shjobs plan` says what each hash releases now, if anything\n"
    )
    workspace.write("yes.yaml", APPROVAL.format("3E8E2AB41B53"))
    done = shjobs("check", "--no-cache", cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, "E108 spec.hashes[0]: is no hash" in done.stdout) == (1, True)
