"""While as many POSTs are out as may be, the buckets of the next few jobs are listed, in the order of the queue."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.finished import outcome
from controller.limits.gate import MOST_AHEAD, MOST_UNANSWERED
from controller.model.job import Job
from controller.reconcile.calls.workers import Call, ListObjects, Post, is_history
from tests.support.crowds import Crowd, crowd, crowd_job

ENDLESS = {"large_change_jobs": 1_000_000, "large_change_processing_units": 1e9}
FIRST_TURN = MOST_UNANSWERED + MOST_AHEAD


def jobs(number: int, folders: int = 1, **different: object) -> list[Job]:
    """Jobs whose buckets were never listed for their digests."""
    return [
        replace(crowd_job(each, **different), path=f"folder-{each % folders}/job-{each}.yaml", history=None)
        for each in range(number)
    ]


def histories(calls: Sequence[Call]) -> list[ListObjects]:
    return [call for call in calls if is_history(call)]


def posts(calls: Sequence[Call]) -> list[Post]:
    return [call for call in calls if isinstance(call, Post)]


def all_out(site: Crowd) -> list[Post]:
    """Every listing that was begun has ended, and as many POSTs are out as may be."""
    return posts(site.turn(*(outcome(call) for call in histories(site.begun))))


def test_the_first_turn_lists_for_the_posts_that_may_be_out_and_a_few_more() -> None:
    with crowd(0, 0, jobs(40), max_running=1_000, **ENDLESS) as site:
        assert len(site.begun) == len(histories(site.begun)) == FIRST_TURN


def test_no_more_posts_are_out_than_before_and_no_more_is_listed_while_those_listed_wait() -> None:
    with crowd(0, 0, jobs(40), max_running=1_000, **ENDLESS) as site:
        made = site.turn(*(outcome(call) for call in site.begun))
        assert (len(posts(made)), histories(made)) == (MOST_UNANSWERED, [])
        assert site.turn() == []


def test_a_post_that_is_answered_is_followed_by_the_next_at_once_and_by_one_more_listing() -> None:
    with crowd(0, 0, jobs(40), max_running=1_000, **ENDLESS) as site:
        out, listed = all_out(site), {call.job for call in site.begun}
        for _ in range(20):
            made = site.turn(outcome(out.pop(0)))
            [post], [history] = posts(made), histories(made)
            assert post.job in listed
            assert history.job not in listed
            out.append(post)
            listed |= {each.job for each in histories(site.turn(outcome(history)))} | {history.job}


def test_what_is_listed_ahead_is_of_each_folder_in_turn() -> None:
    with crowd(0, 0, jobs(80, folders=4), max_running=1_000, **ENDLESS) as site:
        folders = [int(call.job.removeprefix("job-")) % 4 for call in site.begun]
    assert [folders.count(each) for each in range(4)] == [FIRST_TURN // 4] * 4


@pytest.mark.parametrize(
    ("max_running", "most"),
    [
        pytest.param(3, 3, id="fewer slots than POSTs may be out: none ahead"),
        pytest.param(MOST_UNANSWERED, MOST_UNANSWERED, id="as many slots: none ahead"),
        pytest.param(MOST_UNANSWERED + 2, MOST_UNANSWERED + 2, id="two more slots: two ahead"),
    ],
)
def test_nothing_is_listed_for_a_slot_that_is_not_there(max_running: int, most: int) -> None:
    with crowd(0, 0, jobs(40), max_running=max_running, **ENDLESS) as site:
        assert len(histories(site.begun)) == most


def test_a_job_listed_ahead_gives_way_to_a_higher_priority() -> None:
    with crowd(0, 0, jobs(40), max_running=1_000, **ENDLESS) as site:
        out = all_out(site)
        urgent = replace(crowd_job(100, priority=5), path="other/job-100.yaml")
        site.ledger.put_job(urgent, "{}")
        site.loop._queue.mark([urgent.name])
        assert site.turn() == []
        [call] = site.turn(outcome(out[0]))
        assert (type(call), call.job) == (Post, urgent.name)


def test_nothing_is_listed_ahead_of_a_job_that_needs_no_listing() -> None:
    """It is the next to be posted: no turn of its folder is spent by looking at it, or at those behind it."""
    known = [replace(crowd_job(each), path=f"folder-0/job-{each}.yaml") for each in range(40)]
    with crowd(0, 0, known, max_running=1_000, **ENDLESS) as site:
        assert len(site.begun) == len(posts(site.begun)) == MOST_UNANSWERED
        turns = site.loop._queue._paying._turns
        before = turns.last("folder-0")
        assert site.turn() == []
        assert turns.last("folder-0") == before > 0


def test_a_bucket_whose_listings_hang_keeps_no_other_from_being_listed_ahead() -> None:
    hangs = jobs(40)
    others = [
        replace(crowd_job(each, delivery_url="s3://other/rasters"), path=f"b/job-{each}.yaml", history=None)
        for each in range(100, 140)
    ]
    with crowd(0, 0, [*hangs, *others], max_running=1_000, **ENDLESS) as site:
        of_other = [call for call in histories(site.begun) if call.step.prefix.startswith("s3://other/")]
        assert (len(of_other), len(site.begun)) == (FIRST_TURN, 2 * FIRST_TURN)
        assert len(posts(site.turn(*map(outcome, of_other)))) == MOST_UNANSWERED


def test_a_listing_waits_for_further_outcomes_only_while_all_posts_are_out() -> None:
    with crowd(0, 0, jobs(40), max_running=1_000, **ENDLESS) as site:
        listed = [outcome(call) for call in site.begun]
        assert site.loop.patience(listed) == 0.0
        out = posts(site.turn(*listed))
        assert site.loop.patience(listed[:1]) > 0.0
        assert site.loop.patience([listed[0], outcome(out[0])]) == 0.0
        site.loop.record([outcome(out[0])], site.now)
        assert site.loop.patience(listed[:1]) == 0.0
