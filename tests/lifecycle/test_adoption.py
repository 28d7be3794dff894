"""History: what the bucket remembers is adopted, never paid for again."""

from dataclasses import replace

import pytest

from controller.lifecycle.adoption import adopt_listed, find_reappeared, intent
from controller.model.answers import Refusal, StoredObject
from controller.model.job import Estimate
from controller.model.submission import Answer, Submission, submission_id
from tests.support.factories import (
    DIGEST,
    FOREIGN_ID,
    NOW,
    OTHER_DIGEST,
    REQUEST_ID,
    accepted,
    at,
    job,
    refused,
    submission,
    succeeded,
    unconfirmed,
    wanted,
)

FOLDER = submission_id(DIGEST, 0, 0)
RETRY = submission_id(DIGEST, 0, 1)
RERUN = submission_id(DIGEST, 2, 0)
THIRD_ID = "77777777-2222-4333-8444-555555555555"


def lies(key: str, modified: float | None = -600) -> StoredObject:
    """An object below the job's folder, written this many seconds after `NOW`."""
    return StoredObject(key=key, bytes=100, modified=None if modified is None else at(modified))


def result(modified: float | None = -600, *, folder: str = FOLDER, id: str = REQUEST_ID) -> StoredObject:
    return lies(f"{folder}/{id}/a.tif", modified)


def remembered(rerun: int = 0, attempt: int = 0, written_at: float = -600) -> Submission:
    row = accepted(rerun=rerun, attempt=attempt, number=0, intended_at=at(written_at), answered_at=at(written_at))
    return replace(row, look_at=NOW, adopted=True)


@pytest.mark.parametrize(
    ("found", "known"),
    [
        pytest.param([], [], id="an empty bucket"),
        pytest.param([result()], [succeeded()], id="it is known"),
        pytest.param([result()], [unconfirmed()], id="it is known to be unconfirmed"),
        pytest.param([lies(f"{submission_id(OTHER_DIGEST, 0, 0)}/{REQUEST_ID}/a.tif")], [], id="another digest"),
        pytest.param([lies("notes.txt"), lies(f"by-hand/{REQUEST_ID}/a.tif")], [], id="what somebody put there"),
        pytest.param([lies(f"{FOLDER}.bak/{REQUEST_ID}/a.tif")], [], id="a copy under a longer name"),
        pytest.param([lies(f"{'a' * 16}-r00-a0/{REQUEST_ID}/a.tif")], [], id="a number written as we never do"),
        pytest.param([lies(f"{'a' * 16}-r{'9' * 30}-a0/{REQUEST_ID}/a.tif")], [], id="a number beyond every rerun"),
    ],
)
def test_nothing_is_adopted(found: list[StoredObject], known: list[Submission]) -> None:
    assert adopt_listed(job(), wanted(), found, known, NOW) == ()


@pytest.mark.parametrize("rerun", [1_718_450_000, 2**53 - 1], ids=["a time", "the highest number of a manifest"])
def test_a_very_high_rerun_is_adopted_like_any_other(rerun: int) -> None:
    """It was paid for, and then recognised nowhere: after a lost ledger it was paid for again."""
    name = submission_id(DIGEST, rerun, 10)
    [found] = adopt_listed(job(), wanted(), [result(folder=name)], (), NOW)
    assert (found.id, found.rerun) == (name, rerun)


@pytest.mark.parametrize(
    ("found", "known", "expected"),
    [
        pytest.param([result()], [], [remembered()], id="its output, in the request's folder"),
        pytest.param(
            [lies(f"{FOLDER}/request-{REQUEST_ID}.json")], [], [remembered()], id="only the copy, in the root"
        ),
        pytest.param([lies(f"{FOLDER}/{REQUEST_ID.upper()}/a.tif")], [], [remembered()], id="an id in capitals"),
        pytest.param(
            [result(-60), lies(f"{FOLDER}/{REQUEST_ID}/b.tif", -900)],
            [],
            [remembered(written_at=-900)],
            id="dated by its oldest object",
        ),
        pytest.param([result(60)], [], [remembered(written_at=0)], id="a clock ahead of ours: now"),
        pytest.param([result(None)], [], [remembered(written_at=0)], id="no date: now"),
        pytest.param(
            [result(folder=RERUN, id=THIRD_ID), result(folder=RETRY, id=FOREIGN_ID), result()],
            [],
            [
                remembered(),
                replace(remembered(attempt=1), request_id=FOREIGN_ID),
                replace(remembered(rerun=2), request_id=THIRD_ID),
            ],
            id="every attempt and every rerun, in order",
        ),
        pytest.param(
            [result(), result(folder=RETRY)], [succeeded()], [remembered(attempt=1)], id="only what is not known"
        ),
        pytest.param(
            [result()], [refused(Refusal.BODY)], [remembered()], id="what was refused here was taken elsewhere"
        ),
        pytest.param([result(), result(id=FOREIGN_ID)], [], [remembered()], id="the first of two ids"),
    ],
)
def test_what_was_paid_for_is_adopted(
    found: list[StoredObject], known: list[Submission], expected: list[Submission]
) -> None:
    assert adopt_listed(job(), wanted(), found, known, NOW) == tuple(expected)


def test_a_folder_that_names_no_request_is_searched_and_then_left_to_a_person() -> None:
    expected = submission(
        number=0,
        adopted=True,
        intended_at=at(-600),
        answer=Answer.UNCONFIRMED,
        answered_at=at(-600),
        message=f"s3://my-bucket/rasters/ndvi/{FOLDER} holds error.json but names no request id",
        look_at=NOW,
    )
    assert adopt_listed(job(), wanted(), [lies(f"{FOLDER}/error.json")], [], NOW) == (expected,)


def test_a_folder_that_somebody_copied_is_never_a_second_follower_of_its_request() -> None:
    copied = adopt_listed(job(), wanted(), [result()], [], NOW, {REQUEST_ID})
    assert [(item.answer, item.request_id) for item in copied] == [(Answer.UNCONFIRMED, None)]


def test_a_folder_that_was_copied_to_another_attempt_is_followed_once() -> None:
    found = [result(), result(folder=RETRY)]
    assert [item.request_id for item in adopt_listed(job(), wanted(), found, [], NOW)] == [REQUEST_ID, None]


@pytest.mark.parametrize(
    ("row", "found", "expected"),
    [
        pytest.param(
            unconfirmed(look_at=None),
            [result()],
            (unconfirmed(look_at=NOW),),
            id="its search was over, and now the bucket names it",
        ),
        pytest.param(unconfirmed(look_at=None), [result(folder=RETRY)], (), id="another attempt's"),
        pytest.param(unconfirmed(), [result()], (), id="it is still being searched for"),
        pytest.param(succeeded(), [result()], (), id="it is not unconfirmed"),
    ],
)
def test_what_a_listing_shows_of_an_unconfirmed_one_is_sought_before_anything_is_paid_again(
    row: Submission, found: list[StoredObject], expected: tuple[Submission, ...]
) -> None:
    assert find_reappeared(found, [row], NOW) == expected


@pytest.mark.parametrize(
    ("upper", "ceiling", "reserved"),
    [
        pytest.param(20.0, None, 20.0, id="the upper estimate"),
        pytest.param(20.0, 5.0, 5.0, id="a lower ceiling"),
        pytest.param(20.0, 800.0, 20.0, id="a higher ceiling changes nothing"),
        pytest.param(None, 800.0, 800.0, id="no upper end: the ceiling"),
        pytest.param(None, None, None, id="neither: nothing can be said"),
    ],
)
def test_what_an_intent_reserves(upper: float | None, ceiling: float | None, reserved: float | None) -> None:
    asked = wanted(estimate=Estimate(expected=1, upper=upper), max_processing_units=ceiling)
    assert intent(job(), asked, 0, 0, NOW) == submission(number=0, reserved=reserved)


def test_an_intent_is_named_after_what_it_pays_for() -> None:
    assert intent(job(generation=4), wanted(estimate=None), 2, 1, at(5)) == submission(
        number=0,
        rerun=2,
        attempt=1,
        generation=4,
        intended_at=at(5),
        reserved=None,
        prefix=f"s3://my-bucket/rasters/ndvi/{'a' * 16}-r2-a1",
    )
