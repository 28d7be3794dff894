"""A set that is broken after it was accepted: its cells keep their jobs, nothing is paid for, and mending ends it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.proofs.world import World
from tests.sets.test_accept import MALTA, SCRIPT, SET, WRONG
from tests.support.sets import FARM, JOB, SCRIPTS, Jobs, Site, box, utc, write, year

pytestmark = pytest.mark.slow

NOW = utc(2026, 3, 1)
FILES = {"malta.geojson": MALTA, "red.js": SCRIPT, "nir.js": SCRIPT}


def malta(root: Path) -> Jobs:
    """A set of 20 cells that was accepted."""
    jobs = Jobs(root, {"set.yaml": SET, **FILES}, NOW)
    jobs.scan()
    assert len(jobs.wanted) == 20
    return jobs


def breaks_and_is_mended(jobs: Jobs, spoil: Callable[[], object], mend: Callable[[], object]) -> list[str]:
    """Spoil, scan, mend, scan: nothing may be removed or change what it asks for; returns the problems."""
    before, bodies = dict(jobs.wanted), dict(jobs.bodies)
    spoil()
    changed = jobs.changed()
    problems = jobs.problems("set.yaml")
    assert changed == dict.fromkeys(before, "stuck")
    for name, job in before.items():
        stuck = jobs.jobs[name]
        assert (stuck.wanted, [str(each) for each in stuck.problems]) == (job.wanted, problems)
        assert stuck.problems, name
    assert jobs.changed() == {}, "reported once"
    assert "malta" not in jobs.tree.sets
    [declared] = jobs.tree.documents("set.yaml")
    assert (declared.name, declared.is_unnamed) == (None, True)
    mend()
    assert jobs.changed() == dict.fromkeys(before, "mended")
    for name, job in before.items():
        assert (jobs.jobs[name].wanted, jobs.jobs[name].generation) == (job.wanted, job.generation)
    assert jobs.bodies == bodies
    assert jobs.tree.sets.keys() == {"malta"}
    return problems


@pytest.mark.parametrize(("text", "place", "words"), WRONG)
def test_a_wrong_edit_holds_every_cell_and_says_where_and_what_to_write(
    tmp_path: Path, text: str, place: str, words: str
) -> None:
    jobs = malta(tmp_path / "jobs.d")
    problems = breaks_and_is_mended(
        jobs, lambda: write(jobs.root, {"set.yaml": text}), lambda: write(jobs.root, {"set.yaml": SET})
    )
    matching = [each for each in problems if words in each]
    assert matching, problems
    assert matching[0].startswith(f"set.yaml:{place}:" if place else "set.yaml:")


def _deep() -> str:
    return '{"type": "GeometryCollection", "geometries": [' * 60 + MALTA + "]}" * 60


def _crossing() -> str:
    return (
        '{"type": "Polygon", "coordinates": [[[14.1, 35.7], [14.7, 36.2], [14.7, 35.7], [14.1, 36.2], [14.1, 35.7]]]}'
    )


FILES_GONE_WRONG = [
    pytest.param("malta.geojson", "", "is not JSON from line 1, column 1", id="an empty area file"),
    pytest.param("malta.geojson", "{'type': 1}", "line 1, column 2", id="an area file that is no JSON"),
    pytest.param("malta.geojson", "[" * 200_000, "nested too deeply", id="JSON without a bottom"),
    pytest.param("malta.geojson", _deep(), "is no GeoJSON object", id="collections in collections"),
    pytest.param("malta.geojson", '{"type": "FeatureCollection", "features": []}', "holds no polygon", id="no feature"),
    pytest.param("malta.geojson", _crossing(), "crosses itself", id="an outline that crosses itself"),
    pytest.param("malta.geojson", MALTA.replace("14.7", "NaN"), "[longitude, latitude]", id="not a number"),
    pytest.param("malta.geojson", MALTA.replace("14.7", "1e999"), "[longitude, latitude]", id="infinite"),
    pytest.param("malta.geojson", MALTA.replace("14.7", "-" + "9" * 400), "[longitude, latitude]", id="a huge number"),
    pytest.param("malta.geojson", MALTA + " " * 9_000_000, "simplify the outline", id="an area file of 9 MB"),
    pytest.param("malta.geojson", "\ufeff\x00\x01", "is not JSON", id="bytes"),
    pytest.param("malta.geojson", "null", "is no GeoJSON object", id="null"),
    pytest.param("malta.geojson", '{"__proto__": {"type": "Polygon"}}', "of the type None", id="an odd key"),
    pytest.param("malta.geojson", box(14, 35, 14, 36), "not simple", id="a box without a width"),
    pytest.param("malta.geojson", box(-180, -80, 180, 80), "more than half the Earth", id="the Earth"),
    pytest.param("nir.js", "//VERSION=3\nfunction setup( {", "E300", id="a script that is no JavaScript"),
    pytest.param("nir.js", "", "nir.js", id="an empty script"),
    pytest.param("nir.js", None, "nir.js", id="a deleted script"),
    pytest.param("malta.geojson", None, "does not exist", id="a deleted area file"),
    pytest.param("set.yaml", "kind: [", "E100", id="a manifest that is no YAML"),
    pytest.param("set.yaml", "{" * 100_000, "nesting depth", id="YAML without a bottom"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "words"), FILES_GONE_WRONG)
def test_a_file_gone_wrong_holds_every_cell(tmp_path: Path, file: str, text: str | None, words: str) -> None:
    jobs = malta(tmp_path / "jobs.d")
    good = (jobs.root / file).read_text()

    def spoil() -> None:
        if text is None:
            (jobs.root / file).unlink()
        else:
            (jobs.root / file).write_text(text)

    problems = breaks_and_is_mended(jobs, spoil, lambda: (jobs.root / file).write_text(good))
    assert any(words in each for each in problems), problems
    assert all(each.startswith("set.yaml:") for each in problems if "E300" not in each)
    assert all(len(each) < 600 for each in problems)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("malta.geojson", "../../secret.geojson", "inside the jobs folder", id="a path out of the folder"),
        pytest.param("malta.geojson", "/etc/hostname", "inside the jobs folder", id="a path of the machine"),
        pytest.param("malta.geojson", "link.geojson", "leads out of the jobs folder", id="a link out of the folder"),
        pytest.param("malta.geojson", "linked/a.geojson", "leads out of the jobs folder", id="behind a linked folder"),
        pytest.param("malta.geojson", "malta.json", "must be GeoJSON", id="the name of a manifest"),
        pytest.param("malta.geojson", ".", "not a regular file", id="a folder"),
        pytest.param("script: red.js", "script: link.js", "leads out of the jobs folder", id="a script behind a link"),
        pytest.param("script: red.js", "script: ../../red.js", "inside the jobs folder", id="a script outside"),
        pytest.param("credentialsRef: my-bucket", "credentialsRef: another", "E250", id="an unknown credential"),
        pytest.param("s3://my-bucket/malta", "s3://your-bucket/malta", "may only be used below", id="a foreign bucket"),
    ],
)  # fmt: skip
def test_what_a_set_may_not_name_is_refused_and_holds_every_cell(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    jobs = malta(tmp_path / "jobs.d")
    outside = tmp_path / "outside"
    write(outside, {"a.geojson": MALTA, "a.js": SCRIPT, "secret.geojson": MALTA})
    (jobs.root / "link.geojson").symlink_to(outside / "a.geojson")
    (jobs.root / "link.js").symlink_to(outside / "a.js")
    (jobs.root / "linked").symlink_to(outside)
    jobs.scan()
    text = SET.replace(old, new)
    assert text != SET
    problems = breaks_and_is_mended(
        jobs, lambda: write(jobs.root, {"set.yaml": text}), lambda: write(jobs.root, {"set.yaml": SET})
    )
    assert any(words in each for each in problems), problems


# --- two documents, one name ---


def test_a_second_set_of_one_name_is_refused_and_takes_over_when_the_first_goes(tmp_path: Path) -> None:
    jobs = malta(tmp_path / "jobs.d")
    before = set(jobs.wanted)
    write(jobs.root, {"a/again.yaml": SET, "a/malta.geojson": MALTA, "a/red.js": SCRIPT, "a/nir.js": SCRIPT})
    assert jobs.changed() == {}
    [told] = jobs.problems("a/again.yaml")
    assert told.startswith("a/again.yaml:3:12: E194 metadata.name: the set 'malta' is already declared in set.yaml")
    (jobs.root / "set.yaml").unlink()
    assert set(jobs.changed()) <= before
    jobs.scan()
    assert (set(jobs.wanted), jobs.problems("a/again.yaml")) == (before, [])
    assert {job.path for job in jobs.wanted.values()} == {"a/again.yaml"}


def test_a_set_that_would_make_the_job_of_another_file_is_refused_as_a_whole(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"job.yaml": JOB % "farm-2024-02-ndwi"}, NOW)
    jobs.scan()
    write(jobs.root, {"farm.yaml": FARM})
    assert jobs.changed() == {}
    [told] = jobs.problems("farm.yaml")
    assert told.startswith("farm.yaml:3:") and "'farm-2024-02-ndwi' is already declared in job.yaml" in told
    (jobs.root / "job.yaml").unlink()
    jobs.scan()
    jobs.scan()
    assert (len(jobs.wanted), jobs.problems("farm.yaml")) == (6, [])


def test_a_job_that_has_the_name_of_a_cell_is_refused_and_the_set_stays(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"farm.yaml": FARM}, NOW)
    jobs.scan()
    write(jobs.root, {"a.yaml": JOB % "farm-2024-02-ndwi"})
    assert jobs.changed() == {}
    [told] = jobs.problems("a.yaml")
    assert "'farm-2024-02-ndwi' is already declared in farm.yaml" in told
    assert jobs.problems("farm.yaml") == []


def test_two_sets_that_make_one_name_do_not_disturb_the_one_that_was_there(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"farm.yaml": FARM}, NOW)
    jobs.scan()
    january = FARM.replace("to: 2024-03", "to: 2024-01")
    other = january.replace("{name: farm}", "{name: farm-2024}")
    other = other.replace("    window: {", "    w: {values: {a: {}}}\n    window: {").replace(
        "farm/$index", "farm/$index/$w"
    )
    write(jobs.root, {"b.yaml": other})
    assert set(jobs.changed()) == {"farm-2024-a-2024-01-ndvi", "farm-2024-a-2024-01-ndwi"}
    write(jobs.root, {"a.yaml": january.replace("{name: farm}", "{name: farm-2024-a}")})
    assert jobs.changed() == {}
    [told] = jobs.problems("a.yaml")
    assert "is already declared in the set 'farm-2024' in b.yaml" in told
    assert "give this set another name" in told


@pytest.mark.parametrize("documents", [(JOB % "farm-2024-02-ndwi", FARM), (FARM, JOB % "farm-2024-02-ndwi")])
def test_a_set_that_would_make_a_job_of_its_own_file_is_refused_at_once(
    tmp_path: Path, documents: tuple[str, ...]
) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"all.yaml": "---\n".join(documents)}, NOW)
    assert jobs.changed() == {"farm-2024-02-ndwi": "new"}
    [problem] = jobs.problems("all.yaml")
    assert "'farm-2024-02-ndwi' is already declared in all.yaml; give this set another name" in problem


def test_two_sets_of_one_file_that_make_one_name_are_refused_at_once(tmp_path: Path) -> None:
    other = FARM.replace("{name: farm}", "{name: farm-2024}").replace("    window: {every", "    w: {every")
    other = other.replace("$window", "$w").replace("month, from: 2024-01, to: 2024-03", "year, from: 2023, to: 2023")
    text = FARM.replace("{name: farm}", "{name: farm-2024-2023}").replace("    window: {every", "    w: {every")
    text = text.replace("$window.range", "{from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}")
    text = text.replace("    w: {every: month, from: 2024-01, to: 2024-03, after: 5d}\n", "")
    jobs = Jobs(tmp_path / "jobs.d", {"all.yaml": f"{other}---\n{text}"}, NOW)
    assert jobs.changed() == {"farm-2024-2023-ndvi": "new", "farm-2024-2023-ndwi": "new"}
    [problem] = jobs.problems("all.yaml")
    assert "is already declared in the set 'farm-2024' in all.yaml (and 1 more cells)" in problem


def test_a_set_is_accepted_under_another_path_when_its_file_had_a_problem_and_went_while_nothing_ran(
    tmp_path: Path,
) -> None:
    """It was refused for ever: the set is already declared in a file that is gone."""
    with year(tmp_path / "jobs.d", {"farm.yaml": FARM}, utc(2026, 12, 20)) as (_, site):
        site.go_on(86400)
        site.write({"farm.yaml": f"{FARM}---\nkind: AsyncProcess\nmetadata: {{name: third}}\n"})
        site.go_on(86400)
        before = site.posts()
        site.die(3600, arrives=True)
        (site.root / "farm.yaml").rename(site.root / "all.yaml")
        site.go_on(86400)
        assert {job.path for job in site.ledger.jobs.values()} == {"all.yaml"}
        assert (set(site.phases().values()), site.posts(), len(before)) == ({"Succeeded"}, before, 6)


def test_a_set_that_is_new_and_broken_declares_nothing(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"farm.yaml": FARM.replace("$index.script", "$indx.script")}, NOW)
    assert jobs.changed() == {}
    [told] = jobs.problems("farm.yaml")
    assert told.startswith("farm.yaml:12:5: E108") and "did you mean `$index`?" in told


# --- through the loop: nothing is paid for, and what runs is followed ---

BREAKS: dict[str, Callable[[Site], None]] = {
    "the text is wrong": lambda site: site.write({"farm.yaml": FARM.replace("$index.script", "$indx.script")}),
    "the file is no YAML": lambda site: site.write({"farm.yaml": "kind: ["}),
    "the script is deleted": lambda site: site.remove("ndvi.js"),
    "the script is broken": lambda site: site.write({"ndvi.js": "function ("}),
    "too many cells": lambda site: site.write({"farm.yaml": FARM.replace("month, from: 2024", "day, from: 2000")}),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_set_broken_while_some_of_it_runs_pays_for_nothing_more_until_it_is_mended(tmp_path: Path, name: str) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": FARM}, utc(2026, 12, 20)) as (_, site):
        site.go_on(120)
        running = site.posts()
        assert len(running) == 3, "as many as may run at once"
        BREAKS[name](site)
        site.go_on(86400)
        assert site.posts() == running
        assert len(site.ledger.jobs) == 6
        ended = {row.job for row in site.rows() if row.outcome is not None}
        assert ended == running.keys(), "what runs is followed to its end"
        site.restart()
        site.go_on(86400)
        assert site.posts() == running, "nor after a restart"
        site.write({"farm.yaml": FARM, **SCRIPTS})
        site.go_on(86400)
        assert {job: len(times) for job, times in site.posts().items()} == dict.fromkeys(site.phases(), 1)
        assert (len(site.phases()), set(site.phases().values())) == (6, {"Succeeded"})


def _delivered(world: World, site: Site) -> object:
    return {sent.prefix: site._world.cloud.read(sent.prefix, "", world.now) for sent in world.cloud.sent}


def test_a_deleted_set_is_removed_and_its_results_stay_and_are_not_paid_for_again(tmp_path: Path) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": FARM, "other.yaml": JOB % "other"}, utc(2026, 12, 20)) as (
        world,
        site,
    ):
        site.go_on(86400)
        paid, results = site.posts(), _delivered(world, site)
        site.remove("farm.yaml")
        site.go_on(86400)
        assert (set(site.phases()), site.posts(), _delivered(world, site)) == ({"other"}, paid, results)
        assert len(site.rows()) == 7
        site.write({"farm.yaml": FARM})
        site.go_on(86400)
        assert (set(site.phases().values()), site.posts()) == ({"Succeeded"}, paid)


@pytest.mark.parametrize("target", ["b.yaml", "deep/er/farm.yaml"])
@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "when it is delivered"])
def test_a_set_that_moves_keeps_its_jobs(tmp_path: Path, target: str, running: bool) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": FARM}, utc(2026, 12, 20)) as (_, site):
        site.go_on(120 if running else 86400)
        generations = {name: job.generation for name, job in site.ledger.jobs.items()}
        write(site.root, {target: FARM})
        (site.root / "farm.yaml").unlink()
        site.notice()
        site.go_on(86400)
        assert {job.path for job in site.ledger.jobs.values()} == {target}
        assert {name: job.generation for name, job in site.ledger.jobs.items()} == generations
        assert {job: len(times) for job, times in site.posts().items()} == dict.fromkeys(site.phases(), 1)


def test_a_set_that_moves_without_a_scan_between_keeps_its_jobs_over_a_restart(tmp_path: Path) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": FARM}, utc(2026, 12, 20)) as (_, site):
        site.go_on(86400)
        paid = site.posts()
        site.die(600, arrives=True)
        os.renames(site.root / "farm.yaml", site.root / "new" / "farm.yaml")
        write(site.root / "new", dict(SCRIPTS))
        site.go_on(86400)
        assert {job.path for job in site.ledger.jobs.values() if job.wanted} == {"new/farm.yaml"}
        assert (len(site.phases()), site.posts()) == (6, paid)


def test_a_set_in_json_is_the_set_in_yaml(tmp_path: Path) -> None:
    one = Jobs(tmp_path / "one", {"farm.yaml": FARM}, NOW)
    other = Jobs(tmp_path / "other", {"farm.json": json.dumps(yaml.safe_load(FARM))}, NOW)
    one.scan()
    other.scan()
    assert other.problems("farm.json") == []
    assert one.bodies == other.bodies
