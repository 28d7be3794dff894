"""`plan` of sets: one row each with what it costs, the same hash as the daemon holds, and a look at a later day."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from controller.cli.output.plan_markdown import markdown
from controller.cli.output.plan_table import plan_table
from controller.model.errors import UsageError
from controller.operations.plan.plan import plan
from controller.operations.plan.sets import set_entries
from controller.operations.plan.totals import totals
from tests.operations.test_plan_revision import commit, git
from tests.support.command import shjobs
from tests.support.set_loops import ENVIRONMENT, PLAIN, farm, running, settings_of

pytestmark = pytest.mark.slow

FINITE = "from: 2024-01, to: 2024-03"
TWO = "a: {x: 1}, b: {x: 2}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    settings_of(tmp_path)
    (tmp_path / "bucket" / "my-bucket").mkdir(parents=True)
    return tmp_path


def write(root: Path, text: str, name: str = "farm.yaml") -> None:
    (root / "jobs.d" / name).write_text(text, encoding="utf-8")


def planned(root: Path, **asked: Any) -> dict[str, Any]:
    with freeze_time("2024-04-10"):
        return plan(settings_of(root), **asked)


def sum_of(found: dict[str, Any]) -> dict[str, Any]:
    """The entry of the one set."""
    [entry] = found["sets"]
    return dict(entry)


def deliver(root: Path) -> None:
    """Pay for all that is due."""
    from tests.reconcile.test_set_money import SPRING

    with running(root, SPRING) as daemon:
        daemon.rest()
        for label, _, _ in daemon.waiting():
            daemon.accept(label)
        assert set(daemon.rest().values()) == {"Delivered"}


def test_a_set_is_one_row_and_its_cells_are_jobs(root: Path) -> None:
    write(root, farm(FINITE))
    write(root, PLAIN, "plain.yaml")
    found = planned(root)
    assert [job["name"] for job in found["jobs"]] == ["farm-2024-01-a", "farm-2024-02-a", "farm-2024-03-a", "plain"]
    assert found["totals"]["actions"] == {"submit": 4}
    entry = sum_of(found)
    assert entry["actions"] == {"submit": 3}
    assert entry["processingUnits"] == {"submit": {"expected": 30.0, "upper": 30.0}}
    assert (entry["new"], entry["atLeastPrice"]) == (3, 3)
    assert [each["window"] for each in entry["windows"]] == ["2024-01", "2024-02", "2024-03"]
    text = plan_table(found)
    assert "farm-2024-01-a" not in text
    assert "+3 submit (30 PU); 3 new; about 10 PU a month; at the least price: 3 cells" in " ".join(text.split())
    assert "farm-2024-01-a" in plan_table(found, has_cells=True)
    assert "<code>farm</code> | set | 30.00 | 30.00 |  | <code>+3 submit (30 PU); 3 new; " in markdown(found)


def test_cells_that_nothing_changes_for_are_counted_and_left_out(root: Path) -> None:
    write(root, farm(FINITE))
    deliver(root)
    write(root, farm(FINITE, values=TWO))
    found = planned(root)
    assert sorted(job["name"][-1] for job in found["jobs"]) == ["b"] * 3
    assert sum_of(found)["actions"] == {"submit": 3, "unchanged": 3}
    assert found["totals"]["actions"] == {"submit": 3, "unchanged": 3}
    assert "+3 submit (30 PU), 3 unchanged" in " ".join(plan_table(found).split())
    assert len(planned(root, has_cells=True)["jobs"]) == 6


def test_a_set_for_which_nothing_changes_has_a_row_and_no_line_in_a_comment(root: Path) -> None:
    write(root, farm(FINITE))
    deliver(root)
    found = planned(root)
    assert found["jobs"] == []
    assert "3 unchanged" in plan_table(found)
    assert "<code>farm</code> | set" not in markdown(found)


@pytest.mark.parametrize(
    ("name", "sets", "jobs"),
    [
        pytest.param("farm", 1, 3, id="the name of a set"),
        pytest.param("set/farm", 1, 3, id="and as a set"),
        pytest.param("farm-2024-02-a", 0, 1, id="a cell is an ordinary job"),
        pytest.param("plain", 0, 1, id="another job"),
    ],
)
def test_what_is_named_is_shown(root: Path, name: str, sets: int, jobs: int) -> None:
    write(root, farm(FINITE))
    write(root, PLAIN, "plain.yaml")
    found = planned(root, names=(name,))
    assert (len(found.get("sets", ())), len(found["jobs"])) == (sets, jobs)
    assert (found["totals"]["submissions"], "farm-2024-02-a" in plan_table(found)) == (jobs, name.startswith("farm-"))


@pytest.mark.parametrize("name", ["nothing", "set/plain", "set/farm-2024-02-a"])
def test_a_name_that_no_set_has_is_refused(root: Path, name: str) -> None:
    write(root, farm(FINITE))
    write(root, PLAIN, "plain.yaml")
    with pytest.raises(UsageError, match=f"no such job: {name}"):
        planned(root, names=(name,))


def test_a_set_that_cannot_be_accepted_is_one_entry_and_pays_nothing(root: Path) -> None:
    write(root, farm(FINITE).replace("$month.range", "$mont.range"))
    found = planned(root)
    [entry] = found["jobs"]
    assert (entry["name"], entry["action"], found["totals"]["actions"]) == ("farm", "invalid", {"invalid": 1})


def test_the_warnings_of_a_set_are_said_once(root: Path) -> None:
    script = (
        (root / "jobs.d" / "ndvi.js").read_text().replace("return [", "var unused = 1;\n  return [sample.B04 * 0 + ")
    )
    write(root, farm(FINITE))
    settings = settings_of(root)
    (root / "jobs.d" / "ndvi.js").write_text(script.replace('"B08"]', '"B08", "B03"]'))
    with freeze_time("2024-04-10"):
        found = plan(settings)
    assert not any("warnings" in job for job in found["jobs"])
    warnings = sum_of(found)["warnings"]
    assert warnings
    assert len(warnings) == len(set(warnings))
    assert plan_table(found).count(warnings[0]) == 1


def label_in(found: dict[str, Any]) -> str:
    [label] = {job["why"].partition("shjobs accept ")[2][:12] for job in found["jobs"] if job["action"] == "hold"}
    return str(label)


@pytest.mark.parametrize("is_against", [False, True], ids=["on the ledger", "in a pull request"])
def test_the_hash_of_a_yes_is_that_of_the_daemon(root: Path, is_against: bool) -> None:
    from tests.reconcile.test_set_money import SPRING

    git(root, "init", "--quiet", "--initial-branch", "main")
    base = commit(root, {".gitignore": "state/\nbucket/\n"})
    write(root, farm())
    write(root, PLAIN, "plain.yaml")
    commit(root, {})
    found = planned(root, against=base if is_against else "")
    assert {job["name"]: job["action"] for job in found["jobs"]}["plain"] == "submit"
    assert f"`shjobs accept {label_in(found)}`" in sum_of(found)["reasons"][0]["why"]
    with running(root, SPRING) as daemon:
        daemon.rest()
        assert [each[0] for each in daemon.waiting()] == [label_in(found)]


def test_a_change_of_a_set_is_compared_with_what_was_due_before(root: Path) -> None:
    git(root, "init", "--quiet", "--initial-branch", "main")
    base = commit(root, {".gitignore": "state/\nbucket/\n", "jobs.d/farm.yaml": farm(values=TWO)})
    found = planned(root, against=base)
    assert (found["jobs"], sum_of(found)["actions"]) == ([], {"unchanged": 6})
    write(root, farm("from: 2023-12", values=TWO))
    found = planned(root, against=base)  # more of what was agreed to before needs no yes
    assert sum_of(found)["actions"] == {"submit": 2, "unchanged": 6}
    assert [each["window"] for each in sum_of(found)["windows"]] == ["2023-12"]


def test_renaming_a_value_shows_as_so_many_new_and_so_many_removed(root: Path) -> None:
    git(root, "init", "--quiet", "--initial-branch", "main")
    base = commit(root, {".gitignore": "state/\nbucket/\n", "jobs.d/farm.yaml": farm(FINITE)})
    write(root, farm(FINITE, values="c: {x: 1}"))
    entry = sum_of(found := planned(root, against=base))
    assert (entry["actions"], entry["new"]) == ({"submit": 3, "remove": 3}, 3)
    assert "+3 submit (30 PU), 3 remove; 3 new, 3 removed" in " ".join(plan_table(found).split())
    write(root, "", "farm.yaml")
    assert sum_of(planned(root, against=base))["actions"] == {"remove": 3}


def test_a_trial_shows_what_goes_first_and_what_waits(root: Path) -> None:
    write(root, farm(FINITE, "  trial: 1\n"))
    assert sum_of(planned(root))["actions"] == {"submit": 1, "hold": 2}


def test_what_a_later_day_brings_is_shown_by_window_as_if_all_was_agreed_to(root: Path) -> None:
    write(root, farm(more="  trial: 1\n"))
    before = sorted(path for path in root.rglob("*"))
    found = planned(root, at=datetime(2024, 7, 1, tzinfo=UTC))
    assert found["at"] == "2024-07-01T00:00:00Z"
    assert sum_of(found)["actions"] == {"submit": 5}
    assert [each["window"] for each in sum_of(found)["windows"]] == [f"2024-0{month}" for month in range(1, 6)]
    assert sorted(path for path in root.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--at", "2020-01-01"], "--at: 2020-01-01 is past", id="a day that is past"),
        pytest.param(["--at", "2099-01-01"], "is more than 10 years ahead", id="too far ahead"),
        pytest.param(["--at", "soon"], "'soon' is no date; write 2027-01-31 or", id="no date"),
        pytest.param(["--at", "2027-01-01", "--against", "main"], "use one", id="with a revision"),
    ],
)
def test_a_day_that_cannot_be_shown(root: Path, options: list[str], said: str) -> None:
    write(root, farm(FINITE))
    done = shjobs("plan", *options, cwd=root, environment=dict(ENVIRONMENT))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d", "%G-W%V-%u"])
def test_a_day_counts_whole_in_any_form(root: Path, form: str) -> None:
    write(root, farm(FINITE))
    day = datetime.now(UTC) + timedelta(days=400)
    done = shjobs("plan", "--at", day.strftime(form), "-o", "json", cwd=root, environment=dict(ENVIRONMENT))
    assert json.loads(done.stdout)["at"] == f"{day:%Y-%m-%d}T23:59:59Z"


def test_the_command_shows_a_set_and_with_cells_all_of_it(root: Path) -> None:
    write(root, farm(FINITE))
    done = shjobs("plan", cwd=root, environment=dict(ENVIRONMENT))
    assert ("farm-2024-01-a" in done.stdout, done.returncode) == (False, 0), done.stderr
    done = shjobs("plan", "--cells", "set/farm", cwd=root, environment=dict(ENVIRONMENT))
    assert "farm-2024-01-a" in done.stdout
    done = shjobs("plan", "-o", "json", cwd=root, environment=dict(ENVIRONMENT))
    assert [each["name"] for each in json.loads(done.stdout)["sets"]] == ["farm"]


def test_a_later_day_begins_with_what_is_paid_for(root: Path) -> None:
    write(root, farm())
    deliver(root)
    found = planned(root, at=datetime(2024, 7, 1, tzinfo=UTC))
    assert sum_of(found)["actions"] == {"submit": 2, "unchanged": 3}
    assert [each["window"] for each in sum_of(found)["windows"]] == ["2024-04", "2024-05"]


def test_a_later_day_is_held_by_no_budget_and_by_the_limit_of_a_window(root: Path) -> None:
    write(root, farm(more="  limits: {perWindow: 5}\n"))
    write(root, PLAIN, "plain.yaml")
    with freeze_time("2024-04-10"):
        found = plan(settings_of(root, "monthlyBudget = 1"), at=datetime(2024, 7, 1, tzinfo=UTC))
    assert found["totals"]["actions"] == {"submit": 1, "hold": 5}
    assert {job.get("reason") for job in found["jobs"]} == {None, "WindowLimit"}


def test_a_comment_on_ten_thousand_cells_is_short_and_names_each_change_once(root: Path) -> None:
    cell = {"action": "submit", "why": "changed: evalscript", "processingUnits": {"expected": 1.0, "upper": 1.0}}
    changed = {"difference": {"evalscript": ["-a", "+b"]}, "path": "farm.yaml", "set": "farm"}
    jobs = [{"name": f"farm-{number}", **cell, **changed} for number in range(10_000)]
    write(root, farm(FINITE))
    found = planned(root)
    entries = set_entries(jobs, {}, ["farm"], 0.0)
    text = markdown({**found, "jobs": jobs, "sets": entries, "totals": totals(jobs)})
    assert "+10,000 submit (10,000 PU); changed: evalscript" in text
    assert (text.count("+b"), len(text) < 2000) == (1, True)


def test_differences_that_are_many_are_counted(root: Path) -> None:
    cells = [
        {"name": f"farm-{number}", "action": "submit", "why": "changed", "path": "farm.yaml", "set": "farm",
         "difference": {"fields": [{"path": "x", "before": 1, "after": number}]}}
        for number in range(2, 9)
    ]  # fmt: skip
    write(root, farm(FINITE))
    found = {**planned(root), "jobs": cells, "sets": set_entries(cells, {}, ["farm"], 0.0)}
    text = plan_table(found)
    assert text.count("such as farm-") == 3
    assert "farm: 4 more differences:\n  `shjobs plan --cells` shows all of them" in text


TILES = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {name: tiles}
spec:
  axes:
    tile: {grid: {area: {bbox: [14.20, 35.80, 14.60, 36.10]}, pixel: 100, cell: 200}}
  template:
    evalscriptFile: ndvi.js
    request:
      input:
        bounds: {bbox: $tile.bbox, properties: {crs: $tile.crs}}
        data:
          - {type: sentinel-2-l2a, dataFilter: {timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}}
      output:
        width: $tile.width
        height: $tile.height
        responses: [{identifier: default, format: {type: image/tiff}}]
        delivery: {s3: {url: s3://my-bucket/tiles, credentialsRef: my-bucket}}
"""


def test_what_is_paid_for_outside_of_the_area_is_said(root: Path) -> None:
    write(root, TILES, "tiles.yaml")
    entry = sum_of(found := planned(root))
    assert 0 < entry["outsideArea"] < 1
    assert "windows" not in entry
    assert f"paid outside the area: {round(entry['outsideArea'] * 100)} %" in " ".join(plan_table(found).split())
    expanded = shjobs("expand", "jobs.d/tiles.yaml", cwd=root, environment=dict(ENVIRONMENT)).stdout
    assert f"paid outside the area: {entry['outsideArea']:.0%}; " in expanded


def test_a_moved_area_shows_as_new_and_removed_tiles_in_one_row(root: Path) -> None:
    git(root, "init", "--quiet", "--initial-branch", "main")
    base = commit(root, {".gitignore": "state/\nbucket/\n", "jobs.d/tiles.yaml": TILES})
    write(root, TILES.replace("14.20, 35.80, 14.60", "14.45, 35.80, 14.85"), "tiles.yaml")
    entry = sum_of(found := planned(root, against=base))
    assert entry["actions"].keys() == {"submit", "remove", "unchanged"}
    assert entry["new"] == entry["actions"]["submit"]
    assert len(found["jobs"]) == entry["actions"]["submit"] + entry["actions"]["remove"]
