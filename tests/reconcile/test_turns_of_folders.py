"""Each folder in its turn, also where the bucket must be listed before a submission: a job has one turn, not two."""

from dataclasses import replace

import pytest

from bench.finished import outcome
from controller.model.job import Job
from controller.reconcile.calls.workers import Call, Get, ListObjects, Post
from tests.support.crowds import Crowd, crowd, crowd_job

FOLDERS = 6
ENDLESS = {"large_change_jobs": 1_000_000, "large_change_processing_units": 1e9}


def unlisted(number: int, folder: str, **different: object) -> Job:
    """A job whose bucket was never listed for its digest."""
    return replace(crowd_job(number, **different), path=f"{folder}/job-{number}.yaml", history=None)


def two_in_each() -> list[Job]:
    return [unlisted(number, f"folder-{number % FOLDERS}") for number in range(2 * FOLDERS)]


def made_by(site: Crowd) -> list[Call]:
    """Every call until all slots are taken; what is accepted goes on running."""
    made, ahead = list[Call](), list(site.begun)
    while ahead:
        made += ahead
        ahead = site.turn(*(outcome(call) for call in ahead if not isinstance(call, Get)))
        ahead = [call for call in ahead if not isinstance(call, Get)]
    return made


def posted(calls: list[Call]) -> list[str]:
    return [call.job for call in calls if isinstance(call, Post)]


@pytest.mark.parametrize("slots", [1, 3, FOLDERS])
def test_no_more_is_listed_than_there_are_slots(slots: int) -> None:
    with crowd(0, 0, two_in_each(), max_running=slots, **ENDLESS) as site:
        made = made_by(site)
        histories = [call.job for call in made if isinstance(call, ListObjects) and not call.step.submission]
    assert sorted(histories) == sorted(posted(made))
    assert len(posted(made)) == slots


def test_what_is_posted_first_is_of_a_folder_each() -> None:
    with crowd(0, 0, two_in_each(), max_running=FOLDERS, **ENDLESS) as site:
        names = posted(made_by(site))
    assert sorted(int(name.removeprefix("job-")) % FOLDERS for name in names) == list(range(FOLDERS))


def test_a_job_that_was_listed_gives_way_to_a_higher_priority() -> None:
    """Its listing had ended when the more important one came."""
    with crowd(0, 0, two_in_each(), max_running=1, **ENDLESS) as site:
        [first] = site.begun
        urgent = replace(crowd_job(100, priority=5), path="other/job-100.yaml")
        site.ledger.put_job(urgent, "{}")
        site.loop._queue.mark([urgent.name])
        [call] = site.turn(outcome(first))
    assert (type(call), call.job) == (Post, urgent.name)
