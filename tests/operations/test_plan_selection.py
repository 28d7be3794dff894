"""`plan NAME…`, `plan -l` and `sync -l`: what is shown, and that only that is submitted."""

import json

import pytest

from controller.operations.plan.plan import plan
from tests.conftest import Workspace
from tests.operations.test_job_states import labelled
from tests.operations.test_plan import actions, sent, submitted
from tests.support.command import shjobs

pytestmark = pytest.mark.slow


@pytest.fixture
def teams(workspace: Workspace) -> Workspace:
    """Two jobs of one team and one of another; three at once are a large change."""
    for name, west, team in (("a", 14.41, "agri"), ("b", 14.42, "agri"), ("c", 14.43, "ice")):
        workspace.write(f"{name}.yaml", labelled(name, west, team=team))
    text = (workspace.root / "shjobs.toml").read_text(encoding="utf-8")
    (workspace.root / "shjobs.toml").write_text("largeChangeJobs = 2\n" + text, encoding="utf-8")
    return workspace


def test_plan_by_label_shows_what_sync_by_label_submits(teams: Workspace) -> None:
    found = plan(teams.settings(), selector=("team=agri",))
    assert actions(found) == {"a": "submit", "b": "submit"}
    assert found["totals"]["submissions"] == 2
    [assumed] = [each for each in found["assumptions"] if "-l" in each]
    assert assumed == "only the jobs that `-l team=agri` selects are submitted, as `sync -l team=agri` does"
    done = shjobs("sync", "-l", "team=agri", cwd=teams.root, environment=dict(teams.environment))
    assert (done.returncode, sent(teams)) == (0, submitted(found))
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:3]] == [["a", "Succeeded"], ["b", "Succeeded"]]


def test_the_jobs_that_are_not_selected_wait_for_the_next_run(teams: Workspace) -> None:
    shjobs("sync", "-l", "team=agri", cwd=teams.root, environment=dict(teams.environment))
    [status] = teams.status("c.status.yaml")
    assert (status["phase"], status["reason"]) == ("Pending", "NotSelected")
    assert teams.sync()["c"]["phase"] == "Succeeded"
    assert teams.posts() == 3


def test_plan_by_name_shows_one_job_as_part_of_all_that_is_due(teams: Workspace) -> None:
    found = plan(teams.settings(), names=("b",))
    assert (actions(found), found["totals"]["actions"]) == ({"b": "hold"}, {"hold": 1})
    assert found["jobs"][0]["reason"] == "LargeChange"


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        pytest.param(["plan", "b", "x", "y"], "no such job: x, y", 2, id="a name that no job has"),
        pytest.param(["plan", "a", "-l", "team=ice"], "", 0, id="a job with another label"),
        pytest.param(["sync", "-l", "team=none"], "no job matches", 0, id="a label that no job has"),
    ],
)
def test_what_selects_nothing(teams: Workspace, arguments: list[str], said: str, code: int) -> None:
    done = shjobs(*arguments, cwd=teams.root, environment=dict(teams.environment))
    assert (done.returncode, said in done.stderr, teams.posts()) == (code, True, 0)


def test_a_plan_against_a_revision_can_be_of_one_job(teams: Workspace) -> None:
    from tests.operations.test_plan_revision import commit, git

    git(teams.root, "init", "--quiet", "--initial-branch", "main")
    commit(teams.root, {})
    teams.write("a.yaml", labelled("a", 14.51, team="agri"))
    teams.write("c.yaml", labelled("c", 14.53, team="ice"))
    done = shjobs("plan", "c", "--against", "HEAD", "-o", "json", cwd=teams.root)
    assert actions(json.loads(done.stdout)) == {"c": "submit"}
