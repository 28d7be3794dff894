"""Claims: who may pay when several controllers meet at one bucket, and what a claim that is found there means."""

from dataclasses import replace
from typing import Any

import pytest

from controller.lifecycle.adoption import adopt_listed
from controller.lifecycle.claim import (
    Claim,
    Instance,
    Meeting,
    Pause,
    Put,
    Result,
    active_claims,
    claiming,
    holder_of,
    marker_for,
    met,
)
from controller.lifecycle.transitions import after_listing, interrupt
from controller.model.answers import Listing, Refusal, Refused, StoredObject, Unreadable
from controller.model.step import List
from controller.model.submission import Answer, Submission
from tests.support.factories import (
    DIGEST,
    NOW,
    REQUEST_ID,
    TIMING,
    at,
    failed,
    folder_of,
    job,
    stored,
    submission,
    wanted,
)

OURS, EARLIER, LATER = (
    "20260301T120000000Z-aaaaaaaa-1",
    "20260301T115959000Z-bbbbbbbb-1",
    "20260301T120001000Z-cccccccc-1",
)
INSTANCE = Instance(deployment="sandbox", account="us", name="aaaaaaaa-rest")
DENIED = Unreadable(message="the credential may not write to it", denied=True)
BROKEN = Unreadable(message="no answer in time")


def claim(*known: Submission) -> Claim:
    return Claim.of(submission(number=7, claims=(OURS,)), known, INSTANCE)


def put(name: str, *, submission_id: str = "", size: int | None = None) -> StoredObject:
    folder = submission_id or submission().id
    return StoredObject(key=f"{folder}.claims/{name}", bytes=len(claim().content) if size is None else size)


def seen(*objects: StoredObject) -> Listing:
    return Listing(objects=tuple(sorted(objects)))


def refused(**different: Any) -> Submission:
    no = Refused(why=Refusal.RATE, message="too many")
    return submission(answer=Answer.REFUSED, refused=no, answered_at=NOW, **different)


SECOND = submission(attempt=1).id
HIGHER = submission(rerun=1).id
OTHER = f"{'b' * 16}-r0-a0"


@pytest.mark.parametrize(
    ("listing", "known", "expected"),
    [
        pytest.param(seen(put(OURS)), [], Meeting.ALONE, id="only our own: pay"),
        pytest.param(seen(), [], Meeting.YIELD, id="ours is not shown, as by a store that lies: do not pay"),
        pytest.param(seen(put(OURS, size=3)), [], Meeting.YIELD, id="ours is shown with another size: do not pay"),
        pytest.param(BROKEN, [], Meeting.YIELD, id="the bucket cannot be listed: do not pay"),
        pytest.param(seen(put(OURS), put(EARLIER)), [], Meeting.YIELD, id="another's came first: withdraw"),
        pytest.param(seen(put(OURS), put(LATER)), [], Meeting.FIRST, id="ours came first: wait for the other"),
        pytest.param(
            seen(put(OURS), put(EARLIER), put(f"{EARLIER}.withdrawn")), [], Meeting.ALONE, id="the other has withdrawn"
        ),
        pytest.param(
            seen(put(OURS), put(f"{EARLIER}.withdrawn")), [], Meeting.ALONE, id="a withdrawal without its claim"
        ),
        pytest.param(seen(put(OURS), put("zzz")), [], Meeting.FIRST, id="an unknown form of name is a claim"),
        pytest.param(
            seen(put(OURS), put(EARLIER)), [refused(claims=(EARLIER,))], Meeting.ALONE, id="an own one that was refused"
        ),
        pytest.param(
            seen(put(OURS), put(EARLIER, submission_id=SECOND)), [], Meeting.YIELD, id="another's for a later attempt"
        ),
        pytest.param(
            seen(put(OURS), put(EARLIER, submission_id=HIGHER)), [], Meeting.YIELD, id="another's for a higher rerun"
        ),
        pytest.param(
            seen(put(OURS), put(EARLIER, submission_id=SECOND)), [submission(attempt=1, answer=Answer.UNCONFIRMED)],
            Meeting.ALONE, id="one that the ledger follows already",
        ),
        pytest.param(
            seen(put(OURS), put(EARLIER, submission_id=OTHER)), [], Meeting.ALONE, id="one for another digest"
        ),
        pytest.param(
            seen(put(OURS), StoredObject(key=f"{submission().id}/{REQUEST_ID}/default.tif", bytes=9)), [],
            Meeting.YIELD, id="results of the very submission",
        ),
        pytest.param(
            seen(put(OURS), StoredObject(key=f"{submission().id}/{REQUEST_ID}/default.tif", bytes=9)),
            [submission(answer=Answer.UNCONFIRMED)],
            Meeting.YIELD, id="results of one that was sought in vain: no listing before has shown them",
        ),
        pytest.param(
            seen(put(OURS), StoredObject(key=f"{submission().id}/{REQUEST_ID}/error.json", bytes=9)),
            [failed()],
            Meeting.ALONE, id="results of one that failed: this is its retry",
        ),
        pytest.param(
            seen(put(OURS), StoredObject(key=f"{OTHER}/{REQUEST_ID}/default.tif", bytes=9)), [],
            Meeting.ALONE, id="results of another digest",
        ),
    ],
)  # fmt: skip
def test_what_a_claim_finds_beside_itself(listing: Result, known: list[Submission], expected: Meeting) -> None:
    assert met(claim(*known), listing)[0] is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            EARLIER, "another controller or an earlier state (bbbbbbbb, at 2026-03-01T11:59:59Z)", id="as it is written"
        ),
        pytest.param("zzz", "another controller (claim 'zzz')", id="an unknown form"),
        pytest.param(
            "99991399T000000000Z-abcdef01-ab", "another controller (claim '99991399T000000000Z-abcdef01-ab')",
            id="a day that is in no calendar: it ended the daemon",
        ),
    ],
)  # fmt: skip
def test_who_wrote_a_claim(name: str, expected: str) -> None:
    assert holder_of(name) == expected


def test_a_claim_of_a_day_that_is_in_no_calendar_is_adopted_like_another() -> None:
    claimed = put("99991399T000000000Z-abcdef01-ab")
    (adopted,) = adopt_listed(job(), wanted(), [claimed], [], NOW)
    assert (adopted.answer, adopted.intended_at) == (Answer.UNCONFIRMED, NOW)


def carried_out(answers: list[Result]) -> tuple[list[str], Refused | None]:
    """What is asked of the bucket when it answers so, and the end."""
    steps, asked, result = claiming(claim()), [], None
    try:
        while True:
            request = steps.send(result)
            asked.append(request.url.rpartition("/")[2] if isinstance(request, Put) else type(request).__name__)
            result = None if isinstance(request, Pause) else answers.pop(0)
    except StopIteration as end:
        return asked, end.value


@pytest.mark.parametrize(
    ("answers", "asked", "why"),
    [
        pytest.param([None, seen(put(OURS))], [OURS, "ListClaims"], None, id="alone: two requests, then the POST"),
        pytest.param([DENIED], [OURS], Refusal.UNCLAIMED, id="may not write: said, and not tried again"),
        pytest.param(
            [BROKEN, BROKEN], [OURS, f"{OURS}.withdrawn"], Refusal.CLAIMED, id="no answer: withdrawn all the same"
        ),
        pytest.param(
            [None, seen(put(OURS), put(EARLIER)), None], [OURS, "ListClaims", f"{OURS}.withdrawn"], Refusal.CLAIMED,
            id="another came first: withdraw at once",
        ),
        pytest.param(
            [None, seen(put(OURS), put(LATER)), seen(put(OURS), put(LATER), put(f"{LATER}.withdrawn"))],
            [OURS, "ListClaims", "Pause", "ListClaims"], None, id="ours came first: pay when the other has withdrawn",
        ),
        pytest.param(
            [None, *[seen(put(OURS), put(LATER))] * 8, None], [OURS, *["ListClaims", "Pause"] * 8, f"{OURS}.withdrawn"],
            Refusal.CLAIMED, id="the other has paid already and never withdraws: withdraw in the end",
        ),
    ],
)  # fmt: skip
def test_how_a_claim_is_made(answers: list[Result], asked: list[str], why: Refusal | None) -> None:
    requests, end = carried_out(answers)
    assert (requests, end and end.why) == (asked, why)


def test_a_claim_names_who_and_what_and_no_secret() -> None:
    text = claim().content.decode()
    assert all(word in text for word in ('"sandbox"', '"us"', "aaaaaaaa-rest", DIGEST, submission().id, "intendedAt"))
    assert INSTANCE.claim_name(at(0.5), "9f") == "20260301T120000500Z-aaaaaaaa-9f"


def test_a_withdrawal_is_no_claim_of_its_own() -> None:
    assert active_claims([put(EARLIER), put(f"{EARLIER}.withdrawn"), put(LATER)]) == {submission().id: (LATER,)}


def test_another_s_claim_is_followed_instead_of_paid_for() -> None:
    (found,) = adopt_listed(job(), wanted(), [put(EARLIER)], [], NOW)
    assert (found.answer, found.adopted, found.claims) == (Answer.UNCONFIRMED, True, (EARLIER,))
    assert (found.intended_at, found.look_at) == (at(-1), NOW)
    assert "bbbbbbbb, at 2026-03-01T11:59:59Z" in found.message


@pytest.mark.parametrize(
    ("objects", "known"),
    [
        pytest.param([put(EARLIER), put(f"{EARLIER}.withdrawn")], [], id="withdrawn"),
        pytest.param([put(EARLIER)], [refused(claims=(EARLIER,))], id="our own, and refused"),
        pytest.param([put(EARLIER)], [submission(claims=(EARLIER,))], id="our own, under way"),
    ],
)
def test_a_claim_that_stands_in_nobody_s_way(objects: list[StoredObject], known: list[Submission]) -> None:
    assert adopt_listed(job(), wanted(), objects, known, NOW) == ()


OURS_MARKED = f"{OURS}.marker.withdrawn"
STOPPED = interrupt(submission(claims=(OURS,)), at(10), TIMING)
FOLLOWED = replace(adopt_listed(job(), wanted(), [put(EARLIER)], [], NOW)[0], number=1)


@pytest.mark.parametrize(
    ("row", "found", "now", "answer"),
    [
        pytest.param(STOPPED, seen(put(OURS_MARKED)), 15, Answer.REFUSED, id="stopped before it was put: never sent"),
        pytest.param(STOPPED, folder_of(), 15, Answer.UNCONFIRMED, id="without the marker a listing proves nothing"),
        pytest.param(STOPPED, seen(put(OURS), put(OURS_MARKED)), 15, Answer.UNCONFIRMED, id="it was there after all"),
        pytest.param(STOPPED, seen(put(OURS)), 15, Answer.UNCONFIRMED, id="stopped after it: nobody knows"),
        pytest.param(
            STOPPED, seen(put(OURS_MARKED)), 4000, Answer.UNCONFIRMED, id="a bucket may be tidied up after an hour"
        ),
        pytest.param(STOPPED, BROKEN, 15, Answer.UNCONFIRMED, id="an unreadable bucket tells nothing"),
        pytest.param(
            STOPPED, seen(put(OURS), put(f"{OURS}.withdrawn")), 15, Answer.REFUSED, id="withdrawn: it was not taken"
        ),
        pytest.param(FOLLOWED, seen(put(EARLIER)), 15, Answer.UNCONFIRMED, id="another's claim stands: wait"),
        pytest.param(
            FOLLOWED, seen(put(EARLIER), put(f"{EARLIER}.withdrawn")), 15, Answer.REFUSED, id="another's was withdrawn"
        ),
        pytest.param(FOLLOWED, folder_of(), 15, Answer.UNCONFIRMED, id="another's is not to be seen any more: wait"),
        pytest.param(FOLLOWED, folder_of(stored("default.tif")), 15, Answer.ACCEPTED, id="another's has delivered"),
    ],
)  # fmt: skip
def test_what_the_bucket_says_of_a_claim(row: Submission, found: Listing, now: float, answer: Answer) -> None:
    assert after_listing(row, found, at(now), TIMING).answer is answer


def test_a_claim_of_unknown_fate_stands_like_another_s_if_it_arrives_late() -> None:
    assert after_listing(STOPPED, seen(put(OURS_MARKED)), at(15), TIMING).claims == ()


@pytest.mark.parametrize(
    ("row", "found", "is_put"),
    [
        pytest.param(STOPPED, folder_of(), True, id="nothing is shown"),
        pytest.param(STOPPED, seen(put(EARLIER)), True, id="only another's claim is shown"),
        pytest.param(STOPPED, seen(put(OURS)), False, id="the claim is shown"),
        pytest.param(STOPPED, seen(put(f"{OURS}.withdrawn")), False, id="it was withdrawn"),
        pytest.param(STOPPED, seen(put(OURS_MARKED)), False, id="a marker is there already"),
        pytest.param(STOPPED, BROKEN, False, id="the bucket cannot be listed"),
        pytest.param(FOLLOWED, folder_of(), False, id="it is another's submission"),
        pytest.param(submission(answer=Answer.UNCONFIRMED, claims=(OURS,)), folder_of(), False, id="its POST was sent"),
        pytest.param(interrupt(submission(), at(10), TIMING), folder_of(), False, id="it had no claim"),
    ],
)
def test_when_a_marker_is_put(row: Submission, found: Listing | Unreadable, is_put: bool) -> None:
    look = List(prefix="s3://my-bucket/ndvi", credentials_ref=None, submission=row)
    marker = marker_for(look, found)
    expected = f"s3://my-bucket/ndvi/{row.id}.claims/{OURS}.marker.withdrawn"
    assert (marker.url if marker else None) == (expected if is_put else None)


def test_a_marker_claims_nothing() -> None:
    assert met(claim(), seen(put(OURS), put(OURS_MARKED), put(f"{EARLIER}.marker.withdrawn")))[0] is Meeting.ALONE
    assert adopt_listed(job(), wanted(), [put(OURS_MARKED)], [], NOW) == ()


@pytest.mark.parametrize(
    ("known", "why"),
    [
        pytest.param([], Refusal.UNCLAIMED, id="never claimed before: the older rule holds"),
        pytest.param(
            [submission(answer=Answer.REFUSED, refused=Refused(why=Refusal.CLAIMED, message="was not seen"))],
            Refusal.CLAIMED, id="claimed before: not without a claim, since that it was not seen may have been a lie",
        ),
    ],
)  # fmt: skip
def test_a_claim_that_is_denied(known: list[Submission], why: Refusal) -> None:
    steps = claiming(claim(*known))
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(DENIED)
        steps.send(None)
    assert end.value.value.why is why
