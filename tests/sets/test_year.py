"""A year of a standing set through the real loop: every cell is paid for once, when its window is over."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time

from controller.operations.plan.plan import plan
from controller.reconcile.reports.changes import StatusChange
from tests.proofs.world import Judge, Machine, World
from tests.support.set_loops import settings_of
from tests.support.sets import FARM, JOB, Site, utc, write, year

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
AFTER = timedelta(hours=5, minutes=7)
"""No scan happens at such a time of the day unless the loop wakes for it."""
SOON = timedelta(minutes=1)
BEGINS = {"2027-11": "2027-11-01", "2026-w49": "2026-11-30", "2028-02": "2028-02-01"}
"""The first day of a window."""


def standing(every: str, begin: str) -> str:
    """The farm without an end, for one index."""
    text = FARM.replace("{every: month, from: 2024-01, to: 2024-03, after: 5d}", f"{{every: {every}, from: {begin}, "
                        f"after: {AFTER // timedelta(minutes=1)}m}}")  # fmt: skip
    return text.replace("        ndwi: {script: ndwi.js}\n", "")


def key_of(every: str, day: date) -> str:
    """The key of the window that a day lies in, by the calendar of Python alone."""
    match every:
        case "day":
            return day.isoformat()
        case "week":
            number = day.isocalendar()
            return f"{number.year}-w{number.week:02}"
        case "dekad":
            return f"{day:%Y-%m}-d{1 + (day.day > 10) + (day.day > 20)}"
        case "month":
            return f"{day:%Y-%m}"
        case "quarter":
            return f"{day:%Y}-q{(day.month + 2) // 3}"
        case _:
            return f"{day:%Y}"


def expected(every: str, first: date, until: datetime) -> dict[str, datetime]:
    """By the name of each cell of the windows from `first` on, when it is due; those due by `until`."""
    ends: dict[str, date] = {}
    day = first
    while day <= until.date() + 366 * DAY:
        ends[key_of(every, day)] = day
        day += DAY
    due = {f"farm-{key}-ndvi": datetime.combine(end + DAY, time(), UTC) + AFTER for key, end in ends.items()}
    return {name: moment for name, moment in due.items() if moment <= until}


def is_paid_once(site: Site, due: dict[str, datetime]) -> dict[str, datetime]:
    """Every cell exactly once, none before it is due and nothing else; returns when."""
    paid = site.posts()
    assert paid.keys() == due.keys()
    assert {name: len(times) for name, times in paid.items() if len(times) > 1} == {}
    early = {name: times[0] for name, times in paid.items() if times[0] < due[name]}
    assert early == {}
    return {name: times[0] for name, times in paid.items()}


CALENDARS = [
    pytest.param("month", "2026-11", date(2026, 11, 1), utc(2026, 12, 15), 400, 14, id="months"),
    pytest.param("week", "2026-w44", date(2026, 10, 26), utc(2026, 11, 2, 12), 100, 15, id="weeks, with week 53"),
    pytest.param("dekad", "2028-01-d3", date(2028, 1, 21), utc(2028, 2, 2), 60, 7, id="dekads over a leap day"),
    pytest.param("day", "2028-02-25", date(2028, 2, 25), utc(2028, 2, 26, 12), 9, 10, id="days over a leap day"),
    pytest.param("day", "2027-02-25", date(2027, 2, 25), utc(2027, 2, 26, 12), 9, 10, id="days without a leap day"),
    pytest.param("quarter", "2027-q3", date(2027, 7, 1), utc(2027, 11, 1), 400, 5, id="quarters over a leap day"),
    pytest.param("year", "2026", date(2026, 1, 1), utc(2027, 1, 2), 800, 3, id="years"),
]


@pytest.mark.parametrize(("every", "begin", "first", "start", "days", "count"), CALENDARS)
def test_a_standing_set_pays_for_every_window_once_and_wakes_for_it(
    tmp_path: Path, every: str, begin: str, first: date, start: datetime, days: int, count: int
) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": standing(every, begin)}, start) as (world, site):
        site.go_on(days * 86400)
        due = expected(every, first, world.now)
        paid = is_paid_once(site, due)
        assert len(due) == count
        late = {name: at for name, at in paid.items() if due[name] > start and at - due[name] > SOON}
        assert late == {}
        assert set(site.phases().values()) == {"Succeeded"}


def test_the_weeks_of_2026_are_53_and_the_last_ends_in_2027(tmp_path: Path) -> None:
    with year(tmp_path / "jobs.d", {"farm.yaml": standing("week", "2026-w52")}, utc(2026, 12, 29)) as (_, site):
        site.go_on(20 * 86400)
        assert site.posts().keys() == {"farm-2026-w52-ndvi", "farm-2026-w53-ndvi", "farm-2027-w01-ndvi"}
        [at] = site.posts()["farm-2026-w53-ndvi"]
        assert utc(2027, 1, 4) + AFTER <= at <= utc(2027, 1, 4) + AFTER + SOON


def test_the_loop_sleeps_until_the_next_cell_is_due(tmp_path: Path) -> None:
    """With nothing else to do the next cell is what it wakes for: the periodic scans are at other times."""
    with year(tmp_path / "jobs.d", {"farm.yaml": standing("month", "2027-01")}, utc(2027, 2, 20)) as (world, site):
        due = utc(2027, 3, 1) + AFTER
        site.go_on((due - timedelta(minutes=10) - world.now).total_seconds())
        assert (site.wakes_at(), site.loop._scanner.scan_at) == (due, due)


# --- what goes wrong in a year ---


def _runs(world: World, site: Site) -> None:
    site.go_on(420 * 86400)


def _sleeps(world: World, site: Site) -> None:
    site.go_on(100 * 86400)
    site.restart(down=95 * 86400)
    site.go_on(225 * 86400)


def _restarts(world: World, site: Site) -> None:
    site.go_on(3600)
    for _ in range(60):
        site.restart()
        site.go_on(7 * 86400 - 60)


def _loses_its_ledger(world: World, site: Site) -> None:
    site.go_on(200 * 86400)
    site.die(60, arrives=True)
    site.lose_database()
    site.go_on(60 * 86400)
    site.go_on(160 * 86400)  # the yes was lost with it, and is said again


def _jumps(*jumps: float) -> Callable[[World, Site], None]:
    def live(world: World, site: Site) -> None:
        site.go_on(100 * 86400)
        for days in jumps:
            site.set_clock(days * 86400)
            site.go_on(2 * 86400)
            site.set_clock(0)
            site.go_on(20 * 86400)
        site.go_on(280 * 86400)

    return live


def _starts_ahead(world: World, site: Site) -> None:
    """The clock is wrong at a start, when the process has heard nothing of the service yet."""
    site.go_on(100 * 86400)
    site.set_clock(70 * 86400)
    site.restart()
    site.go_on(86400)
    site.set_clock(0)
    site.restart()
    site.go_on(320 * 86400)


@pytest.mark.parametrize(
    ("every", "begin", "start", "days"),
    [
        pytest.param("month", "2027-11", utc(2027, 12, 10), 365, id="months, over a leap day"),
        pytest.param("week", "2026-w49", utc(2026, 12, 10), 80, id="weeks, over the 53rd"),
        pytest.param("dekad", "2028-02", utc(2028, 2, 12), 40, id="dekads, over a leap day"),
    ],
)
def test_plan_at_a_day_foretells_each_cell_that_is_paid_for_until_then(
    every: str, begin: str, start: datetime, days: int, tmp_path: Path
) -> None:
    text, end = standing(every, begin), start + timedelta(days=days)
    (tmp_path / "bucket" / "my-bucket").mkdir(parents=True)
    settings = settings_of(tmp_path)
    write(tmp_path / "jobs.d", {"farm.yaml": text})
    with freeze_time(start):
        foretold = {each["name"] for each in plan(settings, at=end)["jobs"] if each["action"] == "submit"}
    with year(tmp_path / "site", {"farm.yaml": text}, start) as (_, site):
        site.go_on((end - start).total_seconds())
        assert site.posts().keys() == foretold == expected(every, date.fromisoformat(BEGINS[begin]), end).keys()


@pytest.fixture
def months(tmp_path: Path) -> Iterator[tuple[World, Site]]:
    with year(tmp_path / "jobs.d", {"farm.yaml": standing("month", "2027-11")}, utc(2027, 12, 10)) as found:
        yield found


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(_runs, id="nothing"),
        pytest.param(_sleeps, id="the daemon is down for three windows"),
        pytest.param(_restarts, id="a restart every week"),
        pytest.param(_loses_its_ledger, id="the ledger is lost"),
        pytest.param(_jumps(45), id="the clock is 45 days ahead for two days"),
        pytest.param(_jumps(-45), id="the clock is 45 days behind for two days"),
        pytest.param(_jumps(100, -100, 31), id="the clock jumps to and fro"),
        pytest.param(_starts_ahead, id="the clock is ahead at a start"),
    ],
)
def test_whatever_happens_in_a_year_every_cell_is_paid_for_once_and_never_early(
    months: tuple[World, Site], live: Callable[[World, Site], None]
) -> None:
    world, site = months
    live(world, site)
    due = expected("month", date(2027, 11, 1), world.now)
    is_paid_once(site, due)
    assert 12 <= len(due) <= 20
    assert set(site.phases().values()) == {"Succeeded"}
    assert site.phases().keys() == due.keys()


def test_a_loop_whose_tree_cannot_be_read_does_not_wake_for_a_cell_again_and_again(
    months: tuple[World, Site], tmp_path: Path
) -> None:
    """The world refuses more than 200 turns at one instant."""
    world, site = months
    site.go_on((utc(2028, 1, 1) + AFTER - timedelta(minutes=5) - world.now).total_seconds())
    site.root.rename(tmp_path / "away")
    site.go_on(900)
    assert len(site.posts()) == 1
    (tmp_path / "away").rename(site.root)
    site.go_on(86400)
    is_paid_once(site, expected("month", date(2027, 11, 1), world.now))


class Listener(Judge):
    """Hears what is reported."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def reported(self, machine: Machine, news: StatusChange) -> None:
        self.heard.append((news.job.name, news.job_state.phase.value))


def test_what_happens_after_a_clock_was_ahead_is_reported_at_once(months: tuple[World, Site]) -> None:
    world, site = months
    world.judge = listener = Listener()
    site.go_on(86400)
    site.set_clock(60 * 86400)
    site.go_on(3600)
    site.set_clock(0)
    site.go_on(3600)
    listener.heard.clear()
    site.write({"other.yaml": JOB % "other"})
    site.go_on(3600)
    assert listener.heard[-1] == ("other", "Succeeded")


def test_a_cell_that_a_wrong_clock_made_due_is_no_job_once_the_clock_is_right(months: tuple[World, Site]) -> None:
    world, site = months
    site.go_on(86400)
    site.set_clock(60 * 86400)
    site.go_on(3600)
    site.set_clock(0)
    site.go_on(2 * 86400)
    assert site.phases().keys() == expected("month", date(2027, 11, 1), world.now).keys()
