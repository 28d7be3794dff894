"""What a restart takes over of a set from the ledger is what reading its files anew would give."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from controller.model.files import STATUS
from controller.model.job import Job
from controller.model.job_set import JobSet
from tests.support.sets import COUNTRY, INDEX, Site, box, utc, write, year

pytestmark = pytest.mark.slow

DAY, HOUR = 86400.0, 3600.0
BEGAN = utc(2024, 2, 20)
ENDLESS = COUNTRY.replace(", to: 2024-12", "")
FEW = COUNTRY.replace("2024-12", "2024-01")
"""One month, 2 indices."""
REGION, SMALLER = box(13.9, 45.7, 15.1, 46.3), box(14.0, 45.8, 14.6, 46.2)
"""Six tiles, and four of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A machine after a restart: its jobs but for why they changed, their phases, its sets, and what was paid for."""

    jobs: dict[str, Job]
    phases: dict[str, str]
    sets: dict[str, JobSet]
    posts: dict[str, int]
    appraised: frozenset[str]


def restarted(root: Path, text: str, change: Callable[[Site], object], down: float, *, anew: bool) -> Found:
    """The set, its cells paid for, after a change while no process runs; `anew`: nothing counts as read before."""
    with year(root, {"set.yaml": text, "slovenia.geojson": REGION}, BEGAN) as (world, site):
        site.go_on(DAY)
        site.die(down, arrives=True)
        site.appraised.clear()
        change(site)
        if anew:
            sql(site, f"delete from file where kind <> '{STATUS}'")
        world.wait(down + 60)
        site.go_on(DAY)
        return Found(
            jobs={name: without_cause(job) for name, job in site.ledger.jobs.items()},
            phases=site.phases(),
            sets=dict(site.shelf.sets),
            posts={name: len(times) for name, times in site.posts().items()},
            appraised=frozenset(site.appraised),
        )


def without_cause(job: Job) -> Job:
    wanted = replace(job.wanted, cause="") if job.wanted else None
    return replace(job, wanted=wanted, history=None)


def sql(site: Site, statement: str) -> None:
    with site.disk.spared():
        assert site.disk.db.conn.execute(statement).rowcount


def nothing(_site: Site) -> None:
    """It was only stopped."""


def touched(site: Site) -> None:
    os.utime(site.root / "set.yaml", ns=(1, 1))


def script(site: Site) -> None:
    (site.root / "ndwi.js").write_text(INDEX % ("B11", "B11"))


def row(statement: str) -> Callable[[Site], None]:
    """Change the rows of the jobs."""
    return lambda site: sql(site, statement)


def file(path: str, text: str) -> Callable[[Site], None]:
    return lambda site: write(site.root, {path: text})


LAST = "(select max(name) from job)"
OTHER = "json_set(wanted, '$.digest', '1:' || printf('%064d', rowid))"

CASES = [
    pytest.param(FEW, nothing, HOUR, False, id="nothing changed"),
    pytest.param(FEW, touched, HOUR, False, id="the file was touched"),
    pytest.param(ENDLESS, nothing, HOUR, False, id="the next month is not due yet"),
    pytest.param(ENDLESS, nothing, 20 * DAY, True, id="another month is due"),
    pytest.param(FEW, script, HOUR, True, id="a script is another"),
    pytest.param(FEW, file("slovenia.geojson", SMALLER), HOUR, True, id="the area is smaller"),
    pytest.param(FEW, file("set.yaml", FEW.replace("slovenia/$index", "there/$index")), HOUR, True, id="elsewhere"),
    pytest.param(FEW, file("set.yaml", FEW.replace("700", "600")), HOUR, True, id="at another price"),
    pytest.param(FEW, row("update file set kind = 'broken' where path = 'set.yaml'"), HOUR, True, id="it was rejected"),
    pytest.param(FEW, row(f"delete from job where name = {LAST}"), HOUR, True, id="the row of a cell is missing"),
    pytest.param(FEW, row(f"update job set wanted = '{{' where name = {LAST}"), HOUR, True, id="it cannot be read"),
    pytest.param(FEW, row(f"update job set wanted = {OTHER}"), HOUR, True, id="the rows are of other requests"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "change", "down", "is_appraised"), CASES)
def test_a_restart_finds_the_same_as_reading_everything_anew(
    tmp_path: Path, text: str, change: Callable[[Site], None], down: float, is_appraised: bool
) -> None:
    kept = restarted(tmp_path / "kept", text, change, down, anew=False)
    anew = restarted(tmp_path / "anew", text, change, down, anew=True)
    assert len(kept.jobs) >= 12
    assert replace(kept, appraised=anew.appraised) == anew
    assert (bool(kept.appraised), bool(anew.appraised)) == (is_appraised, True)
