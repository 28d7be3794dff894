"""`shjobs plan` as a person meets it: what it says, and that `sync` then does exactly that."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.cli.output.plan_markdown import LONGEST, markdown
from controller.cli.output.plan_table import MOST_QUIET, plan_table
from controller.lifecycle.phase import phase
from controller.model.clock import Clock
from controller.model.reasons import Reason
from controller.operations.plan.plan import plan
from controller.operations.plan.totals import totals
from controller.reconcile.wiring import turned_copy
from controller.sandbox.ledger import posts
from tests.conftest import SETTINGS, Workspace, ndvi, west_of
from tests.operations.test_plan_revision import commit, git
from tests.support.command import shjobs
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

SCRIPT = ndvi().split("    evalscript: |\n", 1)[1]
Plan = dict[str, Any]


def actions(found: Plan) -> dict[str, str]:
    return {str(job.get("name", job["path"])): job["action"] for job in found["jobs"]}


def named(found: Plan, name: str) -> dict[str, Any]:
    [job] = [job for job in found["jobs"] if job.get("name") == name]
    return dict(job)


def sent(workspace: Workspace, since: int = 0) -> list[str]:
    """The delivery prefixes of the POSTs the sandbox has read."""
    return sorted(entry.prefix for entry in posts(workspace.sandbox.ledger.entries())[since:])


def submitted(found: Plan) -> list[str]:
    return sorted(job["prefix"] for job in found["jobs"] if job["action"] == "submit")


def with_script(name: str, west: float) -> str:
    """The same job with its script in a file of its own."""
    head = ndvi(name, west).split("    evalscript: |\n", 1)[0]
    return head.replace("spec:\n", "spec:\n  evalscriptFile: ndvi.js\n")


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file but the two with which SQLite shares an open database."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("shjobs.db-")]
    return {path: path.read_bytes() for path in files}


def test_sync_sends_exactly_what_the_plan_submits(workspace: Workspace) -> None:
    """A dozen jobs, more than are ever sent at once, then an edit of every kind."""
    for number in range(12):
        workspace.write(f"job-{number:02}.yaml", ndvi(f"job-{number:02}", round(14.30 + number / 1000, 3)))
    first = plan(workspace.settings())
    assert set(actions(first).values()) == {"submit"}
    workspace.sync()
    assert sent(workspace) == submitted(first)

    workspace.write("job-00.yaml", ndvi("job-00", 14.25))
    workspace.write("job-01.yaml", ndvi("job-01", 14.301).replace("spec:\n", "spec:\n  rerun: 1\n"))
    workspace.write("job-02.yaml", ndvi("job-02", 14.26).replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.write("job-03.yaml", "apiVersion: shjobs/v1\nname: broken\n")
    (workspace.jobs / "job-04.yaml").unlink()
    workspace.write("job-05.yaml", ndvi("renamed", 14.305))
    workspace.write("new.yaml", ndvi("new", 14.27))
    before, second = workspace.posts(), plan(workspace.settings())
    assert actions(second) == {
        "job-00": "submit",
        "job-01": "submit",
        "job-02": "hold",
        "job-03": "invalid",
        "job-04": "remove",
        "job-05": "remove",
        "renamed": "share",
        "new": "submit",
        **{f"job-{number:02}": "unchanged" for number in range(6, 12)},
    }
    workspace.sync()
    assert sent(workspace, before) == submitted(second)


def test_a_changed_job_shows_its_difference_and_its_prices_now_and_before(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    changed = ndvi(west=14.41).replace("width: 64", "width: 6400").replace("[index(", "[2 * index(")
    workspace.write("ndvi.yaml", changed)
    job = named(plan(workspace.settings()), "ndvi")
    assert job["why"] == "changed: evalscript, input.bounds.bbox[0], output.width"
    assert job["difference"]["fields"] == [
        {"path": "input.bounds.bbox[0]", "before": 14.40, "after": 14.41},
        {"path": "output.width", "before": 64, "after": 6400},
    ]
    assert [line for line in job["difference"]["evalscript"] if line[0] in "+-"] == [
        "-  return [index(sample.B08, sample.B04)];",
        "+  return [2 * index(sample.B08, sample.B04)];",
    ]
    assert (job["before"]["expected"], job["before"]["spent"]) == (10, 10)
    assert job["processingUnits"]["expected"] > 0


def test_a_revert_returns_to_what_was_paid_for(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi(west=14.41))
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi())
    found = plan(workspace.settings())
    job = named(found, "ndvi")
    assert (job["action"], found["totals"]["submissions"]) == ("return", 0)
    assert job["why"].startswith("returns to the submission of ")
    assert job["why"].endswith(" (Succeeded); nothing is paid")


def test_a_lost_ledger_finds_in_the_bucket_what_was_paid_for(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    (workspace.state / "shjobs.db").unlink()
    found = plan(workspace.settings())
    assert found["assumptions"] == ["the buckets show what was paid for before: there is no ledger here"]
    assert named(found, "ndvi")["why"].startswith("found in the bucket: the submission of ")


def test_a_renamed_job_shares_the_run_that_was_paid_for(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi("other", west_of("ndvi")))
    found = plan(workspace.settings())
    assert actions(found) == {"other": "share", "ndvi": "remove"}
    other = named(found, "other")
    assert other["why"] == "delivered for 'ndvi', which has the same request: nothing was paid for this job"
    assert (other["sharedWith"], other["processingUnits"]) == ("ndvi", {"expected": 0.0, "upper": 0.0})
    assert (found["totals"]["reserved"], found["totals"]["processingUnits"]) == (0, {})
    assert "1 share · 1 remove" in plan_table(found)
    workspace.sync()
    assert actions(plan(workspace.settings())) == {"other": "unchanged"}


def test_two_new_names_for_one_request_are_paid_for_once(workspace: Workspace) -> None:
    workspace.write("a.yaml", ndvi("a", 14.41))
    workspace.write("b.yaml", ndvi("b", 14.41))
    found = plan(workspace.settings())
    assert actions(found) == {"a": "submit", "b": "share"}
    assert (found["totals"]["submissions"], found["totals"]["expected"]) == (1, 10.0)
    assert named(found, "b")["why"] == "the same request runs as 'a': its result is taken over"


def test_a_name_that_is_declared_twice_is_planned_once(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("second.yaml", ndvi(west=14.41))
    found = plan(workspace.settings())
    assert [(job["path"], job["action"]) for job in found["jobs"]] == [
        ("ndvi.yaml", "submit"),
        ("second.yaml", "invalid"),
    ]
    assert found["totals"]["submissions"] == 1


def test_it_is_the_same_each_time_and_writes_nothing(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi(west=14.41))
    files = contents(workspace.root)
    first = plan(workspace.settings())
    assert plan(workspace.settings()) == first
    assert contents(workspace.root) == files


def test_the_budget_is_told_before_and_after_and_what_exceeds_it_is_held(workspace: Workspace) -> None:
    workspace.write("one.yaml", ndvi("one", 14.41))
    workspace.write("two.yaml", ndvi("two", 14.42))
    settings = workspace.settings(SHJOBS_MONTHLY_BUDGET="15")
    found = plan(settings)
    assert (actions(found), found["totals"]["reserved"]) == ({"one": "submit", "two": "hold"}, 10)
    assert named(found, "two")["reason"] == "BudgetExceeded"
    month = found["budget"].pop("month")
    assert re.fullmatch(r"\d{4}-\d\d", month)
    assert found["budget"] == {"monthly": 15, "left": 15, "leftAfter": 5}
    workspace.sync(settings)
    assert sent(workspace) == submitted(found)
    after = plan(settings)
    assert (after["budget"]["left"], after["budget"]["leftAfter"]) == (5, 5)


def test_a_large_change_is_held_as_in_sync_under_the_same_hash(workspace: Workspace) -> None:
    workspace.write("one.yaml", ndvi("one", 14.41))
    workspace.write("two.yaml", ndvi("two", 14.42))
    settings = workspace.settings(SHJOBS_LARGE_CHANGE_JOBS="1")
    found = plan(settings)
    assert actions(found) == {"one": "hold", "two": "hold"}
    [accept] = set(re.findall(r"shjobs accept [0-9a-f]+", named(found, "one")["why"] + named(found, "two")["why"]))
    assert accept in workspace.sync(settings)["one"]["message"]
    assert workspace.posts() == 0


def remote(workspace: Workspace) -> None:
    """The same settings with an object store that nothing listens at."""
    text = SETTINGS.format(folder="x").replace('folder = "x"', 'endpoint = "http://127.0.0.1:9"')
    (workspace.root / "shjobs.toml").write_text(text, encoding="utf-8")


def test_without_any_key_no_history_is_assumed_and_the_plan_begins_by_saying_so(workspace: Workspace) -> None:
    remote(workspace)
    workspace.write("ndvi.yaml", ndvi())
    done = shjobs("plan", cwd=workspace.root)
    assert done.stdout.splitlines()[0] == (
        "assumed: no history is assumed and there is no ledger: "
        "the key pair of my-bucket is not here, so no bucket is listed with it"
    )
    assert "new; no history is assumed" in done.stdout
    assert (done.stderr, done.returncode) == ("", 0)


def test_where_jobs_are_sent_from_a_missing_key_pair_holds_them_as_in_sync(workspace: Workspace) -> None:
    remote(workspace)
    workspace.write("ndvi.yaml", ndvi())
    settings = workspace.settings(
        SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY="", SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY=""
    )
    job = named(plan(settings), "ndvi")
    assert (job["action"], job["reason"]) == ("hold", "CredentialMissing")
    now = Clock().now()
    with turned_copy(settings, now) as assembly:  # what `get` and `why` show
        found = phase(assembly.ledger.jobs["ndvi"], (), assembly.loop.limits(), now)
    assert found.reason is Reason.CREDENTIAL_MISSING
    assert workspace.sync(settings)["ndvi"]["reason"] == "CredentialMissing"


def test_a_bucket_that_cannot_be_listed_holds_the_job_as_in_sync(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi().replace("s3://my-bucket/rasters", "s3://my-bucket-2/rasters"))
    text = (workspace.root / "shjobs.toml").read_text(encoding="utf-8")
    (workspace.root / "shjobs.toml").write_text(text.replace("s3://my-bucket/", "s3://my-bucket-2/"), encoding="utf-8")
    job = named(plan(workspace.settings()), "ndvi")
    assert (job["action"], job["reason"]) == ("hold", "HistoryUnknown")


@pytest.fixture
def repository(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace in git, with three jobs committed; nothing was ever submitted, and there is no key."""
    remote(workspace)
    workspace.write("ndvi.js", "".join(line[6:] for line in SCRIPT.splitlines(keepends=True)))
    workspace.write("one.yaml", ndvi("one", 14.41))
    workspace.write("two.yaml", with_script("two", 14.42))
    workspace.write("three.yaml", ndvi("three", 14.43).replace("spec:\n", "spec:\n  hold: true\n"))
    (workspace.root / ".gitignore").write_text("sandbox/\nstate/\n", encoding="utf-8")
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    commit(workspace.root, {})
    yield workspace
    assert not workspace.state.exists()
    assert workspace.posts() == 0


def against(workspace: Workspace, ref: str = "HEAD") -> Plan:
    done = shjobs("plan", "--against", ref, "-o", "json", cwd=workspace.root)
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


def test_against_a_revision_exactly_the_changed_jobs_are_submitted(repository: Workspace) -> None:
    before = against(repository)
    assert actions(before) == {"one": "unchanged", "two": "unchanged", "three": "unchanged"}
    assert (named(before, "three")["reason"], before["totals"]["heldBefore"]) == ("OnHold", {"jobs": 1, "expected": 10})
    repository.write("one.yaml", "# a comment costs nothing\n" + ndvi("one", 14.41))
    repository.write("moved/two.yaml", with_script("two", 14.42).replace("ndvi.js", "../ndvi.js"))
    (repository.jobs / "two.yaml").unlink()
    repository.write("four.yaml", ndvi("four", 14.44))
    found = against(repository)
    assert actions(found) == {"one": "unchanged", "two": "unchanged", "three": "unchanged", "four": "submit"}
    assert found["against"] == {"ref": "HEAD", "commit": git(repository.root, "rev-parse", "HEAD")}
    assert found["assumptions"] == [
        "the jobs of HEAD count as submitted; no bucket is listed, and nothing is known of money spent"
    ]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        pytest.param("one.yaml", ndvi("one", 14.45), {"one": "submit"}, id="a changed field"),
        pytest.param("one.yaml", ndvi("one", 14.41).replace("spec:\n", "spec:\n  rerun: 1\n"), {"one": "submit"},
                     id="a raised rerun"),
        pytest.param("three.yaml", ndvi("three", 14.43), {"three": "submit"}, id="a hold that is lifted"),
        pytest.param("three.yaml", ndvi("three", 14.46).replace("spec:\n", "spec:\n  hold: true\n"), {"three": "hold"},
                     id="another request that is held"),
        pytest.param("one.yaml", ndvi("one", 14.41).replace("spec:\n", "spec:\n  hold: true\n"), {},
                     id="a hold on what was submitted"),
        pytest.param("one.yaml", "kind: AsyncProcess\n", {"one": "invalid"}, id="a manifest that breaks"),
        pytest.param("one.yaml", ndvi("uno", 14.41), {"one": "remove", "uno": "share"}, id="a new name"),
        pytest.param("four.yaml", ndvi("four", 14.41), {"four": "share"}, id="a second name for a request"),
    ],
)  # fmt: skip
def test_against_a_revision_one_edit_does_what_it_does(
    repository: Workspace, path: str, text: str, expected: dict[str, str]
) -> None:
    repository.write(path, text)
    before = {"one": "unchanged", "two": "unchanged", "three": "unchanged"}
    assert actions(against(repository)) == before | expected


def test_against_a_revision_a_changed_script_changes_the_jobs_that_use_it(repository: Workspace) -> None:
    script = (repository.jobs / "ndvi.js").read_text(encoding="utf-8")
    repository.write("ndvi.js", script.replace("[index(", "[2 * index("))
    found = against(repository)
    assert actions(found) == {"one": "unchanged", "two": "submit", "three": "unchanged"}
    assert named(found, "two")["why"] == "changed: evalscript"
    assert "+  return [2 * index(sample.B08, sample.B04)];" in named(found, "two")["difference"]["evalscript"]


def test_against_a_revision_without_jobs_everything_is_new(repository: Workspace) -> None:
    git(repository.root, "checkout", "--quiet", "--orphan", "empty")
    git(repository.root, "rm", "-r", "--quiet", "--cached", ".")
    git(repository.root, "add", ".gitignore")
    git(repository.root, "commit", "--quiet", "-m", "without jobs")
    assert actions(against(repository)) == {"one": "submit", "two": "submit", "three": "hold"}


def test_against_a_revision_a_job_that_was_broken_there_was_not_submitted(repository: Workspace) -> None:
    commit(repository.root, {"jobs.d/one.yaml": "kind: AsyncProcess\n"})
    repository.write("one.yaml", ndvi("one", 14.41))
    assert actions(against(repository)) == {"one": "submit", "two": "unchanged", "three": "unchanged"}


def test_against_a_revision_from_another_folder(repository: Workspace) -> None:
    repository.write("one.yaml", ndvi("one", 14.45))
    done = shjobs(
        "--config", "../shjobs.toml", "plan", "--against", "main", "-o", "json", cwd=repository.jobs
    )  # fmt: skip
    assert actions(json.loads(done.stdout)) == {"one": "submit", "two": "unchanged", "three": "unchanged"}


def test_the_state_of_this_machine_does_not_matter_against_a_revision(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    commit(workspace.root, {})
    workspace.write("ndvi.yaml", ndvi(west=14.41))
    workspace.sync()
    assert actions(plan(workspace.settings(), "main")) == {"ndvi": "submit"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--against", "nowhere"], "names no commit", id="a revision that is not there"),
        pytest.param(["--against", "--help"], "names no commit", id="a revision like an option"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence(repository: Workspace, arguments: list[str], words: str) -> None:
    done = shjobs("plan", *arguments, cwd=repository.root)
    assert done.stderr.startswith("shjobs: --against: ")
    assert words in done.stderr
    assert (done.stdout, done.returncode) == ("", 2)


@pytest.mark.parametrize(
    ("manifests", "plain", "detailed"),
    [
        pytest.param({"held.yaml": ndvi("held").replace("spec:\n", "spec:\n  hold: true\n")}, 0, 0, id="nothing to do"),
        pytest.param({"ndvi.yaml": ndvi()}, 0, 3, id="something would be submitted"),
        pytest.param({"x.yaml": "kind: AsyncProcess\n"}, 1, 1, id="something cannot be accepted"),
        pytest.param(
            {"ndvi.yaml": ndvi(), "x.yaml": "kind: AsyncProcess\n"},
            1,
            1,
            id="both: a mistake must be mended first",
        ),
    ],
)
def test_exit_codes(workspace: Workspace, manifests: dict[str, str], plain: int, detailed: int) -> None:
    for path, text in manifests.items():
        workspace.write(path, text)
    assert shjobs("plan", cwd=workspace.root).returncode == plain
    assert shjobs("plan", "--detailed-exitcode", cwd=workspace.root).returncode == detailed


def job_of(name: str, action: str, **different: Any) -> dict[str, Any]:
    return {"name": name, "path": f"{name}.yaml", "action": action, "why": "because", **different}


def plan_of(*jobs: dict[str, Any], **different: Any) -> Plan:
    return {
        "assumptions": [],
        "prices": {"table": "cdse", "dated": "2025-03", "source": "somewhere", "minimum": 10},
        "budget": None,
        "totals": totals(jobs),
        "jobs": list(jobs),
        **different,
    }


FULL = plan_of(
    job_of("a", "submit", why="changed: output.resx", processingUnits={"expected": 20, "upper": 30, "reserved": 30},
           before={"expected": 15, "spent": 18.5},
           difference={"fields": [{"path": "output.resx", "before": 10, "after": 20}], "moreFields": 1,
                       "evalscript": ["@@ -1 +1 @@", "-a", "+b"], "moreLines": 2},
           superseded=[{"submission": "x-r0-a0", "requestId": "id", "submittedAt": "2026-03-01T12:00:00Z",
                        "state": "running"}]),
    job_of("b", "unchanged"),
    {"path": "x.yaml", "action": "invalid", "why": "the manifest cannot be accepted", "problems": ["x.yaml:1:1: bad"]},
    assumptions=["the world is flat"],
    budget={"month": "2026-03", "monthly": 1000, "left": 100, "leftAfter": 70},
)  # fmt: skip


def test_the_table_tells_everything() -> None:
    assert plan_table(FULL).splitlines() == [
        "assumed: the world is flat",
        "",
        "JOB     ACTION        PU  AT MOST  BEFORE  WHY",
        "a       submit     20.00    30.00   18.50  changed: output.resx",
        "b       unchanged                          because",
        "x.yaml  invalid                            the manifest cannot be accepted",
        "",
        "a:",
        "  output.resx: 10 -> 20",
        "  … 1 more field",
        "  evalscript:",
        "    @@ -1 +1 @@",
        "    -a",
        "    +b",
        "    … 2 more lines",
        "  superseded, running, followed to its end: id of 2026-03-01T12:00:00Z",
        "",
        "x.yaml:",
        "  x.yaml:1:1: bad",
        "",
        "1 invalid · 1 submit (20 PU, at most 30 PU) · 1 unchanged",
        "budget of 2026-03: 1,000.00 PU, 100.00 PU left, 70.00 PU left after this",
        "prices: cdse, 2025-03 (somewhere)",
    ]


def test_the_comment_tells_what_changes_and_counts_the_rest() -> None:
    assert markdown(FULL).splitlines() == [
        "### shjobs plan: 1 invalid · 1 submit (20 PU, at most 30 PU) · 1 unchanged",
        "",
        "| job | action | PU | at most | before | why |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        "| <code>a</code> | submit | 20.00 | 30.00 | 18.50 | <code>changed: output.resx</code> |",
        "| <code>x.yaml</code> | invalid |  |  |  | <code>the manifest cannot be accepted</code> |",
        "",
        "<details><summary><code>a</code>: what changes</summary>",
        "",
        "```text",
        "output.resx: 10 -> 20",
        "… 1 more field",
        "evalscript:",
        "  @@ -1 +1 @@",
        "  -a",
        "  +b",
        "  … 2 more lines",
        "superseded, running, followed to its end: id of 2026-03-01T12:00:00Z",
        "```",
        "",
        "</details>",
        "",
        "<details><summary><code>x.yaml</code>: 1 problem</summary>",
        "",
        "```text",
        "x.yaml:1:1: bad",
        "```",
        "",
        "</details>",
        "",
        "- budget of 2026-03: 1,000.00 PU, 100.00 PU left, 70.00 PU left after this",
        "- prices: <code>cdse</code>, 2025-03 (<code>somewhere</code>)",
        "- assumed: <code>the world is flat</code>",
    ]


def test_many_jobs_for_which_nothing_changes_are_only_counted_in_the_table() -> None:
    many = [job_of(f"q-{number}", "unchanged") for number in range(MOST_QUIET + 1)]
    lines = plan_table(plan_of(job_of("a", "submit"), *many)).splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["JOB", "a"]
    assert "1 submit (0 PU) · 21 unchanged" in lines


def held(name: str, why: str = "part of a large change", **different: Any) -> dict[str, Any]:
    amounts = {"processingUnits": {"expected": 10.0, "upper": 12.0}}
    return job_of(name, "hold", phase="Held", reason="ApprovalNeeded", why=why, **amounts, **different)


def sixty_held() -> Plan:
    """What the first hour showed as `0 submissions, about 0.00 PU`, with two jobs that are submitted beside it."""
    submitted = [
        job_of(name, "submit", processingUnits={"expected": 137.5, "upper": 150.0, "reserved": 150.0}) for name in "xy"
    ]
    quiet = [job_of(f"q-{number}", "unchanged") for number in range(4)]
    return plan_of(*(held(f"h-{number}") for number in range(60)), *submitted, *quiet)


HEADLINE = "60 held (600 PU) · 2 submit (275 PU, at most 300 PU) · 4 unchanged"


def test_the_headline_counts_what_is_held_with_its_price() -> None:
    assert HEADLINE in plan_table(sixty_held()).splitlines()
    assert markdown(sixty_held()).splitlines()[0] == f"### shjobs plan: {HEADLINE}"
    assert sixty_held()["totals"]["processingUnits"] == {"submit": 275.0, "hold": 600.0}


def test_equal_rows_are_one_row() -> None:
    table, comment = plan_table(sixty_held()).splitlines(), markdown(sixty_held()).splitlines()
    rows = [line.split("  ")[0] for line in table[1 : table.index("")]]
    assert rows == ["60 jobs (h-0, h-1, h-2 and 57 more)", "x", "y", "4 jobs (q-0, q-1, q-2 and 1 more)"]
    assert sum(line.startswith("| <code>") for line in comment) == 3


def test_the_same_warning_of_many_jobs_is_shown_once_wherever_it_is() -> None:
    jobs = [held(f"h-{each}", warnings=[f"h-{each}.yaml:{each}:5: W004: B03 is not listed"]) for each in range(60)]
    names = "60 jobs (h-0, h-1, h-2 and 57 more)"
    table = plan_table(plan_of(*jobs)).splitlines()
    assert table[table.index(f"{names}:") + 1] == "  h-0.yaml:0:5: W004: B03 is not listed"
    assert sum("W004" in line for line in [*table, *markdown(plan_of(*jobs)).splitlines()]) == 2
    assert f"<code>{names}</code>: 1 warning" in markdown(plan_of(*jobs))


def test_a_plan_that_submits_nothing_names_no_submissions() -> None:
    assert "1 held (10 PU)" in plan_table(plan_of(held("a"))).splitlines()
    assert plan_table(plan_of()).splitlines() == ["no jobs", "prices: cdse, 2025-03 (somewhere)"]


def test_holds_that_the_change_does_not_touch_are_counted_and_not_listed() -> None:
    before = {**held("before"), "action": "unchanged"}
    found = plan_of(before, job_of("same", "unchanged"), held("now"))
    table, comment = plan_table(found), markdown(found)
    assert "1 held (10 PU) · 1 held before (10 PU) · 1 unchanged" in table.splitlines()
    assert [name in table for name in ("now  ", "same  ", "before  ")] == [True, True, False]
    assert "<code>before</code>" not in comment


EVIL = "a|b `c` <script>x</script> @team \x1b[31m \u202e ``` [l](http://x) *b* _i_ #1 &amp; \\"


def test_nothing_a_manifest_says_acts_in_a_comment() -> None:
    text = markdown(plan_of(job_of("a", "submit", why=EVIL, difference={"evalscript": ["+```", EVIL]})))
    [row] = [line for line in text.splitlines() if line.startswith("| <code>a</code>")]
    assert row.count("|") == 7
    shown = row.removeprefix("| <code>a</code> | submit |  |  |  | <code>").removesuffix("</code> |")
    assert not set("|`<>@[]*_\\\x1b\u202e") & set(shown)
    fences = [line for line in text.splitlines() if line.startswith("````")]
    assert fences == ["````text", "````"]
    assert "\x1b" not in text


def test_nothing_a_manifest_says_acts_on_a_terminal() -> None:
    text = plan_table(plan_of(job_of("a", "submit", why=EVIL + " [red]tag[/red]", problems=["\x07\x9b31m\u202e"])))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert "[red]tag[/red]" in text
    assert "\\x1b[31m" in text


def test_a_comment_never_grows_beyond_its_limit_and_says_what_is_missing() -> None:
    lines = ["+" + "x" * 190] * 60
    each = [job_of(f"j-{n}", "submit", difference={"evalscript": [f"+{n}", *lines]}) for n in range(20)]
    few = markdown(plan_of(*each))
    assert len(few) <= LONGEST
    assert "15 more differences would not fit here" in few
    many = markdown(plan_of(*(job_of(f"j-{n}", "submit", why=f"{n}" + "x" * 400) for n in range(1000))))
    assert len(many) <= LONGEST
    assert "more jobs that would not fit here" in many
    assert many.splitlines()[-1].startswith("- prices: ")


def test_on_a_narrow_terminal_the_reasons_stand_below_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("NO_COLOR", "1"), ("COLUMNS", "60")):
        monkeypatch.setenv(name, value)
    amounts = {"expected": 20, "upper": 30}
    text = plan_table(
        plan_of(job_of("a" * 40, "submit", why="word " * 30, processingUnits=amounts), job_of("b", "hold"))
    )
    lines = [line.rstrip() for line in re.sub("\x1b\\[[0-9;]*m", "", text).splitlines()]
    assert lines[:8] == [
        "JOB                                   ACTION     PU  AT MOST",
        f"{'a' * 36}  submit  20.00    30.00",
        "aaaa",
        f"b{' ' * 35}  hold",
        "",
        f"{'a' * 40}: {'word ' * 30}".rstrip(),
        "",
        "b: because",
    ]


def test_a_pipe_gets_no_spaces_at_the_ends_of_lines(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    done = shjobs("plan", cwd=workspace.root)
    assert [line for line in done.stdout.splitlines() if line != line.rstrip()] == []


def test_every_key_of_the_json_is_documented() -> None:
    root = ROOT
    page = (root / "docs" / "plan.md").read_text(encoding="utf-8")
    modules = [
        root / "controller" / "operations" / "plan" / f"{name}.py" for name in ("plan", "actions", "diff", "totals")
    ]
    source = "".join(path.read_text(encoding="utf-8") for path in modules)
    keys = set(re.findall(r'"([a-z]\w+)": ', source))
    assert len(keys) > 30
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_against_a_revision_both_trees_are_read_by_their_own_ignore_lists(repository: Workspace) -> None:
    """A job that a list took out of the tree is no longer planned, and one it gave back was not submitted there."""
    repository.write(".shjobsignore", "one.yaml\n")
    git(repository.root, "add", "--all")
    git(repository.root, "commit", "--quiet", "--message", "leave one out")
    assert actions(against(repository)) == {"two": "unchanged", "three": "unchanged"}
    repository.write(".shjobsignore", "two.yaml\n")
    assert actions(against(repository)) == {"one": "submit", "two": "remove", "three": "unchanged"}
