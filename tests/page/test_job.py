"""The page of one job: what it shows of each kind of job, from a ledger that a real loop wrote."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml

from controller.analysis.terms import terms_of, threshold_of
from controller.ledger.store import Store
from controller.model.clock import Clock
from controller.model.files import STATUS
from controller.page.message import PageRequest, PageResponse
from controller.page.site import Site
from controller.settings.settings import Settings
from tests.support.factories import NOW, at
from tests.support.set_loops import PLAIN, farm, running, settings_of

pytestmark = pytest.mark.slow

WARNED = """\
//VERSION=3
function setup() {
  return {input: ["B04", "B08", "B02"], output: {bands: 1, sampleType: "FLOAT32"}};
}
function evaluatePixel(sample) {
  return [sample.B08 - sample.B04];
}
"""
INLINE = f"  request:\n    evalscript: |\n{indent(WARNED, ' ' * 6)}"
PARAMETERS = f"  parameters: {{gain: 2}}\n{INLINE}"


def plain(name: str, number: int, *changes: tuple[str, str]) -> str:
    text = PLAIN.replace("name: plain}", f"name: {name}, labels: {{team: agri, size: small}}}}")
    text = text.replace("14.50", f"14.5{number}")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


HELD = ("spec:\n", "spec:\n  hold: true\n")
IN_THE_MANIFEST = ("  evalscriptFile: ndvi.js\n  request:\n", INLINE)
FILES = {
    "plain.yaml": plain("plain", 1),
    "failing.yaml": plain("failing", 2),
    "held.yaml": plain("held", 3, HELD),
    "inline.yaml": plain("inline", 4, IN_THE_MANIFEST),
    "parameters.yaml": plain("parameters", 5, ("evalscriptFile: ndvi.js\n  request:\n", PARAMETERS.lstrip())),
    "beside.yaml": plain("beside", 9, ("ndvi.js", "warned.js")),
    "warned.js": WARNED,
    "later-broken.yaml": plain("later-broken", 5),
    "removed.yaml": plain("removed", 6),
    "changed.yaml": plain("changed", 7),
    "refused.yaml": plain("refused", 8, ("width: 600", "width: -1")),
    "twin.yaml": plain("twin", 1),
    "one.json": json.dumps(yaml.safe_load(plain("json", 0, IN_THE_MANIFEST)), default="{:%Y-%m-%dT%H:%M:%SZ}".format),
    "farm.yaml": farm("from: 2025-11, to: 2025-12"),
}
CELL = "farm-2025-11-a"


class FixedClock(Clock):
    def now(self) -> Any:
        return at(7200)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A repository with a job of each kind, as a loop left it."""
    root = tmp_path_factory.mktemp("repository")
    found = settings_of(root, "largeChangeJobs = 1000\npricePerProcessingUnit = 0.5")
    for path, text in FILES.items():
        (found.jobs / path).write_text(text, encoding="utf-8")
    with Store.open(found.state, {}) as store, store.transaction():
        store.renew(terms_of(found), threshold_of(found), kept=STATUS)
    with running(root, NOW) as loop:
        loop.failing.add("failing")
        loop.rest()
        (found.jobs / "later-broken.yaml").write_text(plain("later-broken", 5, ("width: 600", "width: none")))
        (found.jobs / "changed.yaml").write_text(plain("changed", 7, ("width: 600", "width: 640")))
        (found.jobs / "removed.yaml").unlink()
        loop.rest(at(3600))
        loop.loop.report(loop.now)
    return settings_of(root, "largeChangeJobs = 1000\npricePerProcessingUnit = 0.5")


def respond(settings: Settings, path: str) -> PageResponse:
    return Site(settings, clock=FixedClock()).respond(PageRequest(path=path))


def document(settings: Settings, name: str) -> dict[str, Any]:
    response = respond(settings, f"/jobs/{name}.json")
    assert response.status == 200, response.content
    found: dict[str, Any] = json.loads(response.content)
    return found


def html(settings: Settings, name: str) -> str:
    response = respond(settings, f"/jobs/{name}")
    assert response.status == 200, response.content
    return response.content.decode()


def words(page: str) -> str:
    """What a reader sees, without the markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


@pytest.mark.parametrize(
    ("name", "phase", "why"),
    [
        pytest.param("plain", "Succeeded", "plain is Succeeded (Delivered)", id="a delivered job says so"),
        pytest.param("failing", "Failed", "a higher `rerun` for the same one", id="a failed one says what would pay"),
        pytest.param("held", "Held", "submitted when `spec.hold` is false", id="a held one says what would free it"),
        pytest.param("twin", "Succeeded", "It costs nothing", id="one that shares a run says that it costs nothing"),
        pytest.param(CELL, "Succeeded", f"{CELL} is Succeeded", id="a cell is a job"),
        pytest.param("later-broken", "Succeeded", "is Succeeded (Delivered)", id="a broken manifest changes no past"),
        pytest.param("removed", "Removed", "nothing is paid for twice", id="a removed one says what a return means"),
        pytest.param("refused", "Invalid", "until the manifest is fixed", id="one never accepted says what to do"),
    ],
)
def test_the_page_says_where_a_job_is_and_why(settings: Settings, name: str, phase: str, why: str) -> None:
    found = document(settings, name)
    assert (found["name"], found["phase"]) == (name, phase)
    assert why in found["why"]
    assert words(html(settings, name)).count(phase) > 0


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        pytest.param("plain", [], id="nothing about a delivered job"),
        pytest.param("failing", ["shjobs retry failing"], id="a retry of a failed one"),
        pytest.param("refused", ["shjobs check {jobs}/refused.yaml"], id="a check of one that was never accepted"),
        pytest.param("held", [], id="nothing about one that its own manifest holds"),
    ],
)
def test_the_command_to_copy_is_there_when_an_operator_is_needed(
    settings: Settings, name: str, commands: list[str]
) -> None:
    wanted = [each.format(jobs=settings.jobs.name) for each in commands]
    assert [each["command"] for each in document(settings, name)["commands"]] == wanted
    assert all(each in words(html(settings, name)) for each in wanted)


def test_what_it_delivered_and_what_that_cost_is_shown(settings: Settings) -> None:
    found, page = document(settings, "plain"), words(html(settings, "plain"))
    [output] = found["outputs"]
    assert output["href"].startswith("s3://my-bucket/plain/plain/")
    assert output["href"] in page
    assert "8.0 kB" in page
    assert found["cost"]["units"]["spent"] == 1.0
    assert "Spent 1.00 PU (0.50 EUR)" in page


def test_every_label_lists_the_jobs_that_have_it(settings: Settings) -> None:
    page = html(settings, "plain")
    assert '<a href="/jobs?label=team%3Dagri">' in page
    assert '<a href="/jobs?label=size%3Dsmall">' in page


def test_a_cell_is_one_click_from_the_other_windows_of_its_tile(settings: Settings) -> None:
    assert document(settings, CELL)["facts"]["window"] == "2025-11"
    assert f'<a href="/sets/farm?cell={CELL}">' in html(settings, CELL)


def test_where_on_earth_it_is_is_drawn(settings: Settings) -> None:
    assert document(settings, "plain")["footprint"] == pytest.approx([14.40, 35.80, 14.51, 35.90])
    page = html(settings, "plain")
    assert re.search(r'<a class="locator" href="/map\?[^"]*" aria-label="Where it is, on the map">\s*<svg', page)
    assert document(settings, "refused")["footprint"] is None


def test_a_job_that_shares_a_run_links_to_who_paid(settings: Settings) -> None:
    assert document(settings, "twin")["facts"]["sharedWith"] == "plain"
    assert '<a href="/jobs/plain">' in html(settings, "twin")


def test_each_submission_has_its_evidence_newest_first(settings: Settings) -> None:
    first, second = document(settings, "changed")["submissions"]
    assert first["submittedAt"] > second["submittedAt"]
    assert next(each["key"].rpartition("/")[2] for each in first["evidence"]["objects"]) == "default.tif"
    page = html(settings, "changed")
    assert page.count("<details id=") == 1
    assert f'<details id="submission-{second["submission"]}"' in page


def test_a_submission_says_what_its_request_changed(settings: Settings) -> None:
    first, second = document(settings, "changed")["submissions"]
    assert first["changes"]["fields"] == ["output.width: 600 -> 640"]
    assert "changes" not in second
    assert "output.width: 600 -&gt; 640" in html(settings, "changed")


def test_a_manifest_that_cannot_be_accepted_now_shows_its_problems(settings: Settings) -> None:
    found = document(settings, "later-broken")
    [problem] = found["problems"]["lines"]
    assert problem.startswith("later-broken.yaml:11:")
    assert "so it stays as last accepted" in html(settings, "later-broken")


def test_one_that_was_never_accepted_has_its_problems_and_no_empty_parts(settings: Settings) -> None:
    found, page = document(settings, "refused"), html(settings, "refused")
    assert found["problems"]["lines"][0].startswith("refused.yaml:11:")
    assert (found["isAccepted"], "Evalscript" in page) == (False, False)


def test_a_removed_job_keeps_its_past_and_its_last_request(settings: Settings) -> None:
    found = document(settings, "removed")
    assert [each["outcome"] for each in found["submissions"]] == ["succeeded"]
    assert found["request"]["output"]["width"] == 600


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("inline", id="in the manifest, whose lines it has"),
        pytest.param("parameters", id="in the manifest, with parameters declared in front of a line"),
        pytest.param("beside", id="in a file of its own"),
        pytest.param("json", id="in a JSON manifest, on one line of that"),
    ],
)
def test_a_warning_is_at_its_line_of_the_script(settings: Settings, name: str) -> None:
    found = document(settings, name)["excerpt"]
    warned = {number: each for number, each in enumerate(found["script"]["lines"], start=1) if "warnings" in each}
    assert {number: [each["code"] for each in line["warnings"]] for number, line in warned.items()} == {3: ["W005"]}
    assert found["warnings"]["lines"] == []
    assert re.search(r"<li>[^<]*B02[^<]*<p><b>W005</b> [^<]*B02", html(settings, name))


def test_a_warning_whose_manifest_has_changed_since_is_listed_above(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "inline.yaml").write_text("# nothing is here any more")
    found = document(settings.model_copy(update={"jobs": tmp_path}), "inline")["excerpt"]
    [warning] = found["warnings"]["lines"]
    assert warning.startswith("inline.yaml:9:")
    assert not any("warnings" in line for line in found["script"]["lines"])


def test_the_request_is_there_as_yaml_and_the_script_by_line(settings: Settings) -> None:
    found = document(settings, "plain")["excerpt"]
    assert "width: 600" in found["request"]["text"]
    assert "evalscript" not in found["request"]["text"]
    assert (found["script"]["lines"][0]["text"], found["script"]["more"]) == ("//VERSION=3", 0)


def test_the_last_events_are_there_newest_first(settings: Settings) -> None:
    events = document(settings, "changed")["events"]
    assert [each["at"] for each in events] == sorted((each["at"] for each in events), reverse=True)
    assert '<a href="/events?job=changed">' in html(settings, "changed")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("plane", "did you mean plain?", id="a mistyped one"),
        pytest.param("farm", "its page is sets/farm", id="a set"),
        pytest.param("zzz", "the list of jobs has all names", id="nothing like it"),
        pytest.param("<script>", "there is no job", id="no name at all"),
    ],
)
def test_an_unknown_name_says_what_there_is(settings: Settings, name: str, hint: str) -> None:
    response = respond(settings, f"/jobs/{name}")
    assert response.status == 404
    assert hint in response.content.decode()
    assert "<script>." not in response.content.decode()


def test_without_a_ledger_there_is_no_job(tmp_path: Path) -> None:
    assert respond(settings_of(tmp_path), "/jobs/plain").status == 404


DAMAGE = {
    "what the job wants": "update job set wanted = '{' where name = 'plain'",
    "its request": "update job set body = '{' where name = 'plain'",
    "the evidence of a submission": "update submission set evidence = '{' where job = 'plain'",
    "which submission it is": "update submission set rerun = 'x' where job = 'plain'",
    "the request that was sent": "update submission set body = '[]' where job = 'changed'",
    "its status": "update status set documents = '{'",
    "what was reported": "update job set told = 'Nonsense' where name = 'plain'",
    "its events": "update event set at = 'yesterday' where job = 'plain'",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["plain", "changed", "later-broken", "removed", CELL])
def test_a_damaged_row_hides_no_more_than_itself(settings: Settings, tmp_path: Path, damage: str, name: str) -> None:
    copied = damaged(settings, tmp_path, DAMAGE[damage])
    assert name in html(copied, name)
    if name != "plain" and damage != "its status":
        assert document(copied, name)["phase"] == document(settings, name)["phase"]


def test_a_job_that_cannot_be_read_says_so(settings: Settings, tmp_path: Path) -> None:
    copied = damaged(settings, tmp_path, DAMAGE["what the job wants"])
    assert "cannot be read by this version" in html(copied, "plain")
    assert document(copied, "plain")["submissions"][0]["outcome"] == "succeeded"


LATER = """
update job set wanted = '{', told = 'LaterWord: a newer version knows it';
update status set documents = replace(replace(documents, '"Delivered"', '"LaterWord"'), '"Rejected"', '"LaterWord"');
"""
"""As a later version may have written it: with a reason and a form of what a job wants that this one does not know."""


@pytest.mark.parametrize(
    ("name", "phase", "message"),
    [
        pytest.param("plain", "Succeeded", "every declared output", id="a job with a status document"),
        pytest.param(CELL, "Pending", "a newer version knows it", id="a cell, which has none"),
        pytest.param("refused", "Invalid", "the manifest cannot be accepted", id="a document that was never accepted"),
    ],
)
def test_a_reason_that_this_version_does_not_know_is_shown_as_it_was_recorded(
    settings: Settings, tmp_path: Path, name: str, phase: str, message: str
) -> None:
    found = document(damaged(settings, tmp_path, LATER), name)
    assert (found["phase"], found["reason"]) == (phase, "LaterWord")
    assert message in found["message"]
    assert found["why"].startswith(f"{name} is {phase} (LaterWord): ")
    assert message in found["why"]


def damaged(settings: Settings, folder: Path, sql: str) -> Settings:
    """The same repository with a copy of its ledger in which something is broken."""
    state = folder / "state"
    state.mkdir()
    with (
        closing(sqlite3.connect(settings.state / "shjobs.db")) as source,
        closing(sqlite3.connect(state / "shjobs.db")) as target,
        target,
    ):
        source.backup(target)
        target.executescript(sql)
    return settings.model_copy(update={"state": state})


def test_a_view_writes_nothing(settings: Settings) -> None:
    before = {path: path.stat().st_mtime_ns for path in settings.state.iterdir() if path.suffix == ".db"}
    html(settings, "plain")
    assert {path: path.stat().st_mtime_ns for path in before} == before
