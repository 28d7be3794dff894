"""The gate: after trouble the whole deployment waits, sends one canary at a time, and opens with one clear answer."""

from dataclasses import replace
from datetime import datetime

import pytest

from controller.limits.gate import MOST_AHEAD, MOST_UNANSWERED, Limits, backoff, is_decisive, narrow
from controller.model.answers import Refusal
from controller.model.reasons import Reason
from controller.model.submission import Submission
from tests.support.factories import NOW, accepted, at, limits, refused, submission, succeeded, unconfirmed

FREE = limits(slots=3)
LOST = "the answer was 502"


def named(seconds: float) -> Submission:
    """Its answer was lost then; an operator named its request afterwards."""
    return accepted(intended_at=at(seconds - 1), answered_at=at(seconds), said_by_operator=True)


def adopted(seconds: float) -> Submission:
    """Sent by other means, and named by an operator then."""
    return replace(accepted(intended_at=at(seconds)), answered_at=None, adopted=True, said_by_operator=True)


def shut(reason: Reason, opens_at: float, message: str, slots: int = 1) -> Limits:
    return replace(FREE, slots=slots, opens_at=at(opens_at), reason=reason, message=message)


def breaker(opens_at: float, message: str = LOST, slots: int = 1) -> Limits:
    return shut(Reason.BREAKER_OPEN, opens_at, message, slots)


def account(opens_at: float, why: Refusal) -> Limits:
    return shut(Reason.ACCOUNT_REFUSED, opens_at, f"refused: {why}")


def lost(answered_at: float, intended_at: float | None = None) -> Submission:
    sent_at = answered_at - 1 if intended_at is None else intended_at
    return unconfirmed(answered_at=at(answered_at), intended_at=at(sent_at))


def no(why: Refusal, answered_at: float, retry_after: float | None = None) -> Submission:
    return refused(why, answered_at=at(answered_at), intended_at=at(answered_at - 1), retry_after=retry_after)


def taken(answered_at: float) -> Submission:
    return accepted(answered_at=at(answered_at), intended_at=at(answered_at - 1))


@pytest.mark.parametrize(
    "newest",
    [
        pytest.param([], id="nothing was ever sent"),
        pytest.param([submission()], id="the first POST is under way"),
        pytest.param([submission(), submission(), submission()], id="three are under way"),
        pytest.param([taken(0)], id="accepted"),
        pytest.param([adopted(0)], id="an operator named a request that was sent by other means"),
        pytest.param(
            [replace(named(0), adopted=True)], id="an operator named the request of what was found in the bucket"
        ),
        pytest.param([succeeded()], id="accepted and long finished"),
        pytest.param([no(Refusal.BODY, 0)], id="a refused body is that body's trouble"),
        pytest.param([no(Refusal.SPURIOUS, 0)], id="a spurious 400 is an answer"),
        pytest.param([taken(0), lost(-1), lost(-2), lost(-3)], id="one acceptance ends a breaker"),
        pytest.param([no(Refusal.BODY, 0), lost(-1)], id="one refused body ends a breaker"),
        pytest.param([taken(0), no(Refusal.QUOTA, -1)], id="one acceptance ends the account's trouble"),
        pytest.param([taken(0), no(Refusal.RATE, -1, 600.0)], id="one acceptance ends a 429"),
        pytest.param([submission(), taken(0), no(Refusal.UNSENT, -1)], id="one acceptance while another is sent"),
    ],
)
def test_the_gate_stands_open(newest: list[Submission]) -> None:
    assert narrow(FREE, newest) == FREE


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        pytest.param([lost(0)], breaker(60), id="one lost answer"),
        pytest.param([lost(3, -5), lost(2, -5), lost(1, -5)], breaker(63), id="three at once count once"),
        pytest.param(
            [lost(100, -5), lost(2, -4), lost(1, -3)], breaker(160), id="answered late, but sent together: still once"
        ),
        pytest.param([lost(100), lost(0)], breaker(220), id="a lost canary doubles the wait"),
        pytest.param(
            [lost(400), lost(200), lost(3, -5), lost(2, -5)], breaker(640), id="two lost canaries after a first round"
        ),
        pytest.param([lost(1000 * n) for n in range(20, 0, -1)], breaker(21_800), id="at most half an hour"),
        pytest.param(
            [refused(Refusal.NOT_ACCEPTED, answered_at=at(9)), lost(0)],
            breaker(60),
            id="what a person says of one submission does not open it for the others",
        ),
        pytest.param([named(0)], breaker(60, ""), id="an operator named the request of a lost answer"),
        pytest.param([named(0), lost(-60, -61)], breaker(120), id="an operator named the request of a lost canary"),
        pytest.param(
            [refused(Refusal.NOT_ACCEPTED, answered_at=NOW, said_by_operator=True)],
            breaker(60, "refused: NotAccepted"),
            id="an operator said that a lost answer was none",
        ),
        pytest.param([adopted(9), lost(0)], breaker(60), id="an operator named a request that was sent by other means"),
        pytest.param([lost(5), taken(0), lost(-5)], breaker(65), id="an answer begins it anew"),
        pytest.param([submission(), lost(0)], breaker(60, slots=0), id="while the canary flies: nobody"),
        pytest.param(
            [submission(), submission(), lost(0)], breaker(60, slots=-1), id="others were under way already: nobody"
        ),
        pytest.param([no(Refusal.CREDENTIALS, 0)], account(60, Refusal.CREDENTIALS), id="401"),
        pytest.param([no(Refusal.FORBIDDEN, 0)], account(60, Refusal.FORBIDDEN), id="403"),
        pytest.param([no(Refusal.QUOTA, 0)], account(60, Refusal.QUOTA), id="quota exhausted"),
        pytest.param([no(Refusal.ENDPOINT, 0)], account(60, Refusal.ENDPOINT), id="wrong path"),
        pytest.param(
            [no(Refusal.QUOTA, 200), no(Refusal.CREDENTIALS, 100), no(Refusal.FORBIDDEN, 0)],
            account(440, Refusal.FORBIDDEN),
            id="the account's troubles are one; the first one's words stay",
        ),
        pytest.param(
            [no(Refusal.QUOTA, 100 * n) for n in range(9, 0, -1)],
            account(4500, Refusal.QUOTA),
            id="the account is probed at least hourly",
        ),
        pytest.param([no(Refusal.RATE, 0, 7.5)], shut(Reason.QUEUED, 7.5, "refused: Rate"), id="429 with Retry-After"),
        pytest.param([no(Refusal.RATE, 0, 0.0)], shut(Reason.QUEUED, 45, "refused: Rate"), id="429 with zero"),
        pytest.param(
            [no(Refusal.CONCURRENCY, 0)], shut(Reason.QUEUED, 45, "refused: Concurrency"), id="429 without Retry-After"
        ),
        pytest.param(
            [no(Refusal.CONCURRENCY, 50), no(Refusal.CONCURRENCY, 0)],
            shut(Reason.QUEUED, 95, "refused: Concurrency"),
            id="a second 429 waits no longer: it is a matter of time",
        ),
        pytest.param(
            [no(Refusal.CONCURRENCY, 1), no(Refusal.RATE, 0, 300.0)],
            shut(Reason.QUEUED, 300, "refused: Rate"),
            id="of two 429s at once the longer wait counts",
        ),
        pytest.param([no(Refusal.UNSENT, 0)], shut(Reason.BACKING_OFF, 5, "refused: Unsent"), id="it never left"),
        pytest.param(
            [no(Refusal.UNSENT, 100 * n) for n in range(9, 0, -1)],
            shut(Reason.BACKING_OFF, 1200, "refused: Unsent"),
            id="not reached: at most five minutes",
        ),
    ],
)
def test_the_gate_is_shut(newest: list[Submission], expected: Limits) -> None:
    assert narrow(FREE, newest) == expected


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        pytest.param([no(Refusal.UNSENT, 1), lost(0)], breaker(60), id="a POST that never left does not end a breaker"),
        pytest.param(
            [lost(200), no(Refusal.UNSENT, 100), lost(0)], breaker(320), id="nor does it begin its waits anew"
        ),
        pytest.param(
            [lost(400), no(Refusal.RATE, 300, 30.0), lost(200), no(Refusal.CREDENTIALS, 100), lost(0)],
            breaker(640),
            id="an outage with many faces is one outage",
        ),
        pytest.param(
            [no(Refusal.CREDENTIALS, 500), lost(0)],
            account(560, Refusal.CREDENTIALS),
            id="a breaker that has cooled leaves the word to the account",
        ),
        pytest.param(
            [no(Refusal.UNSENT, 900), no(Refusal.QUOTA, 0)],
            shut(Reason.BACKING_OFF, 905, "refused: Unsent"),
            id="the account's trouble has cooled, then nobody answered",
        ),
        pytest.param(
            [no(Refusal.RATE, 0, 600.0), lost(0)],
            shut(Reason.QUEUED, 600, "refused: Rate"),
            id="a long Retry-After is longer than the breaker",
        ),
    ],
)
def test_mixed_trouble(newest: list[Submission], expected: Limits) -> None:
    assert narrow(FREE, newest) == expected


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        pytest.param([lost(0), taken(-86_400)], breaker(60), id="an older run says nothing"),
        pytest.param(
            [lost(0), lost(-86_400)],
            breaker(120),
            id="one that cannot be asked about counts at the time of its objects",
        ),
    ],
)
def test_a_recovered_history_does_not_open_the_gate(newest: list[Submission], expected: Limits) -> None:
    assert narrow(FREE, newest) == expected


def test_a_shut_gate_never_gives_more_places_than_are_free() -> None:
    assert narrow(limits(slots=0), [lost(0)]).slots == 0
    assert narrow(limits(slots=-2), [lost(0)]).slots == -2


def test_however_many_places_there_are_only_a_few_posts_are_under_way_at_once() -> None:
    """With 50 places, the first moment of an outage once left 50 submissions Unconfirmed."""
    underway = [submission() for _ in range(3)]
    assert narrow(limits(slots=50), underway).slots == MOST_UNANSWERED - 3


@pytest.mark.parametrize(
    ("free", "newest", "expected"),
    [
        pytest.param(limits(slots=50), [], MOST_AHEAD, id="no more than this, however many places there are"),
        pytest.param(limits(slots=MOST_UNANSWERED + 3), [], 3, id="one for each place that a POST must leave free"),
        pytest.param(limits(slots=MOST_UNANSWERED), [], 0, id="every place may be taken now"),
        pytest.param(limits(slots=2), [submission()] * MOST_UNANSWERED, 2, id="all POSTs are out, and two places left"),
        pytest.param(limits(slots=0), [submission()] * MOST_UNANSWERED, 0, id="all POSTs are out, and no place left"),
        pytest.param(limits(slots=-3), [], 0, id="more run than may"),
        pytest.param(limits(slots=50), [lost(0)], 0, id="in trouble nothing is listed ahead"),
    ],
)
def test_histories_are_listed_ahead_only_for_places_that_there_are(
    free: Limits, newest: list[Submission], expected: int
) -> None:
    assert narrow(free, newest).ahead == expected


def test_a_job_not_queued_yet_begins_nothing_ahead() -> None:
    assert not limits(slots=5, ahead=5).without_slots().may_begin("my-bucket")


def test_those_listed_and_waiting_leave_fewer_to_be_listed_ahead() -> None:
    ahead = limits(slots=0, ahead=5, listing={"my-bucket": 2})
    assert [ahead.may_begin("my-bucket", listed=each) for each in (0, 2, 3, 9)] == [True, True, False, False]
    assert limits(slots=1, ahead=0).may_begin("my-bucket", listed=9)


def test_a_request_found_in_the_bucket_does_not_end_the_breaker() -> None:
    """When half of what was answered 502 had been taken, each find once let the whole queue out into the outage."""
    found = replace(taken(0), answered_at=None)
    assert narrow(FREE, [lost(0, -1), found]) == breaker(60)
    assert narrow(FREE, [found]).opens_at == at(59)


def test_a_canary_takes_the_only_place() -> None:
    assert narrow(FREE, [lost(0)]).after_submit().slots == 0


def test_what_else_the_limits_say_is_kept() -> None:
    free = limits(slots=3, paused=True, history_known=True, without_keys=frozenset({"a"}))
    expected = replace(free, slots=1, opens_at=at(60), reason=Reason.BREAKER_OPEN, message=LOST)
    assert narrow(free, [lost(0)]) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(submission(), False, id="no answer yet"),
        pytest.param(unconfirmed(), False, id="the answer was lost"),
        pytest.param(refused(Refusal.CREDENTIALS), False, id="401"),
        pytest.param(refused(Refusal.FORBIDDEN), False, id="403"),
        pytest.param(refused(Refusal.QUOTA), False, id="quota exhausted"),
        pytest.param(refused(Refusal.ENDPOINT), False, id="another 4xx"),
        pytest.param(refused(Refusal.RATE), False, id="429 with a time"),
        pytest.param(refused(Refusal.CONCURRENCY), False, id="429 without a time"),
        pytest.param(refused(Refusal.UNSENT), False, id="it never left"),
        pytest.param(refused(Refusal.BODY), True, id="the body was refused"),
        pytest.param(refused(Refusal.SPURIOUS), True, id="a spurious 400"),
        pytest.param(refused(Refusal.NOT_ACCEPTED), False, id="a person says what became of it"),
        pytest.param(accepted(said_by_operator=True), False, id="an operator names its request"),
        pytest.param(accepted(), True, id="accepted"),
    ],
)
def test_which_answers_are_decisive(row: Submission, expected: bool) -> None:
    assert is_decisive(row) is expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param(1, 60.0, id="the first"),
        pytest.param(2, 120.0, id="doubled"),
        pytest.param(6, 1800.0, id="capped"),
        pytest.param(10_000, 1800.0, id="no overflow"),
    ],
)
def test_backoff(times: int, expected: float) -> None:
    assert backoff(60, 1800, times) == expected


def test_an_outage_of_a_day_leaves_a_handful() -> None:
    """Promise of DESIGN §6: with 502 for a day, three places and any number of jobs, only canaries are lost."""
    rows: list[Submission] = []
    now: datetime = NOW
    while now < at(86_400):
        closed = narrow(FREE, rows)
        now = max(now, closed.opens_at or now)
        sent = unconfirmed(intended_at=now, answered_at=now)
        rows = [sent] * closed.slots + rows
    assert len(rows) <= 3 + 5 + 48
