"""The status file of a set, as the real loop keeps it beside the manifest: one document, whatever its cells do."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from cProfile import Profile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.finished import BEGAN, finish, loop_on, manifests, outcome
from controller.ledger.ledger import Ledger
from controller.model.reasons import Phase
from controller.reconcile.calls.workers import Call, Post
from controller.reconcile.loop import Loop
from controller.reconcile.reports.changes import StatusChange
from controller.reconcile.reports.documents import status_documents
from controller.reconcile.sets.set_documents import cell_documents
from controller.tree.status_files import LONGEST_OF_SET
from tests.conftest import ndvi
from tests.support.small_set import set_of

SECOND = timedelta(seconds=1)
LATER = 6 * SECOND  # a status without news is written by then


@dataclass
class Site:
    """A repository with a loop on it, turned by hand."""

    root: Path
    loop: Loop
    ledger: Ledger
    calls: deque[Call]
    said: list[StatusChange]
    now: datetime = BEGAN
    answered: list[Call] = field(default_factory=list)

    def turn(self, after: timedelta = SECOND, answer: int = 0) -> None:
        """One turn, this long after the last one, with the outcomes of the first calls."""
        self.now += after
        taken = [self.calls.popleft() for _ in range(min(answer, len(self.calls)))]
        self.loop.turn([outcome(call) for call in taken], self.now)

    def until_posted(self) -> None:
        """Answer everything until there are requests to answer, and report it."""
        while not any(isinstance(call, Post) for call in self.calls):
            self.turn(answer=len(self.calls))
        self.turn(LATER)
        self.turn(LATER)

    def status(self, name: str = "malta") -> list[dict[str, Any]]:
        return list(yaml.safe_load_all(self.path(name).read_text()))

    def path(self, name: str = "malta") -> Path:
        return self.root / "jobs.d" / f"{name}.status.yaml"

    def lines(self) -> list[StatusChange]:
        """What a log says."""
        return [item for item in self.said if item.changed and not item.is_said]

    def events(self, job: str) -> list[str]:
        rows = self.ledger._store.reader().events([job], 100)
        return [f"{row['reason']}: {row['message']}" for row in rows]


@contextmanager
def site(root: Path, **files: str) -> Iterator[Site]:
    """A repository with these manifests, and those that are there already, after the first turn."""
    manifests(root, 0)
    for name, text in files.items():
        (root / "jobs.d" / f"{name}.yaml").write_text(text)
    calls, said = deque[Call](), list[StatusChange]()
    with loop_on(root, calls, said.append) as (loop, ledger):
        found = Site(root, loop, ledger, calls, said, BEGAN + timedelta(days=len(files) == 0))
        loop.start(found.now)
        loop.turn([], found.now)
        found.turn()  # the first status is written after a second
        yield found


def test_a_set_of_five_hundred_cells_has_one_document_and_one_line(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(10)) as it:
        [found] = it.status()
        assert (found["kind"], found["name"], found["phase"]) == ("AsyncProcessSetStatus", "malta", "Pending")
        assert found["message"] == "0/500 Succeeded, 500 Pending"
        assert found["cells"] == {"due": 500, "Pending": 500}
        assert found["notSucceeded"]["Pending"][-1] == "and 450 more"
        assert found["processingUnits"] == {"estimated": 5000.0}
        assert [len(item.alike) for item in it.lines()] == [500]
        assert it.path().stat().st_size < LONGEST_OF_SET
        assert [each.name for each in (tmp_path / "jobs.d").glob("*.status.yaml")] == ["malta.status.yaml"]
        assert [path for path, _ in it.ledger._store.reader().statuses()] == ["malta.yaml"]


def test_the_file_shows_what_a_reader_adds_up_at_every_step(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(2)) as it:
        tree = it.loop._tree
        seen = set[str]()
        for count in range(200):
            it.turn(SECOND * (1 + 10 * (count % 3)), answer=3 + count)
            it.turn(LATER)
            anew = status_documents("malta.yaml", tree, it.ledger, it.loop.limits(), it.now, "sandbox")
            assert it.status() == yaml.safe_load(json.dumps(anew, default=str))
            seen.add(it.status()[0]["phase"])
            if seen >= {"Submitting", "Running", "Verifying", "Succeeded"}:
                return
        pytest.fail(f"only {seen}")


def test_the_cells_have_documents_of_their_own_that_add_up_to_that_of_the_set(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(2, 5)) as it:
        it.until_posted()
        it.turn(LATER, answer=1)
        it.turn()
        tree = it.loop._tree
        cells = cell_documents("malta", tree, it.ledger, it.loop.limits(), it.now, "sandbox")
        [found] = it.status()
        assert [each["name"] for each in cells] == list(tree.sets["malta"].cells)
        assert {each["kind"] for each in cells} == {"AsyncProcessStatus"}
        phases = Counter(str(each["phase"]) for each in cells)
        assert len(phases) == 3
        assert found["cells"] == {"due": 10, **phases}
        assert found["processingUnits"]["reserved"] == sum(_units(each).get("reserved", 0.0) for each in cells)
        edited("apiVersion: [\n")(it)
        it.loop.rescan()
        it.turn(LATER)
        again = cell_documents("malta", tree, it.ledger, it.loop.limits(), it.now, "sandbox")
        assert {str(each["name"]) for each in again} == {str(each["name"]) for each in cells}
        assert cell_documents("gozo", tree, it.ledger, it.loop.limits(), it.now, "sandbox") == []


def _units(document: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = document["processingUnits"]
    return found


def test_a_set_that_becomes_complete_is_an_event_once(tmp_path: Path) -> None:
    manifests(tmp_path, 0)
    (tmp_path / "jobs.d" / "malta.yaml").write_text(set_of(1))
    finish(tmp_path)
    before = (tmp_path / "jobs.d" / "malta.status.yaml").read_bytes()
    with site(tmp_path) as it:
        [found] = it.status()
        assert (found["phase"], found["message"]) == ("Succeeded", "50/50 Succeeded")
        assert "notSucceeded" not in found
        assert found["processingUnits"]["spent"] == 500.0
        assert it.path().read_bytes() == before
        assert it.events("set/malta") == ["Complete: every cell of malta that is due: 50/50 Succeeded"]
        assert [item for item in it.said if item.changed] == []


def test_cells_that_change_alike_are_one_line(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(10)) as it:
        it.until_posted()
        it.turn(answer=len(it.calls))
        it.turn(LATER)
        assert len(it.ledger.jobs) == 500
        assert len(it.lines()) < 10
        reported = {name for item in it.lines() for name in item.alike or [item.job.name]}
        assert len(reported) == 500


def test_while_cells_change_the_file_is_written_every_five_seconds(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(2)) as it:
        it.until_posted()
        written, start, seen = 0, it.now, it.path().stat().st_mtime_ns
        while it.now < start + 30 * SECOND:
            it.turn(SECOND / 4, answer=1)
            now_seen = it.path().stat().st_mtime_ns
            written, seen = written + (now_seen != seen), now_seen
        assert written == 6
        wakes_at = it.loop.wakes_at(it.now)
        assert wakes_at is not None
        assert wakes_at <= it.now + 5 * SECOND


def test_who_stops_within_the_five_seconds_leaves_the_file_up_to_date(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(2)) as it:
        it.until_posted()
        while "Running" not in it.status()[0]["cells"]:
            it.turn(answer=1)
        running = it.status()[0]["cells"]["Running"]
        it.turn(SECOND / 8, answer=1)
        it.turn(SECOND / 4)
        assert it.status()[0]["cells"]["Running"] == running
        it.loop.report(it.now, in_haste=True)
        assert it.status()[0]["cells"]["Running"] > running


def test_nothing_is_written_while_nothing_happens(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(2)) as it:
        it.until_posted()
        before = it.path().stat().st_mtime_ns
        for _ in range(50):
            it.turn(SECOND / 4)
        assert it.path().stat().st_mtime_ns == before


def test_a_file_with_sets_and_jobs_has_a_document_for_each_at_its_place(tmp_path: Path) -> None:
    text = "---\n".join((set_of(1, 2), ndvi("between"), set_of(1, 3, "gozo")))
    with site(tmp_path, malta=text) as it:
        assert [(each["kind"], each["name"]) for each in it.status()] == [
            ("AsyncProcessSetStatus", "malta"),
            ("AsyncProcessStatus", "between"),
            ("AsyncProcessSetStatus", "gozo"),
        ]
        assert [each["cells"]["due"] for each in it.status() if "cells" in each] == [2, 3]


def moved(it: Site) -> None:
    jobs = it.root / "jobs.d"
    (jobs / "other.yaml").write_text((jobs / "malta.yaml").read_text())
    (jobs / "malta.yaml").unlink()


def edited(text: str) -> Callable[[Site], None]:
    def edit(it: Site) -> None:
        (it.root / "jobs.d" / "malta.yaml").write_text(text)

    return edit


@pytest.mark.parametrize(
    ("edit", "file", "expected"),
    [
        pytest.param(edited(set_of(1, 60)), "malta", [("malta", 60, True)], id="days are added"),
        pytest.param(edited(set_of(1, 30)), "malta", [("malta", 30, True)], id="days are taken away"),
        pytest.param(edited(set_of(1, 30, begin="2025-02-01")), "malta", [("malta", 30, True)], id="other days"),
        pytest.param(edited(set_of(1, 50, "gozo")), "malta", [("gozo", 50, True)], id="another name"),
        pytest.param(
            edited(f"{set_of(1, 5, 'gozo')}---\n{set_of(1)}"),
            "malta",
            [("gozo", 5, True), ("malta", 50, True)],
            id="another set before it",
        ),
        pytest.param(moved, "other", [("malta", 50, True)], id="another file"),
        pytest.param(
            edited(set_of(1).replace("ndvi.js", "gone.js")), "malta", [("malta", 50, False)], id="a script that is gone"
        ),
        pytest.param(edited("apiVersion: [\n"), "malta", [("malta", 50, False)], id="a file that cannot be read"),
        pytest.param(
            edited(f"{set_of(1)}---\n{set_of(1)}"),
            "malta",
            [("malta", 50, True), ("malta", 0, False)],
            id="the same set twice",
        ),
    ],
)
def test_the_file_follows_an_edit(
    tmp_path: Path, edit: Callable[[Site], None], file: str, expected: list[tuple[str, int, bool]]
) -> None:
    with site(tmp_path, malta=set_of(1)) as it:
        it.until_posted()
        edit(it)
        it.loop.rescan()
        for _ in range(4):
            it.turn(LATER)
        found = [(each["name"], each["cells"]["due"], each["manifest"]["accepted"]) for each in it.status(file)]
        assert found == expected
        assert it.path().exists() is (file == "malta")


def test_a_broken_set_is_rejected_once_and_its_cells_are_one_line(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(10)) as it:
        it.until_posted()
        it.said.clear()
        edited(set_of(10).replace("ndvi.js", "gone.js"))(it)
        it.loop.rescan()
        it.turn(LATER)
        [rejected] = it.loop.rejections
        assert (rejected.job, rejected.is_job) == ("set/malta", True)
        assert "nothing is submitted until this is mended" in rejected.message
        assert [row.split(":")[0] for row in it.events("set/malta")] == ["Rejected"]
        assert len(it.lines()) <= 3
        health = it.loop.health()
        assert sum(health.phases.values()) == 500
        assert health.phases[Phase.INVALID] > 0
        edited(set_of(10))(it)
        it.loop.rescan()
        it.turn(LATER)
        it.turn()
        assert [*it.loop.rejections] == []
        assert it.status()[0]["manifest"] == {"accepted": True}


def test_a_set_that_was_never_accepted_counts_as_one_that_is_invalid(tmp_path: Path) -> None:
    with site(tmp_path, malta=set_of(1).replace("ndvi.js", "gone.js")) as it:
        [found] = it.status()
        assert (found["name"], found["phase"], found["cells"]) == ("malta", "Invalid", {"due": 0})
        assert [(each.job, each.is_job) for each in it.loop.rejections] == [("set/malta", False)]
        assert it.loop.health().phases[Phase.INVALID] == 1


def test_a_turn_in_which_one_cell_changes_costs_the_same_whatever_the_number_of_cells(tmp_path: Path) -> None:
    """Counted in calls of functions: time depends on the machine."""
    few, many = (work(tmp_path / str(places), places) for places in (1, 20))
    assert many <= 1.5 * few


def work(root: Path, places: int) -> int:
    """Calls in two turns that take in one answer and write the status file of a set with 50 cells for each place."""
    with site(root, malta=set_of(places)) as it:
        it.until_posted()
        before = it.path().stat().st_mtime_ns
        with Profile() as profile:
            it.turn(LATER, answer=1)
            it.turn()
        assert it.path().stat().st_mtime_ns != before
        return sum(entry.callcount for entry in profile.getstats())
