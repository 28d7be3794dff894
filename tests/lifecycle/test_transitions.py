"""Transitions: what one answer makes of a submission, and when it is looked at again."""

from dataclasses import replace
from datetime import datetime

import pytest

from controller.lifecycle.transitions import INTERRUPTED, after_listing, after_post, after_status, interrupt
from controller.limits.polls import PollLoad
from controller.model.answers import (
    Accepted,
    BucketAnswer,
    GetAnswer,
    NoAnswer,
    NotVisible,
    PostAnswer,
    Refusal,
    Refused,
    StillRunning,
    Unconfirmed,
    Unreadable,
)
from controller.model.submission import Answer, Evidence, Outcome, Submission
from tests.support.factories import (
    FOREIGN_ID,
    NOW,
    REQUEST_ID,
    TIMING,
    accepted,
    at,
    evidence,
    failed,
    folder_of,
    gone,
    listing,
    request_copy,
    stored,
    submission,
    succeeded,
    unconfirmed,
    unknown,
)

HOUR = 3600.0
DAY = 86400.0
TIFF = stored("default.tif")
COPY = stored("request.json")
ERROR = stored("error.json")
COST = {COPY.key: request_copy(costPU=7)}
BOOM = {ERROR.key: '{"message": "boom"}'}
NO_BODY = Refused(why=Refusal.BODY, message="no bands", status=400)
STEADY = replace(TIMING, poll_jitter=0.0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            Accepted(request_id=REQUEST_ID),
            submission(answer=Answer.ACCEPTED, answered_at=at(1), request_id=REQUEST_ID, look_at=at(11)),
            id="accepted: first polled ten seconds later",
        ),
        pytest.param(
            NO_BODY,
            submission(answer=Answer.REFUSED, answered_at=at(1), refused=NO_BODY, message="no bands"),
            id="refused: nothing to look at",
        ),
        pytest.param(
            Unconfirmed(message="502"),
            submission(answer=Answer.UNCONFIRMED, answered_at=at(1), message="502", look_at=at(6)),
            id="unconfirmed: searched for five seconds later",
        ),
    ],
)
def test_after_the_post(answer: PostAnswer, expected: Submission) -> None:
    assert after_post(submission(), answer, at(1), TIMING) == expected


def test_an_intent_found_at_start_is_unconfirmed() -> None:
    expected = submission(
        answer=Answer.UNCONFIRMED, answered_at=at(99), message=INTERRUPTED, look_at=at(104), reason="Stopped"
    )
    assert interrupt(submission(), at(99), TIMING) == expected


@pytest.mark.parametrize(
    ("now", "look_at"),
    [
        pytest.param(11, 21, id="ten seconds at first"),
        pytest.param(200, 200 + 200 * TIMING.poll_growth, id="then by a share of its age"),
        pytest.param(DAY, DAY + 300, id="at most five minutes"),
    ],
)
def test_running_is_polled_ever_more_slowly(now: float, look_at: float) -> None:
    row = accepted(look_at=at(now))
    assert after_status(row, StillRunning(status="PENDING"), at(now), STEADY) == replace(row, look_at=at(look_at))


CROWDED = PollLoad(running=1000, young=1000, per_minute=100)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        pytest.param(StillRunning(status="RUNNING"), 1200, id="it runs"),
        pytest.param(NoAnswer(message="502"), 1200, id="there was no answer"),
        pytest.param(NoAnswer(message="429", retry_after=1500.0), 1500, id="a longer time was named"),
        pytest.param(NotVisible(), 10, id="it may be gone: that is confirmed at once"),
    ],
)
def test_where_many_run_the_next_poll_is_later(answer: GetAnswer, seconds: float) -> None:
    assert after_status(accepted(), answer, at(100), STEADY, CROWDED).look_at == at(100 + seconds)


def test_where_many_run_the_first_poll_is_later() -> None:
    assert after_post(submission(), Accepted(request_id=REQUEST_ID), at(1), TIMING, CROWDED).look_at == at(1201)


@pytest.mark.parametrize(
    ("retry_after", "look_at"),
    [
        pytest.param(None, 12, id="no time was named"),
        pytest.param(2.0, 12, id="a shorter time was named: our own"),
        pytest.param(90.0, 90, id="a longer time was named"),
    ],
)
def test_no_answer_changes_nothing_but_the_time(retry_after: float | None, look_at: float) -> None:
    row = accepted(missing_at=at(40), look_at=at(50))
    answer = NoAnswer(message="429", retry_after=retry_after)
    now = at(20)
    assert after_status(row, answer, now, STEADY) == replace(row, look_at=at(20 + look_at))


@pytest.mark.parametrize(
    ("row", "now", "expected"),
    [
        pytest.param(accepted(), 11, accepted(look_at=at(31)), id="early: not believed, asked again at thirty seconds"),
        pytest.param(accepted(), 30.999, accepted(look_at=at(31)), id="a moment too early"),
        pytest.param(
            accepted(answered_at=at(100)),
            115,
            accepted(answered_at=at(100), look_at=at(130)),
            id="early is counted from the answer, which may come late",
        ),
        pytest.param(accepted(), 31, accepted(missing_at=at(31), look_at=at(41)), id="the first that counts"),
        pytest.param(
            accepted(missing_at=at(31)), 40.9, accepted(missing_at=at(31), look_at=at(41)), id="again, but too soon"
        ),
        pytest.param(
            accepted(missing_at=at(31)),
            41,
            accepted(missing_at=at(31), gone_at=at(41), look_at=at(41)),
            id="two that are ten seconds apart: gone, and the bucket is read at once",
        ),
    ],
)
def test_when_a_404_is_believed(row: Submission, now: float, expected: Submission) -> None:
    assert after_status(row, NotVisible(), at(now), TIMING) == expected


def followed(answers: list[tuple[float, GetAnswer]]) -> Submission:
    row = accepted()
    for now, answer in answers:
        row = after_status(row, answer, at(now), TIMING)
    return row


def test_a_flapping_404_is_not_believed() -> None:
    flapping: list[tuple[float, GetAnswer]] = [
        (40.0, NotVisible()),
        (50.0, StillRunning()),
        (60.0, NotVisible()),
        (69.0, NotVisible()),
    ]
    assert followed(flapping) == accepted(missing_at=at(60), look_at=at(70))


def test_an_unanswered_poll_between_two_404s_does_not_matter() -> None:
    calls: list[tuple[float, GetAnswer]] = [(40.0, NotVisible()), (45.0, NoAnswer(message="502")), (50.0, NotVisible())]
    assert followed(calls) == accepted(missing_at=at(40), gone_at=at(50), look_at=at(50))


def polls(minutes: float) -> tuple[int, float]:
    """How many GETs a job of this length takes, and how many seconds after its end it is known to be gone."""
    row, count, ends_at = accepted(), 0, at(minutes * 60)
    while row.gone_at is None and row.look_at is not None:
        now = row.look_at
        row = after_status(row, StillRunning() if now < ends_at else NotVisible(), now, TIMING)
        count += 1
    return count, ((row.gone_at or ends_at) - ends_at).total_seconds()


def test_a_job_of_half_an_hour_takes_about_fifteen_polls() -> None:
    assert polls(30)[0] <= 15


def test_polls_do_not_march_in_step() -> None:
    rows = [accepted(request_id=f"request-{number}", look_at=at(200)) for number in range(100)]
    times = {after_status(row, StillRunning(), at(200), TIMING).look_at for row in rows}
    longest = 200 * TIMING.poll_growth
    assert len(times) > 50
    assert all(at(200 + longest) <= (time or NOW) <= at(200 + longest * (1 + TIMING.poll_jitter)) for time in times)


@pytest.mark.parametrize("minutes", [pytest.param(n, id=f"{n} minutes") for n in (1, 5, 30, 240)])
def test_the_end_is_seen_within_one_longest_interval(minutes: float) -> None:
    assert polls(minutes)[1] <= TIMING.poll_longest * (1 + TIMING.poll_jitter) + TIMING.gone_again


@pytest.mark.parametrize(
    ("now", "look_at"),
    [
        pytest.param(5, 15, id="five seconds: fifteen are next"),
        pytest.param(15, 60, id="a minute"),
        pytest.param(60, 300, id="five minutes"),
        pytest.param(300, 900, id="a quarter of an hour"),
        pytest.param(1000, 4600, id="then hourly"),
        pytest.param(DAY - 60, DAY, id="the last search is at the end of the grace"),
    ],
)
@pytest.mark.parametrize(
    ("answer", "readable", "message"),
    [
        pytest.param(folder_of(), True, "", id="nothing is there"),
        pytest.param(Unreadable(message="AccessDenied"), False, "AccessDenied", id="the bucket cannot be read"),
    ],
)
def test_the_search_for_an_unconfirmed_one(
    now: float, look_at: float | None, answer: BucketAnswer, readable: bool, message: str
) -> None:
    seen = Evidence(at=at(now), since=at(now), readable=readable, message=message)
    time = None if look_at is None else at(look_at)
    assert after_listing(unconfirmed(), answer, at(now), TIMING) == unconfirmed(evidence=seen, look_at=time)


@pytest.mark.parametrize("now", [pytest.param(DAY, id="after a day"), pytest.param(2 * DAY, id="after a restart")])
@pytest.mark.parametrize(
    ("answer", "look_at"),
    [
        pytest.param(folder_of(), None, id="nothing is there: the search is over"),
        pytest.param(Unreadable(message="x"), 3600, id="nobody could see what is there: searched on, hourly"),
    ],
)
def test_the_search_ends_with_a_look_that_could_see(now: float, answer: BucketAnswer, look_at: float | None) -> None:
    time = None if look_at is None else at(now + look_at)
    assert after_listing(unconfirmed(), answer, at(now), TIMING).look_at == time


def test_an_id_that_another_submission_has_is_not_found() -> None:
    folder = folder_of(TIFF, stored("x.tif", folder=FOREIGN_ID))
    assert after_listing(unconfirmed(), folder, at(5), TIMING, {REQUEST_ID}).request_id == FOREIGN_ID
    assert after_listing(unconfirmed(), folder_of(TIFF), at(5), TIMING, {REQUEST_ID}).look_at == at(15)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(folder_of(TIFF), id="its folder"),
        pytest.param(folder_of(stored(f"request-{REQUEST_ID}.json", folder="")), id="a copy in the root of the prefix"),
        pytest.param(folder_of(TIFF, stored("x.tif", folder=FOREIGN_ID)), id="the first of two ids"),
    ],
)
def test_an_unconfirmed_one_that_is_found_is_followed(answer: BucketAnswer) -> None:
    """Its answer never came: what the bucket shows says nothing of how the service answers now."""
    expected = unconfirmed(answer=Answer.ACCEPTED, answered_at=None, request_id=REQUEST_ID, message="", look_at=at(99))
    assert after_listing(unconfirmed(), answer, at(99), TIMING) == expected


def test_objects_without_an_id_are_noted_while_the_search_goes_on() -> None:
    root = stored("error.json", folder="")
    found = after_listing(unconfirmed(), folder_of(root, documents={root.key: "boom"}), at(5), TIMING)
    seen = Evidence(at=at(5), since=at(5), readable=True, objects=(root,), error="boom")
    assert found == unconfirmed(evidence=seen, look_at=at(15))


def listed(row: Submission, *looks: tuple[float, BucketAnswer]) -> Submission:
    for now, answer in looks:
        row = after_listing(row, answer, at(now), TIMING)
    return row


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param(
            [(0.0, listing())], gone(evidence=evidence(at=NOW, objects=()), look_at=at(15)), id="empty: look again"
        ),
        pytest.param(
            [(0.0, listing(TIFF))], gone(evidence=evidence(at=NOW), look_at=at(10)), id="complete: look again"
        ),
        pytest.param(
            [(0.0, Unreadable(message="x")), (15.0, listing(TIFF))],
            gone(evidence=evidence(at=at(15), since=at(15)), look_at=at(25)),
            id="unreadable, then complete: look again",
        ),
        pytest.param(
            [(0.0, listing(stored("default.tif", bytes=1))), (10.0, listing(TIFF))],
            gone(evidence=evidence(at=at(10), since=at(10)), look_at=at(20)),
            id="still growing: look again",
        ),
    ],
)
def test_unsettled_evidence_says_nothing(looks: list[tuple[float, BucketAnswer]], expected: Submission) -> None:
    found = listed(gone(), *looks)
    assert replace(found, finished_at=None) == expected


def settled(row: Submission, outcome: Outcome, reason: str, message: str, finished_at: float) -> Submission:
    return replace(row, outcome=outcome, reason=reason, message=message, finished_at=at(finished_at))


DELIVERED = (Outcome.SUCCEEDED, "Delivered", "every declared output is delivered")


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param(
            [(0.0, listing(TIFF, COPY, documents=COST)), (10.0, listing(TIFF, COPY, documents=COST))],
            settled(gone(evidence=evidence(objects=(TIFF, COPY), spent=7.0), look_at=None), *DELIVERED, finished_at=10),
            id="complete twice, with its cost: succeeded, and nothing is left to look at",
        ),
        pytest.param(
            [(0.0, listing(TIFF)), (10.0, listing(TIFF))],
            settled(gone(evidence=evidence(), look_at=at(HOUR)), *DELIVERED, finished_at=10),
            id="complete twice, without a cost: succeeded, and looked at once more",
        ),
        pytest.param(
            [(0.0, listing(TIFF, ERROR, documents=BOOM))],
            settled(
                gone(evidence=evidence(at=NOW, objects=(TIFF, ERROR), error="boom"), look_at=at(HOUR)),
                Outcome.FAILED,
                "ErrorReported",
                "boom",
                finished_at=0,
            ),
            id="an error beside the output: failed at once",
        ),
        pytest.param(
            [(0.0, Unreadable(message="x")), (600.0, Unreadable(message="x"))],
            settled(
                gone(evidence=Evidence(at=at(600), since=at(600), readable=False, message="x"), look_at=at(HOUR)),
                Outcome.UNKNOWN,
                "BucketUnreadable",
                "the bucket cannot be read, so the outcome is not known: x",
                finished_at=600,
            ),
            id="unreadable for the whole grace: unknown",
        ),
    ],
)
def test_settled_evidence_says_the_outcome(looks: list[tuple[float, BucketAnswer]], expected: Submission) -> None:
    assert listed(gone(), *looks) == expected


def test_late_evidence_settles_an_unknown_one() -> None:
    found = listed(unknown(), (HOUR, listing(TIFF)), (HOUR + 10, listing(TIFF)))
    seen = evidence(at=at(HOUR + 10), since=at(HOUR))
    assert found == settled(gone(evidence=seen, look_at=at(6 * HOUR)), *DELIVERED, finished_at=HOUR + 10)


def test_a_late_error_settles_an_unknown_one() -> None:
    found = listed(unknown(), (HOUR, listing(ERROR, documents=BOOM)))
    seen = evidence(at=at(HOUR), since=at(HOUR), objects=(ERROR,), error="boom")
    row = gone(evidence=seen, look_at=at(6 * HOUR))
    assert found == settled(row, Outcome.FAILED, "ErrorReported", "boom", finished_at=HOUR)


def test_what_stays_unknown_keeps_the_time_it_became_so() -> None:
    found = listed(unknown(), (HOUR, listing()), (6 * HOUR, listing()), (24 * HOUR, listing()))
    assert (found.outcome, found.finished_at, found.look_at) == (Outcome.UNKNOWN, at(600), None)


@pytest.mark.parametrize(
    ("row", "now", "answer", "spent", "look_at"),
    [
        pytest.param(succeeded(), HOUR, listing(TIFF), None, 6 * HOUR, id="not told yet: six hours are next"),
        pytest.param(succeeded(), HOUR, Unreadable(message="x"), None, 6 * HOUR, id="unreadable: six hours are next"),
        pytest.param(succeeded(), 24 * HOUR, listing(), None, None, id="never told: let go"),
        pytest.param(succeeded(), HOUR, listing(TIFF, COPY, documents=COST), 7.0, None, id="told of a success"),
        pytest.param(failed(), HOUR, listing(ERROR, COPY, documents=BOOM | COST), 7.0, None, id="told of a failure"),
        pytest.param(succeeded(), HOUR, listing(COPY, documents=COST), 7.0, None, id="the output was taken away since"),
    ],
)
def test_a_late_cost_changes_nothing_else(
    row: Submission, now: float, answer: BucketAnswer, spent: float | None, look_at: float | None
) -> None:
    assert row.evidence is not None
    free = replace(row, evidence=replace(row.evidence, spent=None), look_at=at(now))
    time: datetime | None = None if look_at is None else at(look_at)
    expected = replace(free, evidence=replace(row.evidence, spent=spent), look_at=time)
    assert after_listing(free, answer, at(now), TIMING) == expected
