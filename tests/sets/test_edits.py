"""What an edit of a set, or of a file that it names, changes in its jobs: the cells it is about, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import shapely

from controller.model.job import Wanted
from tests.support.command import shjobs
from tests.support.sets import COUNTRY, FARM, JOB, SCRIPTS, SLOVENIA, Jobs, box, utc, write, year
from tests.support.tiles import in_degrees

pytestmark = pytest.mark.slow

NOW = utc(2026, 3, 1)
MONTHS = [f"2024-{month:02}" for month in range(1, 4)]
QUARTER = COUNTRY.replace("to: 2024-12", "to: 2024-03")
"""21 tiles, 3 months, 2 indices."""
REGION = COUNTRY.replace("slovenia", "region").replace("to: 2024-12", "to: 2024-02")
"""Two months of an area that is yet to be drawn."""
WEST, BOTH = box(14.0, 46.1, 14.2, 46.2), box(14.0, 46.1, 14.5, 46.2)
"""One tile of the region, and the same with a second one to the east."""


def country(root: Path) -> Jobs:
    jobs = Jobs(root, {"slovenia.yaml": QUARTER, "slovenia.geojson": SLOVENIA}, NOW)
    jobs.scan()
    return jobs


def tiles_touched(area: str) -> set[str]:
    """The keys of the 50 km tiles of zone 33 that an area touches, found by trying every one around Slovenia."""
    shape = shapely.from_geojson(area)
    corners = [(x, y) for x in range(300, 700, 50) for y in range(4950, 5300, 50)]
    return {
        f"33n-e{x}-n{y}"
        for x, y in corners
        if in_degrees([1e3 * x, 1e3 * y, 1e3 * (x + 50), 1e3 * (y + 50)], 32633).intersection(shape).area > 0
    }


def more(*bounds: float) -> str:
    """Slovenia and this box as well."""
    return str(shapely.to_geojson(shapely.union(shapely.from_geojson(SLOVENIA), shapely.box(*bounds))))


def less(*bounds: float) -> str:
    """Slovenia without this box."""
    return str(shapely.to_geojson(shapely.difference(shapely.from_geojson(SLOVENIA), shapely.box(*bounds))))


# --- the tree ---


@pytest.mark.parametrize(
    "edited",
    [
        pytest.param(more(16.5, 46.48, 16.64, 46.51), id="three km further to the east"),
        pytest.param(more(16.5, 46.48, 16.85, 46.51), id="twenty km further to the east"),
        pytest.param(less(16.28, 46.3, 17, 46.6), id="twenty km less in the east"),
        pytest.param(more(16.2, 46.8, 16.3, 46.9), id="three km further to the north"),
        pytest.param(more(14.9, 45.2, 15.0, 45.5), id="twenty km further to the south"),
        pytest.param(less(14.0, 45.9, 14.9, 46.3), id="a hole"),
    ],
)
def test_an_edit_of_the_area_adds_and_removes_the_cells_it_touches_and_changes_no_other(
    tmp_path: Path, edited: str
) -> None:
    jobs = country(tmp_path / "jobs.d")
    before, after = tiles_touched(SLOVENIA), tiles_touched(edited)
    jobs.appraised.clear()
    (jobs.root / "slovenia.geojson").write_text(edited)

    def names(tiles: set[str], word: str) -> dict[str, str]:
        return {f"slovenia-{t}-{m}-{i}": word for t in tiles for m in MONTHS for i in ("ndvi", "ndwi")}

    assert jobs.changed() == names(after - before, "new") | names(before - after, "removed")
    assert len(jobs.wanted) == 2 * len(MONTHS) * len(after)
    assert len(jobs.appraised) <= 2 * len(MONTHS), "once for each month and index at most, not for each cell"


def test_an_edit_of_a_point_far_from_any_border_of_tiles_changes_nothing(tmp_path: Path) -> None:
    jobs = country(tmp_path / "jobs.d")
    (jobs.root / "slovenia.geojson").write_text(SLOVENIA.replace("[16.380, 46.550]", "[16.390, 46.545]"))
    assert jobs.changed() == {}


def test_one_more_month_adds_one_window(tmp_path: Path) -> None:
    jobs = country(tmp_path / "jobs.d")
    count = len(jobs.wanted)
    write(jobs.root, {"slovenia.yaml": QUARTER.replace("to: 2024-03", "to: 2024-04")})
    changed = jobs.changed()
    assert {(name[-12:-5], word) for name, word in changed.items()} == {("2024-04", "new")}
    assert len(changed) == count / len(MONTHS)


def test_a_month_less_removes_one_window(tmp_path: Path) -> None:
    jobs = country(tmp_path / "jobs.d")
    write(jobs.root, {"slovenia.yaml": QUARTER.replace("from: 2024-01", "from: 2024-02")})
    assert {(name[-12:-5], word) for name, word in jobs.changed().items()} == {("2024-01", "removed")}


def test_another_value_of_an_axis_adds_its_cells(tmp_path: Path) -> None:
    jobs = country(tmp_path / "jobs.d")
    write(jobs.root, {"slovenia.yaml": QUARTER.replace("  template:", "        nd2: {script: ndvi.js}\n  template:")})
    changed = jobs.changed()
    assert {(name.rpartition("-")[2], word) for name, word in changed.items()} == {("nd2", "new")}
    assert len(changed) == len(jobs.wanted) / 3


def test_renaming_a_value_removes_its_cells_and_adds_as_many(tmp_path: Path) -> None:
    jobs = country(tmp_path / "jobs.d")
    write(jobs.root, {"slovenia.yaml": QUARTER.replace("        ndwi: {", "        water: {")})
    words = [(name.rpartition("-")[2], word) for name, word in jobs.changed().items()]
    count = len(jobs.wanted) / 2
    assert {each: words.count(each) for each in words} == {("ndwi", "removed"): count, ("water", "new"): count}


def test_a_changed_script_changes_the_cells_that_use_it(tmp_path: Path) -> None:
    jobs = country(tmp_path / "jobs.d")
    (jobs.root / "ndwi.js").write_text(SCRIPTS["ndwi.js"].replace("B03", "B02"))
    changed = jobs.changed()
    assert {(name.rpartition("-")[2], word) for name, word in changed.items()} == {("ndwi", "changed")}
    assert len(changed) == len(jobs.wanted) / 2
    assert {jobs.wanted[name].wanted.cause for name in changed} == {"ndwi.js changed"}  # type: ignore[union-attr]


def test_excluded_cells_are_removed_and_come_back(tmp_path: Path) -> None:
    jobs = country(tmp_path / "jobs.d")
    without = QUARTER.replace("  template:", "  exclude: [{window: [2024-02, 2024-03], index: ndwi}]\n  template:")
    write(jobs.root, {"slovenia.yaml": without})
    changed = jobs.changed()
    assert {(name[-12:], word) for name, word in changed.items()} == {
        ("2024-02-ndwi", "removed"), ("2024-03-ndwi", "removed"),
    }  # fmt: skip
    write(jobs.root, {"slovenia.yaml": QUARTER})
    assert jobs.changed() == dict.fromkeys(changed, "new")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"# A comment.\n{QUARTER}", id="a comment"),
        pytest.param(f"---\n{QUARTER}---\n{JOB % 'other'}", id="another document in the file"),
        pytest.param(QUARTER.replace("  template:", "  limits: {perWindow: 90000}\n  template:"), id="a limit"),
    ],
)  # fmt: skip
def test_an_edit_of_something_else_changes_no_cell(tmp_path: Path, text: str) -> None:
    jobs = country(tmp_path / "jobs.d")
    write(jobs.root, {"slovenia.yaml": text})
    assert [name for name in jobs.changed() if name != "other"] == []


# --- the same as manifests written by hand ---


def plain(wanted: Wanted | None) -> Wanted:
    """What a job wants, without that it belongs to a set."""
    assert wanted is not None
    return replace(wanted, cell=None)


def exported(root: Path, file: str) -> str:
    done = shjobs("expand", f"{root.name}/{file}", "-o", "yaml", cwd=root.parent)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_manifests_that_become_a_set_in_their_own_file_are_its_cells_at_the_first_scan(tmp_path: Path) -> None:
    """The set was refused, since its jobs were already declared in its own file, until another scan."""
    (tmp_path / "sets").mkdir()
    write(tmp_path / "sets", {"farm.yaml": FARM})
    by_hand = exported(tmp_path / "sets", "farm.yaml")
    jobs = Jobs(tmp_path / "jobs.d", {"farm.yaml": by_hand}, NOW)
    assert len(jobs.changed()) == 6
    write(jobs.root, {"farm.yaml": FARM})
    assert (set(jobs.changed().values()), jobs.problems("farm.yaml"), len(jobs.wanted)) == ({"moved"}, [], 6)
    write(jobs.root, {"farm.yaml": by_hand})
    assert (set(jobs.changed().values()), jobs.problems("farm.yaml"), len(jobs.wanted)) == ({"moved"}, [], 6)


PLAIN_FARM = FARM.replace("        ndwi: {script: ndwi.js}\n", "")
OWNER = PLAIN_FARM.replace("{name: farm}", "{name: farm-x}")
RIVAL = PLAIN_FARM.replace("  axes:\n", "  axes:\n    k: {values: {x: {q: aa}, y: {q: bb}}}\n").replace(
    "farm/$index", "farm/$k.q/$index"
)
"""Some of its cells have the names of those of `OWNER`."""


def test_a_set_whose_cells_another_has_is_refused_after_a_restart_too(tmp_path: Path) -> None:
    """Its file is read before that of the other, whose cells it did not see: what was left of it was paid for."""
    with year(tmp_path / "jobs.d", {"b.yaml": OWNER}, utc(2026, 12, 20)) as (_, site):
        site.go_on(86400)
        site.write({"a.yaml": RIVAL})
        for _ in range(2):
            site.go_on(86400)
            assert set(site.phases()) == {f"farm-x-{month}-ndvi" for month in MONTHS}
            assert len(site.posts()) == 3
            site.die(60, arrives=True)


def test_a_set_whose_cells_another_has_is_refused_though_both_files_change_at_once(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs.d", {"b.yaml": OWNER}, NOW)
    jobs.scan()
    write(jobs.root, {"a.yaml": RIVAL, "b.yaml": f"{OWNER}\n# a comment\n"})
    jobs.scan()
    jobs.scan()
    assert [each.code for each in jobs.tree.documents("a.yaml")[0].problems] == ["E194"]
    assert list(jobs.tree.sets) == ["farm-x"]


def test_two_files_exchange_their_sets_at_the_first_scan(tmp_path: Path) -> None:
    """The first by path was refused, since the other file had declared its cells before."""
    acre = FARM.replace("{name: farm}", "{name: acre}").replace("/farm/", "/acre/")
    jobs = Jobs(tmp_path / "jobs.d", {"a.yaml": FARM, "b.yaml": acre}, NOW)
    assert len(jobs.changed()) == 12
    write(jobs.root, {"a.yaml": acre, "b.yaml": FARM})
    assert set(jobs.changed().values()) == {"moved"}
    assert jobs.problems("a.yaml") + jobs.problems("b.yaml") == []
    assert {(name[:4], job.path) for name, job in jobs.wanted.items()} == {("acre", "a.yaml"), ("farm", "b.yaml")}
    assert jobs.changed() == {}


@pytest.mark.parametrize(
    ("text", "areas"),
    [
        pytest.param(QUARTER, {"slovenia.geojson": SLOVENIA}, id="a country"),
        pytest.param(FARM, {}, id="a place"),
        pytest.param(
            QUARTER.replace("cell: 5000", "cell: 5000, cover: area"), {"slovenia.geojson": SLOVENIA}, id="trimmed tiles"
        ),
        pytest.param(
            QUARTER.replace("cell: 5000}", 'cell: 5000, crs: "EPSG:3035"}'), {"slovenia.geojson": SLOVENIA},
            id="one grid",
        ),
    ],
)  # fmt: skip
def test_the_cells_are_what_the_same_manifests_written_by_hand_are(
    tmp_path: Path, text: str, areas: dict[str, str]
) -> None:
    as_set = Jobs(tmp_path / "jobs.d", {"set.yaml": text, **areas}, NOW)
    as_set.scan()
    by_hand = Jobs(tmp_path / "hand", {"set.yaml": exported(as_set.root, "set.yaml")}, NOW)
    by_hand.scan()
    assert as_set.problems("set.yaml") == by_hand.problems("set.yaml") == []
    assert as_set.wanted.keys() == by_hand.wanted.keys()
    for name, job in as_set.wanted.items():
        assert plain(job.wanted) == plain(by_hand.wanted[name].wanted)
        assert as_set.bodies[name] == by_hand.bodies[name]


def test_a_set_in_another_folder_or_on_another_day_asks_for_the_same(tmp_path: Path) -> None:
    one = country(tmp_path / "one")
    files = {"deep/er/other.yaml": QUARTER, "deep/er/slovenia.geojson": SLOVENIA}
    other = Jobs(tmp_path / "other", files, NOW + timedelta(days=1000))
    other.scan()

    def digests(jobs: Jobs) -> dict[str, str]:
        return {name: plain(job.wanted).digest for name, job in jobs.wanted.items()}

    assert digests(one) == digests(other)


# --- the loop: what is paid for ---


def test_an_edited_area_pays_for_the_new_tile_alone(tmp_path: Path) -> None:
    files = {"region.yaml": REGION, "region.geojson": WEST}
    with year(tmp_path / "jobs.d", files, utc(2026, 12, 20)) as (_, site):
        site.go_on(86400)
        before = site.posts()
        assert len(before) == 4
        site.write({"region.geojson": box(13.95, 46.08, 14.22, 46.22)})
        site.go_on(86400)
        assert site.posts() == before
        site.write({"region.geojson": BOTH})
        site.go_on(86400)
        tiles = {name[:-13] for name in site.posts().keys() - before.keys()}
        assert (len(site.posts()), len(tiles)) == (8, 1)
        site.write({"region.geojson": WEST})
        site.go_on(86400)
        site.write({"region.geojson": BOTH})
        site.go_on(86400)
        assert {name: len(times) for name, times in site.posts().items()} == dict.fromkeys(site.phases(), 1)


def test_another_month_and_a_renamed_value_pay_for_what_is_new(tmp_path: Path) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": FARM}, utc(2026, 12, 20)) as (_, site):
        site.go_on(86400)
        assert len(site.posts()) == 6
        site.write({"farm.yaml": FARM.replace("to: 2024-03", "to: 2024-04")})
        site.go_on(86400)
        assert {name for name in site.posts() if "2024-04" in name} == {"farm-2024-04-ndvi", "farm-2024-04-ndwi"}
        assert len(site.posts()) == 8
        site.write({"farm.yaml": FARM.replace("        ndwi: {", "        water: {")})
        site.go_on(86400)
        assert {name.rpartition("-")[2] for name in site.phases()} == {"ndvi", "water"}
        assert len(site.posts()) == 11
        assert all(len(times) == 1 for times in site.posts().values())


def test_manifests_that_become_a_set_and_a_set_that_becomes_manifests_are_not_paid_again(tmp_path: Path) -> None:
    root = tmp_path / "jobs.d"
    (tmp_path / "sets").mkdir()
    write(tmp_path / "sets", {"farm.yaml": FARM})
    by_hand = exported(tmp_path / "sets", "farm.yaml")
    with year(root, {"cells.yaml": by_hand}, utc(2026, 12, 20)) as (_, site):
        site.go_on(86400)
        before = site.posts()
        assert len(before) == 6
        for text, name in ((FARM, "farm.yaml"), (by_hand, "cells.yaml"), (FARM, "cells.yaml")):
            for path in root.glob("*.yaml"):
                path.unlink()
            site.write({name: text})
            site.go_on(86400)
            assert set(site.phases().values()) == {"Succeeded"}
            assert (set(site.phases()), site.posts()) == (set(before), before)
