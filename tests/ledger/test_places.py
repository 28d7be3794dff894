"""Where the jobs of a ledger are: kept with each job, and read for maps."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.ledger.location import FILE_NAME
from controller.ledger.migrations import Database, migrations
from controller.ledger.places.on_map import (
    Bin,
    bins,
    extent,
    footprint_at,
    footprint_of,
    jobs_by_place,
    names_at,
    placed_jobs,
)
from controller.ledger.reads.listing import Filter
from controller.ledger.reads.reader import Reader
from controller.ledger.store import Store
from controller.manifest.footprint import Footprint
from tests.support.factories import NOW, job, wanted

WORLD = Footprint(west=-180, south=-90, east=180, north=90)
FIJI, ALPS = [178.5, -18, 180.5, -16], [10.0, 46, 11, 47]
JOBS = {
    "alps-may": (ALPS, "Delivered: it is there", "agri"),
    "alps-june": (ALPS, "ErrorReported: no data", "agri"),
    "fiji": (FIJI, "Running: since noon", "water"),
    "tonga": ([-176.0, -22, -175, -21], "Delivered: it is there", "water"),
    "world": ([-180.0, -90, 180, 90], "Queued: 1 before it", ""),
    "pole": ([-180.0, 85, 180, 90], "Removed: forgotten", ""),
    "damaged": (None, "Running: since noon", ""),
}
"""By name: bounding box, what was reported, and the team."""


def body_of(bbox: list[float] | None) -> str:
    return json.dumps({"input": {"bounds": {"bbox": bbox}}}) if bbox else "{}"


def opened(state: Path) -> Reader:
    found = Reader.of(state)
    assert found is not None
    return found


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Store.open(tmp_path, {}) as store, store.transaction():
        for name, (bbox, told, team) in JOBS.items():
            labels = (("team", team),) if team else ()
            store.save_job(job(name=name, history=None, wanted=wanted(labels=labels)), body_of(bbox))
            store.mark_reported({name: told}, NOW)
    with opened(tmp_path) as found:
        yield found


def test_jobs_of_one_place_are_one_spot_for_each_reason(reader: Reader) -> None:
    found = jobs_by_place(reader, Filter(labels=["team=agri"]), WORLD, ["Delivered", "ErrorReported"], 9)
    assert [(each.footprint, each.reason, each.jobs, each.name) for each in found] == [
        (Footprint(west=10, south=46, east=11, north=47), "Delivered", 1, "alps-may"),
        (Footprint(west=10, south=46, east=11, north=47), "ErrorReported", 1, "alps-june"),
    ]
    assert footprint_at(reader, found[0].place) == found[0].footprint == footprint_of(reader, "alps-june")


def test_a_job_without_a_place_is_counted_and_nowhere(reader: Reader) -> None:
    assert placed_jobs(reader, Filter()) == len(JOBS) - 2, "but for the damaged and the removed one"
    assert placed_jobs(reader, Filter(labels=["team=agri"])) == 2
    assert footprint_of(reader, "damaged") is None
    assert footprint_of(reader, "no-such-job") is None
    assert footprint_at(reader, 700) is None


@pytest.mark.parametrize(
    ("window", "names"),
    [
        pytest.param(WORLD, set(JOBS) - {"damaged"}, id="the world has all"),
        pytest.param((9, 45, 12, 48), {"alps-may", "alps-june", "world"}, id="a part of it what is there"),
        pytest.param((10.5, 46.5, 10.6, 46.6), {"alps-may", "alps-june", "world"}, id="also what is larger"),
        pytest.param((11, 46, 12, 47), {"world"}, id="not what only touches it"),
        pytest.param((175, -20, 179, -10), {"fiji", "world"}, id="west of the antimeridian"),
        pytest.param((-180, -20, -179, -10), {"fiji", "world"}, id="east of it"),
        pytest.param((179, -23, 186, -10), {"fiji", "tonga", "world"}, id="a window over it"),
        pytest.param((0, 86, 1, 87), {"pole", "world"}, id="at the pole"),
    ],
)
def test_a_window_shows(reader: Reader, window: Footprint | tuple[float, ...], names: set[str]) -> None:
    if isinstance(window, tuple):
        window = Footprint(west=window[0], south=window[1], east=window[2], north=window[3])
    reasons = ["Delivered", "ErrorReported", "Running", "Queued", "Removed"]
    assert {name for name, _ in names_at(reader, Filter(), window, reasons, 50)} == names
    assert sum(each.jobs for each in bins(reader, Filter(), window, reasons, 16, 8)) == len(names)
    assert sum(each.jobs for each in jobs_by_place(reader, Filter(), window, reasons, 50)) == len(names)


def test_the_names_come_in_the_order_of_the_reasons_and_end(reader: Reader) -> None:
    found = names_at(reader, Filter(), WORLD, ["ErrorReported", "Delivered"], 2)
    assert found == [("alps-june", "ErrorReported"), ("alps-may", "Delivered")]
    at = footprint_of(reader, "alps-june")
    assert names_at(reader, Filter(), WORLD, ["Delivered", "Running"], 9, at) == [("alps-may", "Delivered")]


def test_a_bin_is_where_the_middles_of_its_jobs_are(reader: Reader) -> None:
    window = Footprint(west=170, south=-30, east=190, north=-10)
    found = bins(reader, Filter(labels=["team=water"]), window, ["Delivered", "Running"], 4, 2)
    assert found == [
        Bin(column=2, row=1, reason="Delivered", jobs=1, longitude=184.5, latitude=-21.5),
        Bin(column=1, row=0, reason="Running", jobs=1, longitude=179.5, latitude=-17.0),
    ]


def test_the_extent_has_every_job_of_the_filter(reader: Reader) -> None:
    assert extent(reader, Filter(labels=["team=agri"])) == Footprint(west=10, south=46, east=11, north=47)
    assert extent(reader, Filter()) == WORLD
    assert extent(reader, Filter(labels=["team=nobody"])) is None


def test_a_job_moves_with_its_request_and_stays_when_its_manifest_is_removed(tmp_path: Path) -> None:
    with Store.open(tmp_path, {}) as store, store.transaction():
        store.save_job(job(name="field", history=None), body_of(ALPS))
        store.save_job(job(name="field", history=None), body_of(FIJI))
        store.save_job(job(name="field", history=None, wanted=None))
    with opened(tmp_path) as found:
        moved = footprint_of(found, "field")
        assert [row["number"] for row in found.rows("select count(*) number from place")] == [1]
    assert moved is not None and moved.west == FIJI[0]


def test_the_jobs_of_an_older_ledger_get_their_places_when_it_is_opened(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as older:
        migrations.apply(Database(older), stop_before="places")
        rows = [("field", body_of(ALPS)), ("damaged", "[1, 2")]
        older.executemany(
            "insert into job (name, path, position, generation, body) values (?, 'a.yaml', 0, 1, ?)", rows
        )
        older.execute("update job set reason = 'Delivered'")
        older.commit()
    assert Reader.of(tmp_path) is None
    with Store.open(tmp_path, {}):
        pass
    with opened(tmp_path) as found:
        assert footprint_of(found, "field") == Footprint(west=10, south=46, east=11, north=47)
        assert placed_jobs(found, Filter()) == 1


def test_a_map_reads_the_index_of_jobs_and_never_their_rows(reader: Reader, tmp_path: Path) -> None:
    asked: list[str] = []
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.set_trace_callback(asked.append)
        plain = Reader(db, tmp_path)
        bins(plain, Filter(labels=["team=agri"]), WORLD, ["Delivered"], 16, 8)
        jobs_by_place(plain, Filter(), WORLD, ["Delivered"], 9)
        names_at(plain, Filter(), WORLD, ["Delivered"], 9)
        extent(plain, Filter(labels=["team=agri"]))
        db.set_trace_callback(None)
        plans = [" ".join(row[3] for row in db.execute(f"explain query plan {sql}")) for sql in asked]
    assert len(plans) == 4
    assert all("job USING COVERING INDEX job_by_reason" in each for each in plans)
    assert all("place USING INTEGER PRIMARY KEY" in each for each in plans)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"input": {"bounds": {"bbox": [10, 46, 11, 47]}}, "evalscript": "x"}', id="as it is stored"),
        pytest.param('{"input":{"data":[],"bounds":{"bbox":[10,46,11,47]}}}', id="without spaces, after other keys"),
        pytest.param(
            json.dumps({"evalscript": '"bounds": {"bbox": [1, 2, 3, 4]}', **json.loads(body_of(ALPS))}),
            id="beside a script that has the word",
        ),
    ],
)
def test_the_bounds_are_found_in_a_request(tmp_path: Path, body: str) -> None:
    with Store.open(tmp_path, {}) as store, store.transaction():
        store.save_job(job(name="field", history=None), body)
    with opened(tmp_path) as found:
        assert footprint_of(found, "field") == Footprint(west=10, south=46, east=11, north=47)


@pytest.mark.parametrize(
    "body",
    ["", "{}", '{"input": {"bounds": ', '{"bounds": [1]}', '{"bounds": {"bbox": ["a", 1, 2, 3]}}', '{"bounds": {}}'],
)
def test_a_request_that_cannot_be_read_is_stored_without_a_place(tmp_path: Path, body: str) -> None:
    with Store.open(tmp_path, {}) as store, store.transaction():
        store.save_job(job(name="field", history=None), body)
    with opened(tmp_path) as found:
        assert placed_jobs(found, Filter()) == 0
