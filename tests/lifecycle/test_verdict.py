"""The verdict: Succeeded, Failed and Unknown are said only with evidence, and everything else is waited for."""

from datetime import datetime

import pytest

from controller.lifecycle.verdict import Verdict, late_look, verdict
from controller.model.job import ExpectedOutput
from controller.model.submission import Evidence, Outcome
from tests.support.factories import JPEG, NOW, TIFF, TIMING, at, evidence, stored

GRACE = TIMING.delivery_grace
HOUR = 3600.0
BOTH = ("default.tif", "preview.jpg")
WORDS = {
    "Verifying": "the bucket has not been read yet",
    "Confirming": "every output is there; one more listing shows whether they still change",
    "Delivered": "every declared output is delivered",
    "NothingDelivered": "neither an output nor an error.json is in the bucket; check that the service may write to it",
    "PartlyDelivered": "delivered only in part; missing: preview",
    "BucketUnreadable": "the bucket cannot be read, so the outcome is not known: AccessDenied",
}


def waiting(reason: str, look_at: float) -> Verdict:
    return Verdict(outcome=None, reason=reason, message=WORDS[reason], look_at=at(look_at))


def unknown(reason: str, look_at: float | None = HOUR) -> Verdict:
    time = None if look_at is None else at(look_at)
    return Verdict(outcome=Outcome.UNKNOWN, reason=reason, message=WORDS[reason], look_at=time)


def delivered(look_at: float | None = None) -> Verdict:
    time = None if look_at is None else at(look_at)
    return Verdict(outcome=Outcome.SUCCEEDED, reason="Delivered", message=WORDS["Delivered"], look_at=time)


def failed(message: str, look_at: float | None = None) -> Verdict:
    time = None if look_at is None else at(look_at)
    return Verdict(outcome=Outcome.FAILED, reason="ErrorReported", message=message, look_at=time)


def seen(time: float, *names: str, since: float | None = None, **different: object) -> Evidence:
    """Evidence of these objects at `time`, the same since then unless said otherwise."""
    objects = tuple(stored(name) for name in names)
    return evidence(at=at(time), since=at(time if since is None else since), objects=objects, **different)


def unreadable(time: float) -> Evidence:
    return evidence(at=at(time), since=at(time), readable=False, objects=(), message="AccessDenied")


@pytest.mark.parametrize(
    ("found", "now", "expected"),
    [
        pytest.param(None, 0, waiting("Verifying", 0), id="the bucket was not read: nothing is said, it is read now"),
        pytest.param(seen(0), 0, waiting("NothingDelivered", 15), id="empty just after the 404: wait"),
        pytest.param(seen(590), 590, waiting("NothingDelivered", 600), id="the last wait ends with the grace"),
        pytest.param(seen(599), 599.999, waiting("NothingDelivered", 600), id="empty a moment before the grace: wait"),
        pytest.param(seen(5, "default.tif"), 5, waiting("PartlyDelivered", 20), id="one of two is there: wait"),
        pytest.param(unreadable(5), 5, waiting("BucketUnreadable", 20), id="unreadable within the grace: wait"),
        pytest.param(
            seen(5, *BOTH), 5, waiting("Confirming", 15), id="both were seen once: look again before saying success"
        ),
        pytest.param(
            seen(14.999, *BOTH, since=5),
            14.999,
            waiting("Confirming", 15),
            id="unchanged for a little too short a time: look again",
        ),
        pytest.param(
            seen(700, *BOTH),
            700,
            waiting("Confirming", 710),
            id="complete only after the grace: confirmed like any other",
        ),
    ],
)
def test_what_is_not_settled_is_waited_for(found: Evidence | None, now: float, expected: Verdict) -> None:
    assert verdict(found, (TIFF, JPEG), NOW, at(now), TIMING) == expected


@pytest.mark.parametrize(
    ("found", "now", "expected"),
    [
        pytest.param(seen(600), 600, unknown("NothingDelivered"), id="empty exactly when the grace ends: unknown"),
        pytest.param(
            seen(600, "default.tif"), 600, unknown("PartlyDelivered"), id="one of two: unknown, never success"
        ),
        pytest.param(
            seen(600, "preview.png", "default.tif"), 600, unknown("PartlyDelivered"), id="wrong format: missing"
        ),
        pytest.param(
            unreadable(600), 600, unknown("BucketUnreadable"), id="unreadable: unknown, with the store's words"
        ),
        pytest.param(seen(HOUR), HOUR, unknown("NothingDelivered", 6 * HOUR), id="after one hour: six hours are next"),
        pytest.param(seen(7 * HOUR), 7 * HOUR, unknown("NothingDelivered", 24 * HOUR), id="then one day"),
        pytest.param(seen(24 * HOUR), 24 * HOUR, unknown("NothingDelivered", None), id="after one day: no more looks"),
        pytest.param(
            evidence(at=at(HOUR), readable=False, message="AccessDenied"),
            HOUR,
            unknown("BucketUnreadable", 6 * HOUR),
            id="what was seen before does not count while the bucket cannot be read",
        ),
        pytest.param(
            unreadable(24 * HOUR),
            24 * HOUR,
            unknown("BucketUnreadable", 48 * HOUR),
            id="after one day nobody could see what is there: daily",
        ),
    ],
)
def test_without_evidence_the_outcome_is_unknown(found: Evidence, now: float, expected: Verdict) -> None:
    assert verdict(found, (TIFF, JPEG), NOW, at(now), TIMING) == expected


@pytest.mark.parametrize(
    ("found", "now", "expected"),
    [
        pytest.param(seen(15, "default.tif", since=5, spent=18.5), 15, delivered(), id="unchanged over two listings"),
        pytest.param(seen(15, "default.tif", since=5, spent=0.0), 15, delivered(), id="it cost nothing: that is known"),
        pytest.param(
            seen(15, "default.tif", since=5), 15, delivered(HOUR), id="the cost is not told: look once more in an hour"
        ),
        pytest.param(
            seen(2 * HOUR, "default.tif", since=HOUR), 2 * HOUR, delivered(6 * HOUR), id="late evidence settles it"
        ),
        pytest.param(seen(30 * HOUR, "default.tif", since=0), 30 * HOUR, delivered(), id="a cost never told is let go"),
    ],
)
def test_complete_and_unchanging_outputs_are_success(found: Evidence, now: float, expected: Verdict) -> None:
    assert verdict(found, (TIFF,), NOW, at(now), TIMING) == expected


@pytest.mark.parametrize(
    ("found", "now", "expected"),
    [
        pytest.param(seen(0, error="boom", spent=0.0), 0, failed("boom"), id="at once, without waiting for more"),
        pytest.param(
            seen(15, "default.tif", since=0, error="boom", spent=3.0), 15, failed("boom"), id="it wins over outputs"
        ),
        pytest.param(seen(0, error="boom"), 0, failed("boom", HOUR), id="its cost may still be told"),
        pytest.param(seen(HOUR, error="late"), HOUR, failed("late", 6 * HOUR), id="an hour late it still settles it"),
    ],
)
def test_an_error_document_is_failure(found: Evidence, now: float, expected: Verdict) -> None:
    assert verdict(found, (TIFF,), NOW, at(now), TIMING) == expected


@pytest.mark.parametrize("count", [pytest.param(1, id="one output"), pytest.param(3, id="three outputs")])
def test_every_missing_output_is_named(count: int) -> None:
    outputs = [ExpectedOutput(identifier=f"band{n}", media_type="image/png", extensions=("png",)) for n in range(count)]
    missing = ", ".join(output.identifier for output in outputs)
    seen_tiff = seen(GRACE, "default.tif")
    assert verdict(seen_tiff, [TIFF, *outputs], NOW, at(GRACE), TIMING) == Verdict(
        outcome=Outcome.UNKNOWN,
        reason="PartlyDelivered",
        message=f"delivered only in part; missing: {missing}",
        look_at=at(HOUR),
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(0, at(HOUR), id="just gone"),
        pytest.param(HOUR - 1, at(HOUR), id="a second before the first"),
        pytest.param(HOUR, at(6 * HOUR), id="at the first: the second is next"),
        pytest.param(24 * HOUR - 1, at(24 * HOUR), id="a second before the last"),
        pytest.param(24 * HOUR, None, id="at the last: none is left"),
    ],
)
def test_late_looks(now: float, expected: datetime | None) -> None:
    assert late_look(NOW, at(now), TIMING) == expected
