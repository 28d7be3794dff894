"""Sets from day to day: restarts, other documents beside them, ignore lists, and what is hostile in them."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.analysis.appraisal import still_examined
from controller.manifest.validate import ValidManifest
from controller.model.job import Appraisal
from controller.tree.declared import declarations
from controller.tree.tree import Tree
from tests.sets.test_broken import malta
from tests.support.sets import COUNTRY, FARM, JOB, SCRIPTS, SLOVENIA, Jobs, Site, appraiser, utc, write, year

pytestmark = pytest.mark.slow

NOW = utc(2026, 3, 1)
SECONDS = 20.0
"""Of the processor, on any machine: each of these takes less than two."""


# --- restarts ---


def written(site: Site, seconds: float) -> list[str]:
    """The tables that are written to in so many seconds."""
    seen: list[str] = []
    site.disk.db.conn.set_trace_callback(seen.append)
    site._world.wait(seconds)
    site.disk.db.conn.set_trace_callback(None)
    found = [re.match(r"(?:insert|replace|update|delete)\b.*?\b(job|submission|file|event)\b", each, re.I | re.S)
             for each in seen]  # fmt: skip
    return [each[1] for each in found if each]


def test_a_restart_with_240_cells_writes_no_job_and_appraises_nothing(tmp_path: Path) -> None:
    text = COUNTRY.replace("to: 2024-12", "to: 2024-06")
    files = {"slovenia.yaml": text, "slovenia.geojson": SLOVENIA}
    with year(tmp_path / "jobs.d", files, utc(2026, 12, 20)) as (_, site):
        site.go_on(30)
        jobs = dict(site.ledger.jobs)
        assert (len(jobs), len(site.appraised)) == (252, 12)
        site.appraised.clear()
        site.die(1, arrives=True)
        tables = written(site, 30)
        assert {name: job.wanted for name, job in site.ledger.jobs.items()} == {
            name: job.wanted for name, job in jobs.items()
        }
        assert site.appraised == []
        assert "job" not in tables
        assert len(site.shelf.sets["slovenia"].windows) == 6
        site.write({"slovenia.yaml": text.replace("to: 2024-06", "to: 2024-05")})
        assert "job" in written(site, 30), "what is written is seen"


def test_an_edit_while_the_daemon_is_down_changes_only_its_cells(tmp_path: Path) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": FARM}, utc(2026, 12, 20)) as (_, site):
        site.go_on(86400)
        site.die(3600, arrives=True)
        write(site.root, {"farm.yaml": FARM.replace("to: 2024-03", "to: 2024-04").replace("2024-01,", "2024-02,")})
        site.go_on(86400)
        months = {name.removeprefix("farm-")[:7] for name in site.phases()}
        assert (months, len(site.posts())) == ({"2024-02", "2024-03", "2024-04"}, 8)
        assert all(len(times) == 1 for times in site.posts().values())


# --- beside other documents ---


def test_sets_and_ordinary_jobs_live_in_one_file(tmp_path: Path) -> None:
    other = FARM.replace("{name: farm}", "{name: meadow}").replace("to: 2024-03", "to: 2024-01")
    text = "---\n".join([JOB % "first", FARM, JOB % "second", other, "kind: AsyncProcess\nmetadata: {name: third}\n"])
    jobs = Jobs(tmp_path / "jobs.d", {"all.yaml": text}, NOW)
    changed = jobs.changed()
    assert len(changed) == 6 + 2 + 2
    assert {job.index for name, job in jobs.wanted.items() if name.startswith("farm-")} == {1}
    assert [(each.name, each.set_name) for each in jobs.tree.documents("all.yaml")] == [
        ("first", ""), (None, "farm"), ("second", ""), (None, "meadow"), ("third", ""),
    ]  # fmt: skip
    write(jobs.root, {"all.yaml": text.replace("$index.script", "$indx.script", 1)})
    changed = jobs.changed()
    assert {name.split("-")[0] for name in changed} == {"farm"}
    assert set(changed.values()) == {"stuck"}
    write(jobs.root, {"all.yaml": text.replace("evalscriptFile: ndvi.js", "evalscriptFile: nvdi.js", 1)})
    assert jobs.changed() == {"first": "stuck", **dict.fromkeys(changed, "mended")}


def test_a_set_waits_as_a_whole_until_all_its_scripts_are_examined(tmp_path: Path) -> None:
    jobs, examined = Jobs(tmp_path / "jobs.d", {"farm.yaml": FARM, "other.yaml": JOB % "other"}, NOW), {"other"}
    real = appraiser(NOW.date)

    def appraise(item: ValidManifest) -> Appraisal:
        script = item.name.rpartition("-")[2]
        if script in examined:
            return real(item)
        return Appraisal(wanted=None, problems=(still_examined(item),), awaits=script)

    jobs.tree = Tree(jobs.root, appraise, pricing=real.pricing, is_pending=lambda script: script not in examined)
    assert jobs.changed() == {"other": "new"}
    assert len(jobs.problems("farm.yaml")) == 1, "told once, however many scripts there are"
    examined.add("ndvi")
    assert jobs.changed() == {}
    examined.add("ndwi")
    assert (set(jobs.changed().values()), len(jobs.wanted), jobs.problems("farm.yaml")) == ({"new"}, 7, [])
    before = jobs.wanted
    examined.discard("ndwi")
    (jobs.root / "ndwi.js").write_text(SCRIPTS["ndwi.js"] + "// another")
    assert jobs.changed() == {name: "stuck" for name in before if name != "other"}
    assert {name: job.wanted for name, job in jobs.wanted.items()} == {name: job.wanted for name, job in before.items()}
    examined.add("ndwi")
    changed = jobs.changed()
    assert {name.rpartition("-")[2]: word for name, word in changed.items()} == {"ndvi": "mended", "ndwi": "changed"}


def test_a_set_that_the_ignore_list_names_declares_nothing(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"farm.yaml": FARM, "drafts/other.yaml": FARM}, NOW)
    write(jobs.root, {".shjobsignore": "drafts/\n"})
    jobs.scan()
    assert (len(jobs.wanted), list(jobs.tree.paths())) == (6, ["farm.yaml"])
    write(jobs.root, {".shjobsignore": "*\n!.shjobsignore\n!drafts/\n!drafts/*\n"})
    jobs.scan()
    jobs.scan()
    assert {job.path for job in jobs.wanted.values()} == {"drafts/other.yaml"}


def test_a_set_beyond_the_limit_of_a_tree_declares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "MOST_DOCUMENTS", 10)
    jobs = Jobs(tmp_path / "jobs.d", {"farm.yaml": FARM, "other.yaml": FARM.replace("name: farm", "name: other")}, NOW)
    assert set(jobs.changed().values()) == {"new"}
    assert {job.path for job in jobs.wanted.values()} == {"farm.yaml"}
    assert (len(jobs.wanted), set(jobs.tree.sets)) == (6, {"farm"})
    assert "more than 10 documents in the tree" in jobs.problems("other.yaml")[0]


def test_an_area_file_is_not_taken_for_a_manifest(tmp_path: Path) -> None:
    jobs = malta(tmp_path / "jobs.d")
    assert list(jobs.tree.paths()) == ["set.yaml"]
    assert jobs.tree.uses("set.yaml") == ("malta.geojson", "nir.js", "red.js")


# --- hostile ---


def measured(root: Path, files: dict[str, str]) -> tuple[Jobs, list[str]]:
    """Read a hostile set; it must not take long, whatever it says."""
    jobs = Jobs(root, files, NOW)
    began = time.process_time()
    jobs.scan()
    assert time.process_time() - began < SECONDS
    return jobs, jobs.problems("set.yaml")


def ring(count: int) -> str:
    """An outline of so many points around Malta, which does not cross itself."""
    side = count // 4
    step = 0.5 / side
    points = [[14.1 + step * n, 35.7] for n in range(side)] + [[14.6, 35.7 + step * n] for n in range(side)]
    points += [[14.6 - step * n, 36.2] for n in range(side)] + [[14.1, 36.2 - step * n] for n in range(side)]
    short = [[round(x, 6), round(y, 6)] for x, y in points]
    return json.dumps({"type": "Polygon", "coordinates": [[*short, short[0]]]}, separators=(",", ":"))


def polygon(rings: str) -> str:
    return f'{{"type": "Polygon", "coordinates": {rings}}}'


PLACE = COUNTRY.replace("slovenia", "place").replace("to: 2024-12", "to: 2024-01")


def test_an_outline_of_300_000_points_is_read_in_good_time(tmp_path: Path) -> None:
    text = ring(300_000)
    assert len(text) < 8_000_000
    jobs, problems = measured(tmp_path / "jobs.d", {"set.yaml": PLACE, "place.geojson": text})
    assert (problems, len(jobs.wanted)) == ([], 8)


@pytest.mark.parametrize(
    ("area", "words"),
    [
        pytest.param(lambda: ring(1_000_000), "larger than", id="a million points"),
        pytest.param(lambda: polygon("[" + "[]," * 300_000 + "[]]"), "ring", id="many empty rings"),
        pytest.param(lambda: json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature"}] * 300_000}),
                     "holds no polygon", id="many features of nothing"),
        pytest.param(lambda: '{"type": "MultiPolygon", "coordinates": [' + ",".join(
            f"[[[14,35],[{14 + n / 1e5:.5f},36],[15,{35 + n / 1e5:.5f}],[14,35]]]" for n in range(1, 20_000)) + "]}",
            "", id="polygons upon polygons"),
        pytest.param(lambda: polygon("[[[14.1, 35.7], [1e308, 1e308], [-1e308, 36], [14.1, 35.7]]]"),
                     "is not [longitude, latitude]", id="huge numbers"),
        pytest.param(lambda: '{"type": "Feature", "properties": {"id": ' + "1" * 5_000 + '}, "geometry": null}',
                     "a number of thousands of digits", id="a number without an end"),
        pytest.param(lambda: polygon("[[[14, 35], [14.0000001, 35], [14, 35.0000001], [14, 35]]]"),
                     "", id="a grain"),
        pytest.param(lambda: '{"type": "Polygon", "type": "Point", "coordinates": [1, 2]}',
                     "'Point'", id="a key twice"),
    ],
)  # fmt: skip
def test_a_hostile_area_is_answered_in_good_time(tmp_path: Path, area: Callable[[], str], words: str) -> None:
    """The areas are written down by their own test: collecting them would cost each worker seconds."""
    _, problems = measured(tmp_path / "jobs.d", {"set.yaml": PLACE, "place.geojson": area()})
    assert not words or any(words in each for each in problems), problems
    assert all(each.startswith("set.yaml:") and len(each) < 700 for each in problems)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("        ndvi: {script", "        __proto__: {script", "a key is made of", id="an odd key"),
        pytest.param("    window: {", "    __class__: {", "an axis is named by", id="a dunder as an axis"),
        pytest.param("$index.script", "$index.__class__", "has no `__class__`", id="an attribute of Python"),
        pytest.param("$index.script", "$index.script.upper", "", id="two fields"),
        pytest.param("$index.script", "${index.script}", "", id="braces"),
        pytest.param("farm/$index", f"farm/{'a' * 5_000}$index", "is a piece of", id="a piece of a long text"),
        pytest.param("farm/$index", "farm/$index/../../x", "", id="a path upwards"),
        pytest.param("{script: ndvi.js}", "{script: $$index.script}", "", id="a reference to a reference"),
        pytest.param("{script: ndvi.js}", "{script: ../../../etc/passwd}", "inside the jobs", id="a value outside"),
        pytest.param("{script: ndvi.js}", "{script: {a: 1}}", "must be text", id="a mapping for a name"),
        pytest.param("from: 2024-01", "from: 0001-01", "", id="the first year"),
        pytest.param("to: 2024-03", "to: 9999-12", "more than 10,000", id="the last year"),
        pytest.param("every: month, from: 2024-01, to: 2024-03", "every: day, from: 0001-01", "more than 10,000",
                     id="every day since the first"),
        pytest.param("every: month, from: 2024-01, to: 2024-03", "every: year, from: 9999, to: 9999", "no year begins",
                     id="the last year alone"),
        pytest.param("from: 2024-01", "from: 9999-w52", "not in the calendar", id="a week that ends in the next year"),
        pytest.param("after: 5d", "after: 1e30d", "", id="a wait for ever"),
        pytest.param("after: 5d", "after: 99999999999d", "at most 366d", id="a long wait"),
        pytest.param("after: 5d", "after: -5d", "", id="a wait backwards"),
        pytest.param("to: 2024-03", "to: 2024-03, <<: {every: day}", "", id="a merge key"),
        pytest.param("metadata: {name: farm}", "metadata: &a {name: farm, labels: *a}", "", id="a circle of anchors"),
    ],
)  # fmt: skip
def test_a_hostile_text_declares_nothing_and_is_answered_in_good_time(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = FARM.replace(old, new)
    assert text != FARM
    jobs, problems = measured(tmp_path / "jobs.d", {"set.yaml": text})
    assert problems, sorted(jobs.wanted)
    assert any(words in each for each in problems), problems
    assert all(each.startswith("set.yaml:") and len(each) < 700 for each in problems)
    assert jobs.wanted == {}


def test_a_dollar_of_a_price_is_text_when_it_is_written_twice(tmp_path: Path) -> None:
    text = FARM.replace(
        "    evalscriptFile: $index.script",
        "    evalscriptFile: $index.script\n    parameters: {price: $$index, unit: US$}",
    )
    jobs, problems = measured(tmp_path / "jobs.d", {"set.yaml": text})
    assert problems == []
    scripts = {json.loads(jobs.bodies[name])["evalscript"] for name in jobs.wanted}
    assert all('"price": "$index"' in each or '"price":"$index"' in each for each in scripts)


def test_ten_thousand_cells_are_read_in_good_time_and_one_more_is_refused(tmp_path: Path) -> None:
    values = "".join(f"        v{number}: {{script: ndvi.js, threshold: {number}}}\n" for number in range(100))
    begin, end = FARM.index("        ndvi: {"), FARM.index("  template:")
    text = FARM[:begin] + values + FARM[end:].replace("$index.script", "ndvi.js\n    parameters: {t: $index.threshold}")
    text = text.replace("from: 2024-01, to: 2024-03", "from: 2015-09, to: 2023-12")
    jobs, problems = measured(tmp_path / "jobs.d", {"set.yaml": text})
    assert (problems, len(jobs.wanted)) == ([], 10_000)
    write(jobs.root, {"set.yaml": text.replace("2023-12", "2024-01")})
    assert set(jobs.changed().values()) == {"stuck"}
    [told] = jobs.problems("set.yaml")
    assert "10,100 cells (101 of window x 100 of index), and a set has at most 10,000: split it" in told
