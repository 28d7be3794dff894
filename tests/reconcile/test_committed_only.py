"""`source = "committed"`: an edit is shown and held, never paid for, and its commit lets it go by itself."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.sandbox.faults.faults import Fault
from tests.conftest import Workspace, ndvi
from tests.operations.test_plan_revision import commit, git
from tests.reconcile.test_approvals import APPROVAL
from tests.reconcile.test_approvals import versioned as versioned
from tests.reconcile.test_money import GUARDED, budget, ceiling, reasons, run, three_jobs, with_retries
from tests.support.sets import COUNTRY, SCRIPTS, SLOVENIA
from tests.support.small_set import farm

pytestmark = pytest.mark.slow

ONLY = {"SHJOBS_SOURCE": "committed"}
LISTED = ".shjobsignore"


def found(workspace: Workspace, **changed: str) -> dict[str, str]:
    """The reason of each job after a sync."""
    return reasons(workspace, **ONLY, **changed)


def shown(workspace: Workspace, name: str) -> dict[str, Any]:
    [document] = json.loads(run(workspace, "get", name, "-o", "json", **ONLY))
    return dict(document)


@pytest.fixture
def delivered(versioned: Workspace) -> Workspace:
    """One committed job, delivered; a second commit can follow."""
    versioned.write("ndvi.yaml", ndvi())
    commit(versioned.root, {})
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Delivered"}, 1)
    return versioned


def edit(workspace: Workspace, west: float = 14.42, path: str = "ndvi.yaml") -> None:
    workspace.write(path, ndvi(west=west))


def test_what_is_in_no_commit_is_held_until_it_is_committed(versioned: Workspace) -> None:
    commit(versioned.root, {})
    versioned.write("ndvi.yaml", ndvi())
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Uncommitted"}, 0)
    assert (shown(versioned, "ndvi")["phase"], shown(versioned, "ndvi")["message"]) == (
        "Held",
        "only what is committed is paid for; ndvi.yaml is in no commit yet: commit it",
    )
    git(versioned.root, "add", "--all")
    assert found(versioned) == {"ndvi": "Uncommitted"}  # staged is not committed
    commit(versioned.root, {})
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Delivered"}, 1)


def test_an_edit_is_held_and_what_was_paid_for_before_stays(delivered: Workspace) -> None:
    edit(delivered)
    assert (found(delivered), delivered.posts()) == ({"ndvi": "Uncommitted"}, 1)
    assert "ndvi.yaml differs from the commit that is checked out: commit it, or restore it" in run(
        delivered, "why", "ndvi", **ONLY
    )
    assert len(shown(delivered, "ndvi")["history"]) == 1
    git(delivered.root, "checkout", "--quiet", ".")
    assert (found(delivered), delivered.posts()) == ({"ndvi": "Delivered"}, 1)


def test_the_plan_shows_an_edit_as_held_with_its_price(delivered: Workspace) -> None:
    edit(delivered)
    plan = json.loads(run(delivered, "plan", "-o", "json", **ONLY))
    [job] = plan["jobs"]
    assert (job["action"], job["reason"], plan["totals"]["actions"]) == ("hold", "Uncommitted", {"hold": 1})
    assert "1 held" in run(delivered, "plan", **ONLY)


def _staged(workspace: Workspace) -> None:
    edit(workspace)
    git(workspace.root, "add", "--all")


def _undone(workspace: Workspace) -> None:
    edit(workspace)
    commit(workspace.root, {})
    git(workspace.root, "reset", "--quiet", "--soft", "HEAD~1")


def _renamed(workspace: Workspace) -> None:
    edit(workspace)
    commit(workspace.root, {})
    git(workspace.root, "mv", "jobs.d/ndvi.yaml", "jobs.d/other.yaml")


def _amended_and_edited(workspace: Workspace) -> None:
    git(workspace.root, "commit", "--quiet", "--amend", "--allow-empty", "--message", "other words")
    edit(workspace)


def _of_another_branch(workspace: Workspace) -> None:
    git(workspace.root, "checkout", "--quiet", "-b", "feature")
    edit(workspace)
    commit(workspace.root, {})
    git(workspace.root, "symbolic-ref", "HEAD", "refs/heads/main")  # the branch, without its files


def scripted(name: str, west: float, script: str) -> str:
    """The same job with its script in a file beside it."""
    return f"{ndvi(name, west).partition('    evalscript: |')[0]}  evalscriptFile: {script}\n"


def script(workspace: Workspace, name: str, index: str = "index") -> None:
    (workspace.jobs / name).write_text(SCRIPTS["ndvi.js"].replace("[index(", f"[{index}("))


def _ignored_by_git(workspace: Workspace) -> None:
    (workspace.root / ".gitignore").write_text("state/\nsandbox/\n*.status.yaml\nlocal.yaml\n")
    workspace.write("local.yaml", ndvi("local"))
    (workspace.jobs / "ndvi.yaml").unlink()
    commit(workspace.root, {})


def _linked(workspace: Workspace) -> None:
    """The link is committed, what it leads to is not."""
    (workspace.jobs / "ndvi.yaml").rename(workspace.jobs / "text")
    (workspace.jobs / "text").write_text(ndvi(west=14.42))
    (workspace.jobs / "ndvi.yaml").symlink_to("text")
    git(workspace.root, "add", "jobs.d/ndvi.yaml")
    git(workspace.root, "commit", "--quiet", "--message", "a link")


def _relinked(workspace: Workspace) -> None:
    """Both texts are committed, but not that this one is the job's."""
    (workspace.jobs / "other").write_text(ndvi(west=14.42))
    commit(workspace.root, {})
    (workspace.jobs / "ndvi.yaml").unlink()
    (workspace.jobs / "ndvi.yaml").symlink_to("other")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(edit, id="edited"),
        pytest.param(_staged, id="added to the index"),
        pytest.param(_undone, id="committed, and the commit taken back"),
        pytest.param(_renamed, id="renamed"),
        pytest.param(_amended_and_edited, id="the commit amended, then edited"),
        pytest.param(_of_another_branch, id="the files of another branch"),
        pytest.param(_ignored_by_git, id="ignored by git"),
        pytest.param(_linked, id="a committed link to a text that is not"),
        pytest.param(_relinked, id="a new link to a committed text"),
    ],
)
def test_what_the_commit_does_not_hold_is_not_paid_for(
    delivered: Workspace, change: Callable[[Workspace], None]
) -> None:
    change(delivered)
    assert (set(found(delivered).values()), delivered.posts()) == ({"Uncommitted"}, 1)
    if change is _ignored_by_git:
        git(delivered.root, "add", "--force", "jobs.d/local.yaml")
    commit(delivered.root, {})
    assert (set(found(delivered).values()), delivered.posts()) == ({"Delivered"}, 2)


def test_an_edit_that_asks_for_nothing_new_holds_nothing(delivered: Workspace) -> None:
    delivered.write("ndvi.yaml", f"# a comment\n{ndvi()}")
    assert (found(delivered), delivered.posts()) == ({"ndvi": "Delivered"}, 1)


def test_a_yes_that_is_only_in_the_working_tree_is_none(versioned: Workspace) -> None:
    dear = {"SHJOBS_APPROVAL_ABOVE": "0"}
    versioned.write("ndvi.yaml", ndvi())
    commit(versioned.root, {})
    assert found(versioned, **dear) == {"ndvi": "ApprovalNeeded"}
    versioned.write("ndvi.yaml", ceiling(ndvi(), 1000))  # the request stays the same
    assert (found(versioned, **dear), versioned.posts()) == ({"ndvi": "Uncommitted"}, 0)
    commit(versioned.root, {})
    assert (found(versioned, **dear), versioned.posts()) == ({"ndvi": "Delivered"}, 1)


def test_an_edited_script_holds_every_job_that_uses_it_and_no_other(versioned: Workspace) -> None:
    for number, name in enumerate(("shared.js", "shared.js", "own.js")):
        script(versioned, name)
        versioned.write(f"{number}.yaml", scripted(f"job-{number}", 14.4 + number / 100, name))
    commit(versioned.root, {})
    script(versioned, "shared.js", "2 * index")
    assert found(versioned) == {"job-0": "Uncommitted", "job-1": "Uncommitted", "job-2": "Delivered"}
    assert "shared.js differs from the commit" in shown(versioned, "job-1")["message"]
    git(versioned.root, "stash", "--quiet")
    assert (set(found(versioned).values()), versioned.posts()) == ({"Delivered"}, 3)


def test_a_second_document_whose_script_is_edited_does_not_hold_the_first(versioned: Workspace) -> None:
    for name in ("a.js", "b.js"):
        script(versioned, name)
    versioned.write("both.yaml", f"{scripted('a', 14.41, 'a.js')}---\n{scripted('b', 14.42, 'b.js')}")
    commit(versioned.root, {})
    script(versioned, "b.js", "2 * index")
    assert found(versioned) == {"a": "Delivered", "b": "Uncommitted"}


def test_a_deleted_manifest_is_removed_as_ever_and_comes_back_for_nothing(delivered: Workspace) -> None:
    (delivered.jobs / "ndvi.yaml").unlink()
    delivered.write("other.yaml", ndvi("other"))
    assert found(delivered) == {"other": "Uncommitted"}
    git(delivered.root, "checkout", "--quiet", ".")
    assert (found(delivered), delivered.posts()) == ({"ndvi": "Delivered", "other": "Uncommitted"}, 1)


@pytest.mark.parametrize("listed", ["committed, and deleted", "committed, and edited"])
def test_what_an_uncommitted_ignore_list_lets_in_is_held(versioned: Workspace, listed: str) -> None:
    versioned.write("examples/dear.yaml", ndvi("dear").replace("ndvi.js", "../ndvi.js"))
    versioned.write("ndvi.yaml", ndvi())
    (versioned.jobs / LISTED).write_text("examples/\n")
    commit(versioned.root, {})
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Delivered"}, 1)
    if listed == "committed, and deleted":
        (versioned.jobs / LISTED).unlink()
    else:
        (versioned.jobs / LISTED).write_text("# examples/\n")
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Delivered", "dear": "Uncommitted"}, 1)
    assert LISTED in shown(versioned, "dear")["message"]
    commit(versioned.root, {})
    assert (found(versioned)["dear"], versioned.posts()) == ("Delivered", 2)


def test_a_set_is_held_whole_and_goes_out_when_it_is_committed(versioned: Workspace) -> None:
    versioned.write("farm.yaml", farm())
    cells = json.loads(run(versioned, "get", "set/farm", "--cells", "-o", "json", **ONLY))
    assert {each["reason"] for each in cells} == {"Uncommitted"}
    assert (set(found(versioned)), versioned.posts()) == ({"farm"}, 0)
    commit(versioned.root, {})
    assert (found(versioned)["farm"], versioned.posts()) == ("Delivered", 3)


def test_the_file_of_an_area_counts_as_part_of_its_set(versioned: Workspace) -> None:
    versioned.write("slovenia.yaml", COUNTRY.replace("to: 2024-12", "to: 2024-01"))
    versioned.write("slovenia.geojson", SLOVENIA)
    for name, text in SCRIPTS.items():
        versioned.write(name, text)
    commit(versioned.root, {})
    assert found(versioned, SHJOBS_LARGE_CHANGE_JOBS="0") == {"slovenia": "LargeChange"}
    versioned.write("slovenia.geojson", f" {SLOVENIA}")
    assert found(versioned, SHJOBS_LARGE_CHANGE_JOBS="0") == {"slovenia": "Uncommitted"}
    commit(versioned.root, {})
    assert found(versioned, SHJOBS_LARGE_CHANGE_JOBS="0") == {"slovenia": "LargeChange"}


def test_an_approval_counts_only_while_the_commit_holds_it(versioned: Workspace) -> None:
    three_jobs(versioned)
    commit(versioned.root, {})
    assert set(found(versioned, **GUARDED).values()) == {"LargeChange"}
    [batch] = budget(versioned, **GUARDED)["waiting"]
    versioned.write("yes.yaml", APPROVAL.format(batch["hash"]))
    assert set(found(versioned, **GUARDED).values()) == {"LargeChange"}
    commit(versioned.root, {})
    assert set(found(versioned, **GUARDED).values()) == {"Delivered"}


def _no_repository(workspace: Workspace, _tmp: Path) -> dict[str, str]:
    (workspace.root / ".git").rename(workspace.root / "was-git")
    return {}


def _no_program(workspace: Workspace, tmp: Path) -> dict[str, str]:
    tmp.mkdir()
    return {"PATH": str(tmp)}


def _no_objects(workspace: Workspace, _tmp: Path) -> dict[str, str]:
    shutil.rmtree(workspace.root / ".git" / "objects")
    return {}


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        pytest.param(_no_repository, "is in no git repository", id="no repository"),
        pytest.param(_no_program, "git cannot be asked", id="no git program"),
        pytest.param(_no_objects, "git cannot be asked", id="a repository that cannot be read"),
    ],
)
def test_without_an_answer_of_git_nothing_is_paid_for(
    versioned: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: Callable[..., dict[str, str]],
    words: str,
) -> None:  # fmt: skip
    versioned.write("ndvi.yaml", ndvi())
    commit(versioned.root, {})
    for name, value in lost(versioned, tmp_path / "bin").items():
        monkeypatch.setenv(name, value)
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Uncommitted"}, 0)
    status = versioned.status("ndvi.status.yaml")[0]
    assert words in status["message"]


def test_a_retry_of_what_was_committed_waits_while_its_file_is_edited(versioned: Workspace) -> None:
    versioned.sandbox.faults.add(Fault(name="run-fails", times=1))
    versioned.write("ndvi.yaml", ndvi())
    commit(versioned.root, {})
    assert found(versioned) == {"ndvi": "ErrorReported"}
    versioned.write("ndvi.yaml", f"# a comment\n{ndvi()}")
    run(versioned, "retry", "ndvi", "--yes", **ONLY)
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Uncommitted"}, 1)
    git(versioned.root, "checkout", "--quiet", ".")
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Delivered"}, 2)


def test_a_paid_retry_of_a_committed_manifest_waits_while_it_is_edited(versioned: Workspace) -> None:
    versioned.sandbox.faults.add(Fault(name="run-fails", times=1))
    versioned.write("ndvi.yaml", ndvi())
    commit(versioned.root, {})
    assert found(versioned) == {"ndvi": "ErrorReported"}
    versioned.write("ndvi.yaml", with_retries(ndvi(), 1))  # a retry that no commit allows
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Uncommitted"}, 1)
    commit(versioned.root, {})
    assert (found(versioned), versioned.posts()) == ({"ndvi": "Delivered"}, 2)


def test_the_setting_of_every_day_pays_for_files_as_they_are(versioned: Workspace) -> None:
    versioned.write("ndvi.yaml", ndvi())
    assert (reasons(versioned), versioned.posts()) == ({"ndvi": "Delivered"}, 1)


def test_what_get_shows_without_a_daemon_follows_the_commit_too(versioned: Workspace) -> None:
    """A commit changes no file, so what was last reported is of the past."""
    commit(versioned.root, {})
    versioned.write("ndvi.yaml", ndvi())
    assert found(versioned) == {"ndvi": "Uncommitted"}
    commit(versioned.root, {})
    assert shown(versioned, "ndvi")["phase"] == "Pending"
    [document] = json.loads(run(versioned, "get", "-o", "json", **ONLY))
    assert document["phase"] == "Pending"
    assert "Uncommitted" not in run(versioned, "why", "ndvi", **ONLY)


def test_a_pull_request_is_compared_with_its_base_as_ever(versioned: Workspace, tmp_path: Path) -> None:
    versioned.write("one.yaml", ndvi("one"))
    base = commit(versioned.root, {})
    versioned.write("two.yaml", ndvi("two"))
    commit(versioned.root, {})
    versioned.write("three.yaml", ndvi("three"))
    given = {**ONLY, "SHJOBS_STATE": str(tmp_path / "none")}
    plan = json.loads(run(versioned, "plan", "-o", "json", "--against", base, **given))
    actions = {job["name"]: job["action"] for job in plan["jobs"]}
    assert {name: action for name, action in actions.items() if action != "unchanged"} == {
        "two": "submit", "three": "hold"
    }  # fmt: skip
