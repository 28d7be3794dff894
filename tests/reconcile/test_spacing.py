"""When a status file is written: at once with news, else a second after it changed and five after the last time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.lifecycle.status import document, news_of, rejected_status
from controller.model.errors import Problem
from controller.model.reasons import EXAMINING, JobState, Reason
from controller.model.timing import Timing
from controller.reconcile.reports.spacing import FEW, MOST_FORGOTTEN, News, Spacing
from tests.support.factories import NOW, job, wanted

TIMING = Timing()
FIRST, OTHER = (Problem(path="a.yaml", message=each) for each in ("first", "other"))
QUIET: News = frozenset()
FAILED: News = frozenset({(0, "ErrorReported")})


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Files:
    """A spacing that is used as the reporter uses it."""

    def __init__(self) -> None:
        self.spacing = Spacing()

    def change(self, seconds: float, news: News = QUIET, path: str = "a.yaml") -> bool:
        """Whether the file is written at once; if so it is."""
        if self.spacing.puts_off(path, news, at(seconds), TIMING):
            return False
        self.spacing.note(path, news, at(seconds), TIMING)
        return True

    def write_ripe(self, seconds: float, news: News = QUIET) -> list[str]:
        found = self.spacing.ripe(at(seconds), TIMING)
        assert all(self.change(seconds, news, path) for path in found)
        return found

    def next_at(self, seconds: float) -> datetime | None:
        return self.spacing.next_at(at(seconds), TIMING)


def test_a_change_without_news_is_written_a_second_later_whatever_follows() -> None:
    files = Files()
    assert [files.change(seconds) for seconds in (0, 0.25, 0.75)] == [False, False, False]
    assert (files.next_at(0.75), files.write_ripe(0.75)) == (at(1), [])
    assert (files.write_ripe(1), files.next_at(1)) == (["a.yaml"], None)


def test_it_is_written_again_five_seconds_after_the_last_time() -> None:
    files = Files()
    files.change(0, FAILED)
    assert [files.change(0.5), files.change(3)] == [False, False]
    assert (files.next_at(3), files.write_ripe(4.9), files.write_ripe(5)) == (at(5), [], ["a.yaml"])


@pytest.mark.parametrize(
    ("shown", "news", "is_written"),
    [
        pytest.param(QUIET, FAILED, True, id="what ended is written at once"),
        pytest.param(FAILED, FAILED, False, id="what the file shows already is no news"),
        pytest.param(FAILED, FAILED | {(1, "OnHold")}, True, id="a second document may have some of its own"),
        pytest.param(FAILED, QUIET, False, id="that an operator is no longer needed can wait"),
    ],
)
def test_news_is_what_the_file_does_not_show(shown: News, news: News, *, is_written: bool) -> None:
    files = Files()
    files.change(0)
    files.write_ripe(1, shown)
    assert files.change(1.25, news) is is_written


def test_a_file_that_was_written_for_its_news_waits_no_more() -> None:
    files = Files()
    files.change(0)
    assert files.change(0.5, FAILED)
    assert (files.next_at(0.5), files.write_ripe(9)) == (None, [])


def test_a_file_that_is_up_to_date_again_is_not_written() -> None:
    files = Files()
    files.change(0)
    files.spacing.drop("a.yaml")
    assert (files.next_at(0), files.write_ripe(9)) == (None, [])


class Many(Files):
    """So many files that they give way to submissions."""

    def __init__(self) -> None:
        super().__init__()
        self.paths = [f"{number:02}.yaml" for number in range(FEW + 1)]
        for path in self.paths:
            self.change(0, path=path)


def test_many_files_without_news_give_way_to_submissions_for_up_to_five_seconds() -> None:
    files = Many()
    assert files.spacing.next_at(at(1), TIMING, gives_way=True) == at(5)
    assert files.spacing.ripe(at(4.9), TIMING, gives_way=True) == []
    assert files.spacing.puts_off(files.paths[0], QUIET, at(4.9), TIMING, gives_way=True)
    assert files.spacing.ripe(at(5), TIMING, gives_way=True) == files.paths
    assert not files.spacing.puts_off(files.paths[0], QUIET, at(5), TIMING, gives_way=True)


def test_a_file_with_news_gives_way_to_nothing() -> None:
    assert not Many().spacing.puts_off("00.yaml", FAILED, at(0.5), TIMING, gives_way=True)


def test_a_few_files_give_way_to_nothing() -> None:
    files = Many()
    files.spacing.drop(files.paths[0])
    assert files.spacing.next_at(at(0), TIMING, gives_way=True) == at(1)
    assert files.spacing.ripe(at(1), TIMING, gives_way=True) == files.paths[1:]


def test_once_nothing_is_submitted_the_files_that_gave_way_are_ripe_at_once() -> None:
    files = Many()
    assert files.spacing.ripe(at(2), TIMING, gives_way=True) == []
    assert (files.next_at(2), files.write_ripe(2)) == (at(1), files.paths)


def test_a_stop_writes_everything_that_waits() -> None:
    files = Files()
    for path in ("b.yaml", "a.yaml"):
        files.change(0, path=path)
    assert files.spacing.ripe(None, TIMING) == ["a.yaml", "b.yaml"]


def test_a_file_that_was_ripe_when_there_was_no_room_for_it_is_written_with_the_next_ones() -> None:
    files = Files()
    files.change(0)
    assert files.spacing.ripe(at(1), TIMING) == ["a.yaml"]
    assert files.change(1.25)


def test_a_clock_that_was_set_back_delays_no_file() -> None:
    files = Files()
    files.change(3600, FAILED)
    files.change(3600.5)
    assert files.next_at(0) == at(0)
    assert files.write_ripe(0) == ["a.yaml"]
    files.change(3600, FAILED, path="b.yaml")
    files.change(0, path="b.yaml")
    assert files.next_at(0) == at(1)


def test_files_that_were_written_long_ago_are_not_remembered() -> None:
    files = Files()
    for number in range(1000):
        files.change(number / 100, FAILED, path=f"{number}.yaml")
    for number in range(500):
        files.change(20 + number / 100, FAILED, path=f"later-{number}.yaml")
    assert len(files.spacing._written) <= 500
    assert MOST_FORGOTTEN > 1


@pytest.mark.parametrize(
    ("reason", "problems", "expected"),
    [
        *(
            pytest.param(reason, (), set(), id=f"{reason} passes")
            for reason in (Reason.QUEUED, Reason.SETTLING, Reason.SUBMITTING, Reason.RUNNING, Reason.VERIFYING)
        ),
        *(
            pytest.param(reason, (), {(0, reason.value)}, id=f"{reason} is to be seen")
            for reason in Reason
            if reason.phase in ("Succeeded", "Failed", "Unknown", "Held", "Unconfirmed", "Invalid", "Removed")
        ),
        *(
            pytest.param(reason, (), {(0, reason.value)}, id=f"{reason} needs an operator")
            for reason in (Reason.ACCOUNT_REFUSED, Reason.BREAKER_OPEN, Reason.CLOCK_DOUBTFUL, Reason.OVERDUE)
        ),
        pytest.param(
            Reason.RUNNING, (Problem(path="a.yaml", message="no"),), {(0, "Rejected")}, id="a manifest that is broken"
        ),
        pytest.param(
            Reason.RUNNING, (Problem(path="a.yaml", message="", code=EXAMINING),), set(), id="a script is examined"
        ),
    ],
)
def test_what_is_news(reason: Reason, problems: tuple[Problem, ...], expected: set[tuple[int, str]]) -> None:
    found = document(replace(job(), problems=problems), [], JobState(reason=reason, message=""), "sandbox")
    assert {each[:2] for each in news_of([found])} == expected


HELD = JobState(reason=Reason.ON_HOLD, message="")
RUNS = JobState(reason=Reason.RUNNING, message="")


@pytest.mark.parametrize(
    ("before", "after", "job_state", "is_news"),
    [
        pytest.param({}, {"wanted": wanted(digest="2:new")}, HELD, True, id="an edit of a job on hold"),
        pytest.param({}, {"wanted": wanted(digest="2:new")}, RUNS, False, id="an edit of a job that is on its way"),
        pytest.param({"problems": (FIRST,)}, {"problems": (OTHER,)}, HELD, True, id="another error than before"),
        pytest.param({"problems": (FIRST,)}, {"problems": (FIRST,)}, HELD, False, id="the same error"),
        pytest.param({"problems": (FIRST,)}, {}, RUNS, False, id="an error that is mended"),
        pytest.param({}, {"generation": 7}, HELD, False, id="whatever else a file says"),
    ],
)
def test_what_is_news_after_an_edit(
    before: dict[str, Any], after: dict[str, Any], job_state: JobState, *, is_news: bool
) -> None:
    shown, found = (news_of([document(job(**each), [], job_state, "sandbox")]) for each in (before, after))
    assert bool(found - shown) is is_news


def test_what_was_never_accepted_is_news_at_its_place() -> None:
    documents = [rejected_status("a", [FIRST]), rejected_status("b", [OTHER])]
    assert {each[:2] for each in news_of(documents)} == {(0, "Rejected"), (1, "Rejected")}
